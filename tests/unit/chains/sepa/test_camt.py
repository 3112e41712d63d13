"""What a statement says, and when it is not believed."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from chains.sepa.account import Account
from chains.sepa.camt import Statement, read_statements
from chains.sepa.document import DocumentRefused
from chains.sepa.entries import EntryState
from tests.unit.chains.sepa.material import ACCOUNT, EUR, OTHER_IBAN, balance, detail, document, entry, statement

VECTORS = Path(__file__).parents[3] / "vectors/camt-genkgo"
GENKGO = Account("NL26VAYB8060476890", EUR)


def read(*statements: str) -> tuple[Statement, ...]:
    return read_statements(document(*statements), ACCOUNT)


def reason(raw: bytes, account: Account = ACCOUNT) -> str:
    with pytest.raises(DocumentRefused) as caught:
        read_statements(raw, account)
    return caught.value.reason


def test_a_statement_is_read_to_the_cent() -> None:
    (read_one,) = read(statement("10.00", "12.49", entry("2.5"), entry("0.01", credit=False), number=7))
    assert (read_one.opening_units, read_one.closing_units, read_one.sequence) == (1000, 1249, 7)
    assert [each.signed_units for each in read_one.entries] == [250, -1]
    assert read_one.created_at == datetime(2026, 3, 2, 18, tzinfo=UTC)
    assert read_one.closed_on == date(2026, 3, 2)


@pytest.mark.parametrize(
    ("written", "units"),
    [
        ("12.5", 1250),
        ("12.50", 1250),
        ("0012.50", 1250),
        ("12.50000", 1250),
        ("+12.5", 1250),
        ("12.", 1200),
        (".5", 50),
    ],
)
def test_every_lawful_way_to_write_a_decimal_is_read_exactly(written: str, units: int) -> None:
    (one,) = read(statement("0.00", f"{units // 100}.{units % 100:02d}", entry(written)))
    assert one.entries[0].units == units


def test_a_third_significant_decimal_is_refused() -> None:
    assert "more than 2 decimals" in reason(document(statement("0.00", "1.00", entry("1.001"))))


@pytest.mark.parametrize("closing", ["0.99", "1.01", "-1.00"])
def test_a_statement_that_is_off_by_a_cent_does_not_add_up(closing: str) -> None:
    assert "does not add up" in reason(document(statement("0.00", closing, entry("1.00"))))


def test_pending_and_information_entries_do_not_count_in_the_sum() -> None:
    entries = [entry("5.00", state=state) for state in ("PDNG", "INFO", "FUTR")]
    (one,) = read(statement("0.00", "1.00", entry("1.00"), *entries))
    assert [each.state for each in one.entries] == list(EntryState)


def test_an_overdrawn_account_has_negative_balances() -> None:
    (one,) = read(statement("1.00", "-1.50", entry("2.50", credit=False)))
    assert (one.opening_units, one.closing_units) == (100, -150)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (document(statement(iban=OTHER_IBAN)), "another account"),
        (document(statement(balances=balance("OPBD", "0.00"))), "balance is missing"),
        (document(statement(balances=balance("CLBD", "0.00"))), "balance is missing"),
        (document(statement(balances=balance("OPBD", "0") + balance("CLAV", "0"))), "balance is missing"),
        (document(statement(balances=balance("OPBD", "0") + balance("PRCD", "1") + balance("CLBD", "0"))), "differ"),
        (document(statement(balances=balance("OPBD", "0") + balance("CLBD", "0", currency="USD"))), "not in EUR"),
        (document(statement("0.00", "1.00", entry("1.00", currency="USD"))), "not in EUR"),
        (document(statement("0.00", "1.00", entry("1.00", state="HUH"))), "state"),
        (document(statement().replace("<Ccy>EUR</Ccy>", "<Ccy>USD</Ccy>")), "currency is not EUR"),
        (document(statement(created="9999-12-31T23:59:59-14:00")), "out of range"),
        (document(statement(day="12026-03-02")), "out of range"),
    ],
)
def test_what_cannot_be_believed_is_refused_with_the_reason(raw: bytes, says: str) -> None:
    assert says in reason(raw)


def test_the_previous_closing_balance_opens_as_well() -> None:
    (one,) = read(statement(balances=balance("PRCD", "3.00") + balance("CLBD", "3.00")))
    assert one.opening_units == 300


def test_an_account_named_otherwise_than_by_iban_is_recognised() -> None:
    raw = document(statement()).replace(
        b"<IBAN>DE89370400440532013000</IBAN>", b"<Othr><Id>DE89370400440532013000</Id></Othr>"
    )
    assert read_statements(raw, ACCOUNT)


def test_pages_of_one_statement_become_one() -> None:
    first = statement(
        page=(1, False), name="S", balances=balance("OPBD", "0") + balance("ITBD", "1.00"), number=1
    ).replace("</Stmt>", entry("1.00") + "</Stmt>")
    second = statement(
        page=(2, True), name="S", balances=balance("ITBD", "1.00") + balance("CLBD", "3.00"), number=1
    ).replace("</Stmt>", entry("2.00") + "</Stmt>")
    (joined,) = read(first, second)
    assert (joined.opening_units, joined.closing_units, len(joined.entries)) == (0, 300, 2)
    assert (joined.first_page, joined.page, joined.closes_interim) == (1, 2, False)


def test_pages_that_repeat_the_whole_statements_balances_are_joined_too() -> None:
    whole = balance("OPBD", "0") + balance("CLBD", "3.00")
    pages = [
        statement(page=(1, False), name="S", balances=whole).replace("</Stmt>", entry("1.00") + "</Stmt>"),
        statement(page=(2, True), name="S", balances=whole).replace("</Stmt>", entry("2.00") + "</Stmt>"),
    ]
    (joined,) = read(*pages)
    assert (joined.closing_units, len(joined.entries)) == (300, 2)


def test_details_are_read_with_party_and_reference() -> None:
    details = detail("1.00", text="thanks", debtor="Ada Lovelace", debtor_iban=OTHER_IBAN, end_to_end="E-1")
    (one,) = read(statement("0.00", "1.00", entry("1.00", details=details)))
    (read_detail,) = one.entries[0].details
    assert (read_detail.debtor.name, read_detail.debtor.iban) == ("Ada Lovelace", OTHER_IBAN)
    assert (read_detail.text, read_detail.end_to_end, read_detail.units) == ("thanks", "E-1", 100)


def test_the_same_statement_made_again_later_says_the_same() -> None:
    (early,) = read(statement("0.00", "1.00", entry("1.00")))
    (late,) = read(statement("0.00", "1.00", entry("1.00"), created="2026-03-05T18:00:00Z"))
    (other,) = read(statement("0.00", "1.00", entry("1.00", text="other")))
    assert early.says_the_same(late)
    assert not early.says_the_same(other)


# ── published samples ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_published_sample_of_two_statements_is_read_as_its_publisher_reads_it() -> None:
    raw = (VECTORS / "camt053.v2.multi.statement.xml").read_bytes()
    first, second = read_statements(raw, GENKGO)
    assert (first.opening_units, first.closing_units, second.closing_units) == (1815, 2700, 2000)
    assert [each.signed_units for each in first.entries + second.entries] == [885, -700]
    assert (first.sequence, second.sequence) == (12312, None)
    dump = json.loads((VECTORS / "camt053.v2.multi.statement.json").read_text())["getEntries"][0]  # of the second only
    assert dump["getAmount"]["getAmount"] == str(second.entries[0].signed_units)
    balances = [each["getAmount"]["getAmount"] for each in dump["getRecord"]["getBalances"]]
    assert balances == [str(second.opening_units), str(second.closing_units)]


@pytest.mark.parametrize(
    ("sample", "says"),
    [
        ("camt053.v2.all-balance-types", "speaks of another account"),
        ("camt053.v2.minimal.ultimate", "balance that is not in EUR"),
        ("camt053.v2.with-party-ids", "balance that is not in EUR"),
        ("camt053.v3", "balance that is not in EUR"),
        ("camt053.v8", "balance that is not in EUR"),
        ("camt054.v2", "not one of camt.053"),
        ("camt054.v8", "not one of camt.053"),
        ("camt054.v8-with-UETR", "not one of camt.053"),
    ],
)
def test_published_samples_with_impossible_accounts_are_refused_for_the_right_reason(sample: str, says: str) -> None:
    assert says in reason((VECTORS / f"{sample}.xml").read_bytes(), GENKGO)


@pytest.mark.parametrize(
    "sample", ["camt053.v2.minimal.ultimate", "camt053.v2.with-party-ids", "camt053.v3", "camt053.v8"]
)
def test_published_samples_are_read_once_their_balances_are_made_possible(sample: str) -> None:
    """The publisher's samples mix currencies at random; with one currency and a true sum, all else is read."""
    raw = (VECTORS / f"{sample}.xml").read_bytes()
    for currency in (b"SEK", b"CHF", b"JPY"):
        raw = raw.replace(b'Ccy="' + currency + b'"', b'Ccy="EUR"')
    raw = raw.replace(
        b'<Amt Ccy="EUR">27.00</Amt>\n                <CdtDbtInd>DBIT',
        b'<Amt Ccy="EUR">27.00</Amt>\n                <CdtDbtInd>CRDT',
    )
    (one,) = read_statements(raw, GENKGO)
    assert (one.opening_units, one.closing_units, one.entries[0].units) == (1815, 2700, 885)


def test_every_published_sample_has_its_expectation() -> None:
    assert len(list(VECTORS.glob("*.xml"))) == 9
