"""What is written is read again, for any lawful payments; what a bank writes adds up to what it moved."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schwifty import IBAN

from chains.sepa.address import INDEX_MAX, derive, find_references
from chains.sepa.build import Debtor, build
from chains.sepa.camt import read_statements
from chains.sepa.decode import decode
from chains.sepa.document import DocumentRefused
from chains.sepa.figures import exact_units
from chains.sepa.movements import movements
from chains.sepa.payout import PAYMENT_UNITS_MAX, bank_reference
from tests.unit.chains.sepa.material import ACCOUNT, EUR, detail, document, entry, statement
from wallet.ids import encode_ulid
from wallet.money import Amount, format_units
from wallet.ports import Branch, Destination, FileSource, Instruction

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-?:().,'+ "
names = st.text(LETTERS, min_size=1, max_size=70).map(str.strip).filter(bool)
ibans = st.builds(lambda number: str(IBAN.generate("DE", "37040044", f"{number:010d}")), st.integers(1, 10**10 - 1))
ulids = st.builds(encode_ulid, st.integers(0, 2**48 - 1), st.integers(0, 2**80 - 1))
moments = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 (bounds are naive)


@st.composite
def instructions(draw: st.DrawFn) -> list[Instruction]:
    references = draw(st.lists(ulids, min_size=1, max_size=5, unique=True))
    return [
        Instruction(
            reference=f"wdr_{reference}",
            destination=Destination(draw(ibans.filter(lambda iban: iban != ACCOUNT.iban)), draw(names)),
            amount=Amount(draw(st.integers(1, PAYMENT_UNITS_MAX)), EUR),
        )
        for reference in references
    ]


@given(instructions(), ulids, moments, st.sampled_from([None, "COBADEFFXXX"]), names)
@settings(max_examples=60, deadline=None)
def test_any_lawful_payout_file_is_read_back_as_it_was_meant(
    pay: list[Instruction], message: str, at: datetime, bic: str | None, holder: str
) -> None:
    unsigned = build(pay, FileSource(f"sub_{message}", at), Debtor(ACCOUNT, bic, holder))
    file = decode(unsigned.payload)
    assert file.message_id == f"sub-{message}"
    assert file.created_at == at.replace(microsecond=0)
    assert (file.debtor_name, file.debtor_bic) == (holder, bic)
    assert [(each.end_to_end, each.iban, each.name, each.units) for each in file.payments] == [
        (bank_reference(each.reference), each.destination.address, each.destination.name, each.amount.units)
        for each in pay
    ]
    assert file.control_units == sum(each.amount.units for each in pay)


@given(instructions(), st.data())
@settings(max_examples=60, deadline=None)
def test_any_changed_byte_is_refused_or_is_another_file(pay: list[Instruction], data: st.DataObject) -> None:
    payload = build(pay, FileSource("sub_1", datetime(2026, 3, 2, tzinfo=UTC)), Debtor(ACCOUNT, None, "Coffer")).payload
    changed = bytearray(payload)
    place = data.draw(st.integers(0, len(payload) - 1))
    changed[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != payload[place]))
    try:
        after = decode(bytes(changed))
    except ValueError:
        return
    assert after != decode(payload)


@given(st.integers(0, 10**15), st.integers(0, 3), st.integers(0, 3))
def test_an_amount_is_read_exactly_with_any_zeros_around_it(units: int, before: int, after: int) -> None:
    assert exact_units("0" * before + format_units(units, 2) + "0" * after, 2) == units


@given(st.text("0123456789.+-eE ,", max_size=12))
def test_no_text_is_read_as_an_amount_that_it_is_not(text: str) -> None:
    try:
        units = exact_units(text, 2)
    except DocumentRefused:
        return
    whole, _, fraction = text.lstrip("+-").partition(".")
    assert units == int(whole or "0") * 100 + int((fraction + "00")[:2])
    assert not fraction[2:].strip("0")


@given(
    st.sampled_from([Branch.DEPOSIT, Branch.HOUSE]),
    st.integers(0, INDEX_MAX),
    st.text(LETTERS, max_size=20),
    st.text(" -./:", max_size=3),
)
def test_a_reference_is_found_in_any_words_and_grouping(branch: Branch, index: int, words: str, between: str) -> None:
    reference = derive(branch, index).address
    grouped = between.join(reference[at : at + 4] for at in range(0, 16, 4))
    assert reference in find_references([f"{words} {grouped} {words}".lower()])


lines = st.lists(
    st.tuples(
        st.lists(st.integers(0, 10**9), min_size=1, max_size=4),
        st.booleans(),
        st.sampled_from(["BOOK", "PDNG", "INFO"]),
    ),
    max_size=6,
)


@given(st.integers(-(10**9), 10**9), lines, st.sampled_from([0, 0, 0, -1, 1]))
@settings(max_examples=80, deadline=None)
def test_a_statement_is_read_when_it_adds_up_and_only_then(
    opening: int, moved: list[tuple[list[int], bool, str]], slip: int
) -> None:
    booked = sum(sum(parts) * (1 if credit else -1) for parts, credit, state in moved if state == "BOOK")
    entries = [
        entry(
            format_units(sum(parts), 2),
            credit=credit,
            state=state,
            details="".join(detail(format_units(part, 2)) for part in parts),
        )
        for parts, credit, state in moved
    ]
    raw = document(statement(format_units(opening, 2), format_units(opening + booked + slip, 2), *entries))
    if slip:
        with pytest.raises(DocumentRefused, match="does not add up"):
            read_statements(raw, ACCOUNT)
        return
    (read,) = read_statements(raw, ACCOUNT)
    assert sum(each.units if each.credit else -each.units for each in movements(read) if each.booked) == booked
    assert replace(read, created_at=datetime(2000, 1, 1, tzinfo=UTC)).says_the_same(read)
