"""A statement's lines as single movements."""

import pytest

from chains.sepa.camt import read_statements
from chains.sepa.movements import Movement, is_return, movements, own_name
from chains.sepa.scan import quoted_references
from tests.unit.chains.sepa.material import ACCOUNT, detail, document, entry, statement

WITHDRAWAL = "wdr-01jd0000000000000000000001"


def moved(closing: str, *entries: str) -> list[Movement]:
    return list(movements(read_statements(document(statement("0.00", closing, *entries)), ACCOUNT)[0]))


def test_a_batch_is_as_many_movements_as_it_has_details() -> None:
    found = moved("6.00", entry("6.00", details=detail("1.00") + detail("2.00") + detail("3.00")))
    assert [(each.ordinal, each.index, each.units) for each in found] == [(0, 0, 100), (0, 1, 200), (0, 2, 300)]


def test_a_batch_net_of_a_charge_moves_both_ways() -> None:
    found = moved("6.00", entry("6.00", details=detail("7.00") + detail("1.00", credit=False)))
    assert [(each.units, each.credit) for each in found] == [(700, True), (100, False)]


@pytest.mark.parametrize(
    "details",
    [
        detail("1.00") + detail("2.00"),
        detail("1.00") + detail(),
        detail("5.99"),
        detail("3.00") + detail("3.00", credit=False),
    ],
)
def test_details_that_do_not_come_to_the_entry_leave_it_whole_and_in_doubt(details: str) -> None:
    (only,) = moved("6.00", entry("6.00", details=details))
    assert (only.units, only.detail, only.doubt) == (600, None, "details_disagree")


def test_an_entry_without_details_and_one_without_a_detailed_amount_are_one_movement() -> None:
    bare, named = moved("3.00", entry("1.00", text="hello"), entry("2.00", details=detail(text="x")))
    assert (bare.units, bare.detail, bare.doubt) == (100, None, None)
    assert named.units == 200
    assert named.detail is not None


def test_zero_entries_and_information_move_nothing() -> None:
    assert moved("0.00", entry("0.00"), entry("9.00", state="INFO"), entry("9.00", state="FUTR")) == []


@pytest.mark.parametrize(
    ("reference", "means"), [("A1", "A1"), ("NONREF", None), ("nonref", None), ("000", None), (None, None)]
)
def test_what_banks_write_in_place_of_a_reference_is_none(reference: str | None, means: str | None) -> None:
    (only,) = moved("1.00", entry("1.00", reference=reference, number="1"))
    assert only.reference == means


def test_a_debit_of_ours_is_known_by_its_payment_or_its_file() -> None:
    named = moved(
        "-5.00",
        entry("1.00", credit=False, details=detail(end_to_end=WITHDRAWAL.upper())),
        entry("1.00", credit=False, batch="sub-1"),
        entry("1.00", credit=False, batch="sub-1", details=detail(end_to_end="NOTPROVIDED")),
        entry("1.00", credit=False, details=detail(end_to_end="RENT")),
        entry("1.00", credit=False, reversal=True, details=detail(end_to_end=WITHDRAWAL)),
    )
    assert [own_name(each) for each in named] == [WITHDRAWAL, "sub-1", "sub-1", None, None]


def test_a_direct_debit_is_never_ours_whatever_reference_its_collector_chose() -> None:
    (collected,) = moved("-1.00", entry("1.00", credit=False, code="RDDT/ESDD", details=detail(end_to_end=WITHDRAWAL)))
    assert own_name(collected) is None


def test_a_payout_that_comes_back_is_recognised_in_all_the_ways_banks_say_so() -> None:
    found = moved(
        "5.00",
        entry("1.00", reversal=True, details=detail(end_to_end=WITHDRAWAL)),
        entry("1.00", details=detail(end_to_end=WITHDRAWAL, returned=True)),
        entry("1.00", code="ICDT/RRTN", details=detail(end_to_end=WITHDRAWAL)),
        entry("1.00", details=detail(end_to_end=WITHDRAWAL)),
        entry("1.00", details=detail(end_to_end="RENT")),
    )
    assert [is_return(each) for each in found] == [True, True, True, True, False]


def test_references_are_looked_for_in_text_and_in_the_structured_field() -> None:
    free, structured = moved(
        "2.00",
        entry("1.00", details=detail(text="for rf73 cf00 0000 0042")),
        entry("1.00", details=detail(creditor_reference="RF73CF0000000042")),
    )
    assert quoted_references(free) == quoted_references(structured) == {"RF73CF0000000042"}
