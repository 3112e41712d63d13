"""Daybooks: complete, exact, the same bytes for ever, and only of days that are over."""

import csv
import io
from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from node.database import Dsns
from tests.fakes.clock import StillClock
from tests.fakes.world import World
from tests.integration.wallet.changes import ETH, connected, credited, held, paid
from tests.integration.wallet.movements.busy import PLATFORM, STRANGER, be_busy, everybody, open_customers, sub_account
from tests.integration.wallet.statements.travel import day, travelling
from wallet.context import Context
from wallet.daybooks.files import daybook_file
from wallet.daybooks.open import VERSION, open_daybook
from wallet.errors import PeriodOpen
from wallet.exports.files import FileForm
from wallet.journal.begin_day import begin_day
from wallet.movements.movement import MovementsWrong

FIRST = date(2030, 1, 1)
_FIGURES = """
SELECT CASE split_part(s.account, ':', 1) WHEN $1 THEN 'own' ELSE 'sub_accounts' END AS whose,
       split_part(s.account, ':', 2) AS code, t.asset, sum(s.sign * t.units)::text AS units
FROM transfers t JOIN journal j USING (seq)
CROSS JOIN LATERAL (VALUES (-1, t.debit_account), (1, t.credit_account)) s (sign, account)
WHERE split_part(s.account, ':', 1) = ANY($2::text[]) AND t.move IN ('post', 'settle') AND j.at < $3
GROUP BY 1, 2, 3
"""


async def text_of(context: Context, on: date) -> bytes:
    made = daybook_file(context, await open_daybook(context, PLATFORM, on), FileForm.CSV)
    return b"".join([part async for part in made])


async def rows_of(context: Context, on: date) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((await text_of(context, on)).decode(), newline="")))


def figures(rows: list[dict[str, str]], record: str, column: str) -> dict[tuple[str, str, str], int]:
    found = [row for row in rows if row["record"] == record]
    return {(row["accounts"], row["account"], row["asset"]): int(row[column].replace(".", "")) for row in found}


async def independent(connection: asyncpg.Connection, subs: int, before: datetime) -> dict[Any, int]:
    """What every group of accounts had before a moment, added up by the database out of the transfers."""
    owners = [one for one in everybody(subs) if one != STRANGER]
    rows = await connection.fetch(_FIGURES, PLATFORM, owners, before)
    sign = {"receivable": -1}
    return {(r["whose"], r["code"], r["asset"]): sign.get(r["code"], 1) * int(r["units"]) for r in rows}


async def three_days(context: Context, clock: StillClock, subs: int) -> None:
    world = World(context, {}, context.signer)  # type: ignore[arg-type]
    for number in range(3):
        clock.at = day("2030-01-01T12:00:00") + timedelta(days=number)
        await be_busy(world, subs, rounds=8, seed=number + 1)
    clock.at = day("2030-01-04")
    await begin_day(context)


@pytest.mark.parametrize("subs", [3, 55])
async def test_a_daybook_has_every_movement_and_comes_to_the_independent_sums(
    world: World, dsns: Dsns, monkeypatch: pytest.MonkeyPatch, subs: int
) -> None:
    monkeypatch.setattr("wallet.daybooks.open.OWNERS_AT_ONCE", 20)
    await open_customers(world, subs)
    async with travelling(world, dsns, "2030-01-01") as (context, clock), connected(dsns.books) as books:
        await three_days(context, clock, subs)
        before: dict[Any, int] = {}
        for number in range(3):
            on = FIRST + timedelta(days=number)
            rows = await rows_of(context, on)
            opening, closing = (figures(rows, record, "posted_after") for record in ("opening", "closing"))
            assert {group: units for group, units in before.items() if units} == {g: u for g, u in opening.items() if u}
            after = await independent(books, subs, day(str(on + timedelta(days=1))))
            assert closing == {group: after.get(group, 0) for group in closing}
            assert {group for group, units in after.items() if units} <= set(closing)
            moved: dict[Any, int] = defaultdict(int)
            for row in (row for row in rows if row["record"] == "movement" and row["move"] in ("post", "settle")):
                sign = 1 if row["direction"] == "in" else -1
                moved[row["accounts"], row["account"], row["asset"]] += sign * int(row["amount"].replace(".", ""))
            ins, outs = figures(rows, "total_in", "amount"), figures(rows, "total_out", "amount")
            for group, units in closing.items():
                assert units - opening.get(group, 0) == ins[group] - outs[group] == moved[group]
            assert {("own", "fees", "EUR"), ("sub_accounts", "balance", "ETH")} <= set(closing)
            before = after
        assert any(code == "receivable" for _, code, _ in closing)


async def test_a_daybook_is_the_same_bytes_whatever_happens_later(world: World, dsns: Dsns) -> None:
    await open_customers(world, 45)
    async with travelling(world, dsns, "2030-01-01") as (context, clock):
        await three_days(context, clock, 45)
        first = await text_of(context, FIRST)
        tag = (await open_daybook(context, PLATFORM, FIRST)).tag
        clock.at = day("2030-01-01T13:00:00")  # a clock that is days behind books nothing into a day that is over
        await context.journal.commit(credited(sub_account(1), 5))
        await context.journal.commit(held(sub_account(2), 5, "hld_later"))
        await context.journal.commit(paid(sub_account(0), PLATFORM, 5))
        assert await text_of(context, FIRST) == first
        assert (await open_daybook(context, PLATFORM, FIRST)).tag == tag
        assert len({(await open_daybook(context, PLATFORM, FIRST + timedelta(days=n))).tag for n in range(3)}) == 3


async def test_what_is_held_over_midnight_stands_in_both_daybooks(world: World, dsns: Dsns) -> None:
    await open_customers(world, 1)
    async with travelling(world, dsns, "2030-01-01T12:00:00") as (context, clock):
        await context.journal.commit(credited(sub_account(0), 100))
        await context.journal.commit(held(sub_account(0), 30, "hld_1"))
        clock.at = day("2030-01-03")
        await begin_day(context)
        one, two = await rows_of(context, FIRST), await rows_of(context, FIRST + timedelta(days=1))
        group = ("sub_accounts", "balance", "EUR")
        assert figures(one, "closing", "held_after")[group] == figures(two, "opening", "held_after")[group] == 30
        assert [row["move"] for row in one if row["record"] == "movement"] == ["post", "hold"]
        assert [row["record"] for row in two] == ["opening", "total_in", "total_out", "closing"]


async def test_a_day_is_refused_until_the_journal_is_past_it(world: World, dsns: Dsns) -> None:
    await open_customers(world, 1)
    async with travelling(world, dsns, "2030-01-01T23:59:59") as (context, clock):
        await context.journal.commit(credited(sub_account(0), 100))
        for at in ("2030-01-01T23:59:59", "2030-01-02", "2030-01-05"):
            clock.at = day(at)
            for on in (FIRST, FIRST + timedelta(days=400)):
                with pytest.raises(PeriodOpen):
                    await open_daybook(context, PLATFORM, on)
        await begin_day(context)
        assert len(await rows_of(context, FIRST)) == 4
        assert await rows_of(context, FIRST - timedelta(days=400)) == []


async def test_books_that_do_not_hold_together_make_no_daybook(world: World, dsns: Dsns) -> None:
    await open_customers(world, 1)
    async with travelling(world, dsns, "2030-01-01T12:00:00") as (context, clock):
        await context.journal.commit(credited(sub_account(0), 100))
        for _ in range(2):
            await context.journal.commit(credited(sub_account(0), 100, ETH))
        clock.at = day("2030-01-02")
        await begin_day(context)
        async with connected(dsns.owner) as owner:
            await owner.execute("ALTER TABLE transfers DISABLE TRIGGER USER")
            forged = "UPDATE transfers SET units = 99 WHERE seq = (SELECT max(seq) FROM transfers)"
            assert await owner.execute(forged) == "UPDATE 1"
        with pytest.raises(MovementsWrong, match="ETH"):
            await text_of(context, FIRST)


async def test_the_file_is_written_as_it_has_always_been(world: World, dsns: Dsns) -> None:
    """Other bytes for the same day need another `VERSION`: whoever fetched it before compares."""
    await open_customers(world, 1)
    async with travelling(world, dsns, "2030-01-01T12:00:00") as (context, clock):
        await context.journal.commit(credited(sub_account(0), 1_000))
        clock.at = day("2030-01-02T08:30:00.000001")
        await context.journal.commit(paid(sub_account(0), PLATFORM, 250))
        await context.journal.commit(held(sub_account(0), 50, "hld_1"))
        clock.at = day("2030-01-03")
        await begin_day(context)
        at, sub = "2030-01-02T08:30:00.000001+00:00", sub_account(0)
        assert (await text_of(context, date(2030, 1, 2))).decode().split("\r\n") == [
            (
                "record,accounts,at,kind,object,customer,reference,account,move,direction,asset,amount,posted_after,held_after,"
                "counterparty,hold"
            ),
            "opening,sub_accounts,,,,,,balance,,,EUR,,10.00,0.00,,",
            f"movement,sub_accounts,{at},payment.sent,,{sub},'-0-1,balance,post,out,EUR,2.50,7.50,0.00,{PLATFORM},",
            f"movement,own,{at},payment.sent,,{PLATFORM},,balance,post,in,EUR,2.50,2.50,0.00,{sub},",
            f"movement,sub_accounts,{at},withdrawal.requested,,{sub},'-0-1,balance,hold,out,EUR,0.50,7.50,0.50,,hld_1",
            "total_in,own,,,,,,balance,,,EUR,2.50,,,,",
            "total_out,own,,,,,,balance,,,EUR,0.00,,,,",
            "closing,own,,,,,,balance,,,EUR,,2.50,0.00,,",
            "total_in,sub_accounts,,,,,,balance,,,EUR,0.00,,,,",
            "total_out,sub_accounts,,,,,,balance,,,EUR,2.50,,,,",
            "closing,sub_accounts,,,,,,balance,,,EUR,,7.50,0.50,,",
            "",
        ]
        assert VERSION == 1
