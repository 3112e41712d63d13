"""Which statement is the next."""

import pytest

from chains.sepa.camt import Statement, read_statements
from chains.sepa.continuity import judge, same_statement
from chains.sepa.statements import Accepted, NoticeState, accept, beginning
from tests.unit.chains.sepa.material import ACCOUNT, IBAN, balance, document, entry, statement

ACCEPTED, WAITING, REFUSED = NoticeState.ACCEPTED, NoticeState.WAITING, NoticeState.REFUSED


def facts(opening: str = "1.00", number: int | None = 8, day: str = "2026-03-03", **more: object) -> Statement:
    written = statement(opening, opening, number=number, day=day, **more)  # type: ignore[arg-type]
    return read_statements(document(written), ACCOUNT)[0]


def last(number: int | None = 7) -> Accepted:
    one = read_statements(document(statement("0.00", "1.00", entry("1.00"), number=number)), ACCOUNT)[0]
    return accept(one, beginning(IBAN), "d" * 64, 0)


@pytest.mark.parametrize(
    ("after", "state", "says"),
    [
        (facts(), ACCEPTED, ""),
        (facts(day="2026-03-02"), ACCEPTED, ""),
        (facts(number=None), ACCEPTED, ""),
        (facts(number=None, day="2026-03-02"), ACCEPTED, ""),
        (facts(number=9), WAITING, "statement 8 is missing"),
        (facts("5.00", number=9), WAITING, "statement 8 is missing"),
        (facts("5.00", number=None), WAITING, "opens with 5.00: a statement that opens with 1.00 is missing"),
        (facts("5.00"), REFUSED, "is number 8, the next, but opens with 5.00"),
        (facts(number=7), REFUSED, "has number 7, as another"),
        (facts(number=6), REFUSED, "is older"),
        (facts(number=None, day="2026-03-01"), REFUSED, "is older"),
        (facts("5.00", number=None, day="2026-03-01"), REFUSED, "is older"),
    ],
)
def test_after_number_7_that_closed_with_one_euro(after: Statement, state: NoticeState, says: str) -> None:
    verdict = judge(after, last(), 0, 2)
    assert verdict.state is state
    assert says in verdict.reason


def test_a_bank_may_begin_to_count_anew_with_the_year() -> None:
    assert judge(facts(number=1, day="2027-01-02"), last(), 0, 2).state is ACCEPTED
    assert judge(facts("2.00", number=1, day="2027-01-02"), last(), 0, 2).state is WAITING
    assert judge(facts(number=2, day="2027-01-03"), last(), 0, 2).state is WAITING
    assert judge(facts(number=1, day="2026-12-31"), last(), 0, 2).state is REFUSED


def test_without_a_number_before_the_balance_and_the_date_decide() -> None:
    assert judge(facts(number=99), last(None), 0, 2).state is ACCEPTED
    assert judge(facts("3.00", number=99), last(None), 0, 2).state is WAITING


def test_the_first_statement_opens_with_the_configured_balance() -> None:
    assert judge(facts("0.00"), None, 0, 2).state is ACCEPTED
    assert judge(facts("1.00"), None, 100, 2).state is ACCEPTED
    assert judge(facts("1.00"), None, 0, 2).state is WAITING
    assert judge(facts("1.00", number=1), None, 0, 2).state is REFUSED


def test_pages_follow_each_other() -> None:
    first = _page(1, balance("OPBD", "0.00") + balance("ITBD", "0.00"))
    second = _page(2, balance("ITBD", "0.00") + balance("ITBD", "0.00"))
    third = _page(3, balance("ITBD", "0.00") + balance("CLBD", "0.00"))
    assert judge(second, None, 0, 2).reason == "page 1 of statement P is missing"
    assert judge(first, None, 0, 2).state is ACCEPTED
    on_first = accept(first, beginning(IBAN), "d" * 64, 0)
    assert judge(second, on_first, 0, 2).state is ACCEPTED
    assert judge(third, on_first, 0, 2).reason == "page 2 of statement P is missing"
    assert judge(facts("0.00"), on_first, 0, 2).state is WAITING
    on_third = accept(third, accept(second, on_first.ref, "d" * 64, 0).ref, "d" * 64, 0)
    assert judge(facts("0.00", number=2), on_third, 0, 2).state is ACCEPTED
    torn = _page(2, balance("ITBD", "9.00") + balance("CLBD", "9.00"))
    assert judge(torn, on_first, 0, 2).state is REFUSED


def test_a_statement_number_used_in_another_year_is_another_statement() -> None:
    accepted = accept(facts(name="N"), beginning(IBAN), "d" * 64, 0)
    assert same_statement(accepted, facts("2.00", name="N"))
    assert not same_statement(accepted, facts(name="N", day="2027-03-03"))
    assert not same_statement(accepted, facts(name="M"))


def test_block_ids_chain_over_file_place_and_parent() -> None:
    one, below = facts(), beginning(IBAN)
    ids = {
        accept(one, below, "a" * 64, 0).id,
        accept(one, below, "b" * 64, 0).id,
        accept(one, below, "a" * 64, 1).id,
        accept(one, beginning("NL91ABNA0417164300"), "a" * 64, 0).id,
    }
    assert len(ids) == 4
    assert accept(one, below, "a" * 64, 0).parent == below.id


def _page(number: int, balances: str) -> Statement:
    written = statement(name="P", page=(number, number == 3), balances=balances, number=1)
    return read_statements(document(written), ACCOUNT)[0]
