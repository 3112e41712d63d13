"""Lines against an independent look at the same rows; one end, fixed at the beginning."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from node.database import Dsns
from tests.fakes.world import World
from tests.integration.wallet.changes import EUR, connected, credited, paid
from tests.integration.wallet.movements.busy import (
    HUGE,
    PLATFORM,
    STRANGER,
    be_busy,
    everybody,
    open_customers,
    sub_account,
)
from wallet.exports.files import FileForm, file_of
from wallet.exports.transfers import BOOK_NAMES, CUSTOMER_NAMES, book_rows, customer_rows
from wallet.journal import Change, EventKind, Insert
from wallet.ledger.accounts import customer_balance
from wallet.ledger.moments import MomentArchived
from wallet.movements import chunks
from wallet.movements.chunks import (
    accounts_of,
    movements_of_accounts,
    movements_of_books,
    movements_of_platform,
    order_of,
)
from wallet.movements.movement import Movement
from wallet.movements.span import Period, Span, span_of

_INDEPENDENT = """
SELECT t.seq, t.ordinal, s.side, s.account, t.units::text, j.kind FROM transfers t JOIN journal j USING (seq)
CROSS JOIN LATERAL (VALUES ('debit', t.debit_account), ('credit', t.credit_account)) s (side, account)
WHERE split_part(s.account, ':', 1) = ANY($1::text[]) AND t.seq <= $2 ORDER BY t.seq, t.ordinal, s.side DESC
"""


async def whole_span(world: World) -> Span:
    return await span_of(world.context, Period())


async def gathered(chunks: Any) -> list[Movement]:
    return [line for lines in [lines async for lines in chunks] for line in lines]


async def independent(connection: asyncpg.Connection, owners: list[str], upto: int) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await connection.fetch(_INDEPENDENT, owners, upto)]


def as_tuples(lines: list[Movement]) -> list[tuple[Any, ...]]:
    return [
        (line.seq, line.ordinal, "credit" if line.is_credit else "debit", line.account, str(line.units), line.kind)
        for line in lines
    ]


@pytest.mark.parametrize("chunk", [7, 1_000])
@pytest.mark.parametrize("subs", [3, 60])
async def test_lines_are_the_transfers_whatever_way_they_are_read(
    world: World, dsns: Dsns, monkeypatch: pytest.MonkeyPatch, subs: int, chunk: int
) -> None:
    """Three sub-accounts are read along their accounts, sixty along the journal; chunks may end anywhere."""
    monkeypatch.setattr(chunks, "CHUNK_ROWS", chunk)
    monkeypatch.setattr(chunks, "CHUNK_ROWS_MIN", 2)
    monkeypatch.setattr(chunks, "WINDOW_ROWS", chunk)
    await open_customers(world, subs)
    await be_busy(world, subs, rounds=20)
    span = await whole_span(world)
    async with connected(dsns.books) as connection:
        owners = [one for one in everybody(subs) if one != STRANGER]
        for found, wanted in (
            (movements_of_platform(world.context, PLATFORM, span), owners),
            (movements_of_accounts(world.context, await accounts_of(world.context, STRANGER), span), [STRANGER]),
        ):
            lines = await gathered(found)
            assert len(lines) > 4
            assert as_tuples(lines) == await independent(connection, list(wanted), span.upto)
            assert [order_of(line) for line in lines] == sorted(order_of(line) for line in lines)


async def test_each_line_continues_the_one_before_it_to_the_last_unit(world: World, dsns: Dsns) -> None:
    """Posted after each line is posted before it, plus or minus the line; at the end it is what the account has."""
    await open_customers(world, 50)
    await be_busy(world, 50, rounds=40)
    posted: dict[str, int] = {}
    for line in await gathered(movements_of_platform(world.context, PLATFORM, await whole_span(world))):
        if line.move in ("post", "settle"):
            posted[line.account] = posted.get(line.account, 0) + (-line.units if not line.is_credit else line.units)
        assert line.posted_after == posted.get(line.account, 0), line
    assert sum(abs(units) > HUGE >> 1 for units in posted.values()) > 40
    sql = "SELECT (credits_posted - debits_posted)::text FROM accounts WHERE id = $1"
    async with connected(dsns.books) as connection:
        assert {name: str(units) for name, units in posted.items()} == {
            name: await connection.fetchval(sql, name) for name in posted
        }


async def test_the_end_is_fixed_at_the_beginning_whatever_happens_meanwhile(world: World) -> None:
    await open_customers(world, 1)
    await be_busy(world, 1, rounds=5)
    span, seen = await whole_span(world), 0
    accounts = await accounts_of(world.context, sub_account(0))
    before = await gathered(movements_of_accounts(world.context, accounts, span))
    async for lines in movements_of_accounts(world.context, accounts, span):
        seen += len(lines)
        await world.context.journal.commit(credited(sub_account(0), 5))
    async for lines in movements_of_books(world.context, span):
        assert all(line.seq <= span.upto for line in lines)
        await world.context.journal.commit(paid(STRANGER, sub_account(0), 1))
    assert seen == len(before)
    assert before == await gathered(movements_of_accounts(world.context, accounts, span))


async def test_files_name_columns_as_they_are_and_show_no_house(world: World, dsns: Dsns) -> None:
    await open_customers(world, 2)
    await be_busy(world, 2, rounds=3)
    span = await whole_span(world)
    chunks = customer_rows(world.context, movements_of_platform(world.context, PLATFORM, span), sees_all=True)
    text = b"".join([part async for part in file_of(FileForm.CSV, CUSTOMER_NAMES, chunks)]).decode()
    assert text.startswith(",".join(CUSTOMER_NAMES) + "\r\n")
    assert "house" not in text
    assert ",'-1-1,balance,post,in,ETH," in text  # the platform's own reference, which a spreadsheet would compute
    rows = book_rows(world.context, movements_of_books(world.context, span))
    books = b"".join([part async for part in file_of(FileForm.CSV, BOOK_NAMES, rows)]).decode()
    async with connected(dsns.books) as connection:
        assert books.count("\r\n") == 1 + await connection.fetchval("SELECT count(*) FROM transfers")
    assert customer_balance(STRANGER, EUR).id in books


async def test_what_was_archived_is_not_begun_with_unless_nobody_says_where(world: World, dsns: Dsns) -> None:
    await open_customers(world, 1)
    await be_busy(world, 1, rounds=3)
    async with connected(dsns.books) as connection:
        last, at = await connection.fetchrow("SELECT seq, at FROM journal ORDER BY seq DESC OFFSET 10 LIMIT 1")  # type: ignore[misc]
    row = {"id": "000000", "first_seq": 1, "last_seq": last, "head": "", "digest": "", "created_at": at}
    await world.context.journal.commit(
        Change("test", EventKind.JOURNAL_ARCHIVED, {}, writes=(Insert("archives", row),))
    )
    assert (await span_of(world.context, Period())).after == last
    with pytest.raises(MomentArchived):
        await span_of(world.context, Period(at - timedelta(days=1)))
    assert (await span_of(world.context, Period(at + timedelta(microseconds=1)))).after >= last
