"""Walks through history, whatever the steps, find each transfer once and in order."""

import random

import pytest

from tests.integration.wallet.changes import EUR
from tests.integration.wallet.ledger.conftest import PEOPLE, SEED, Books, Plain, summed
from wallet.ledger.accounts import customer_balance
from wallet.movements.movement import Movement
from wallet.movements.pages import Page, PageWanted, read_page

ANN = customer_balance(PEOPLE[0], EUR).id


def places(rows: list[Plain] | list[Movement]) -> list[tuple[int, int]]:
    return [(row.seq, row.ordinal) for row in rows]


async def walked(
    books: Books, wanted: PageWanted, limits: list[int], *, ascending: bool, chance: random.Random
) -> tuple[list[Movement], int]:
    """All items from one end to the other, and how many pages they came on."""
    found: list[Movement] = []
    cut, pages = None, 0
    while pages <= len(books.plain):
        page = await read_page(books.context, wanted, cut, chance.choice(limits), ascending=ascending)
        found, cut, pages = found + page.items, page.end, pages + 1
        if cut is None:
            return found, pages
    raise AssertionError("the walk goes in circles")


@pytest.mark.parametrize("ascending", [True, False])
async def test_any_steps_lead_through_all_transfers_once(books: Books, ascending: bool) -> None:
    chance, accounts = random.Random(SEED), [customer_balance(who, EUR).id for who in PEOPLE]
    for account in accounts:
        mine = [row for row in books.plain if row.touches(account)]
        found, _ = await walked(books, PageWanted((account,)), [3, 1, 2, 7, 40], ascending=ascending, chance=chance)
        assert places(found) == places(mine if ascending else mine[::-1])
        for movement in found:
            until = [row for row in mine if (row.seq, row.ordinal) <= (movement.seq, movement.ordinal)]
            assert (movement.posted_after, movement.held_after) == summed(until, account)
        changes = (sum(m.posted_change for m in found), sum(m.held_change for m in found))
        assert changes == summed(mine, account)


async def test_one_may_turn_round_at_any_cut(books: Books) -> None:
    """A walk to and fro: where it stands is the number of transfers below the cut."""
    chance, mine = random.Random(SEED + 1), [row for row in books.plain if row.touches(ANN)]
    cut: tuple[int, int] | None = (0, 0)
    for _ in range(60):
        below = sum((row.seq, row.ordinal) <= (cut or (0, 0)) for row in mine)
        ascending, limit = chance.random() < 0.5, chance.randint(1, 9)
        page = await read_page(books.context, PageWanted((ANN,)), cut, limit, ascending=ascending)
        wanted = mine[below : below + limit] if ascending else mine[max(below - limit, 0) : below][::-1]
        assert places(page.items) == places(wanted)
        cut = page.end or cut


async def test_bounds_take_in_their_ends(books: Books) -> None:
    mine = [row for row in books.plain if row.touches(ANN)]
    low, high = mine[10].seq, mine[-10].seq
    assert low < high
    for ascending in (True, False):
        wanted = PageWanted((ANN,), low=low, high=high)
        page = await read_page(books.context, wanted, None, 200, ascending=ascending)
        inside = [row for row in mine if low <= row.seq <= high]
        assert places(page.items) == places(inside if ascending else inside[::-1])
    assert (await read_page(books.context, PageWanted((ANN,), low=high, high=low), None, 9, ascending=True)).items == []


@pytest.mark.parametrize("ascending", [True, False])
async def test_a_filter_looks_at_a_bounded_number_and_still_finds_all(
    books: Books, ascending: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wallet.movements.pages.SCAN_MAX", 5)
    mine = [row for row in books.plain if row.touches(ANN)]
    other = customer_balance(PEOPLE[1], EUR).id
    cases: list[tuple[PageWanted, list[Plain]]] = [
        (PageWanted((ANN,), kind="deposit.credited"), [row for row in mine if row.kind == "deposit.credited"]),
        (PageWanted((ANN,), counterparty=PEOPLE[1]), [row for row in mine if row.touches(other)]),
        (
            PageWanted((ANN,), counterparty=PEOPLE[1], told_kinds=("payment.sent",)),
            [row for row in mine if row.touches(other) and row.kind == "payment.sent"],
        ),
        (PageWanted((ANN,), kind="payment.sent", counterparty="cus_nobody"), []),
    ]
    for wanted, rows in cases:
        for limit in (1, 4):
            found, pages = await walked(books, wanted, [limit], ascending=ascending, chance=random.Random(SEED))
            assert places(found) == places(rows if ascending else rows[::-1])
            assert pages >= len(mine) // 5, "no page looked at more than five"


async def test_no_accounts_have_no_history(books: Books) -> None:
    assert await read_page(books.context, PageWanted(()), None, 9, ascending=True) == Page([], None)
