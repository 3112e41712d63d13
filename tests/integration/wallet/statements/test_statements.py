"""Statements against an independent sum, each other, and every trick of clocks and calendars."""

import json
import random
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from node.database import Dsns
from tests.fakes.clock import StillClock
from tests.fakes.world import World
from tests.integration.wallet.changes import BANK, ETH, EUR, connected, credited, held, paid, settled, voided
from tests.integration.wallet.movements.busy import HUGE, STRANGER, open_customers, sub_account
from tests.integration.wallet.statements.travel import day, independent_sum, travelling
from wallet.context import Context
from wallet.errors import PeriodRefused
from wallet.journal import Change, EventKind
from wallet.journal.begin_day import begin_day
from wallet.ledger import accounts, templates
from wallet.ledger.accounts import Account
from wallet.ledger.moments import MomentToCome
from wallet.money import Amount
from wallet.movements.movement import MovementsWrong
from wallet.statements.files import statement_csv, statement_json
from wallet.statements.open import open_statement
from wallet.statements.posted import PostedStatement

BEFORE, AFTER = day("2029-01-01"), day("2031-01-01")
BALANCE = accounts.customer_balance(STRANGER, EUR)


async def text_of(context: Context, account: Account, start: datetime, end: datetime) -> bytes:
    posted = PostedStatement(context, await open_statement(context, account, start, end))
    return b"".join([part async for part in statement_json(posted, sees_all=False)])


async def statement(context: Context, account: Account, start: datetime, end: datetime) -> Any:
    return json.loads(await text_of(context, account, start, end))


def units(text: str, decimals: int = 2) -> int:
    whole, _, fraction = text.partition(".")
    assert len(fraction) == decimals
    return int(whole + fraction)


async def year_of_life(context: Context, clock: StillClock, seed: int) -> None:
    """Deposits, payments, and holds that end in every way, at irregular times of 2030, some at the very same."""
    journal, chance = context.journal, random.Random(seed)
    await journal.commit(credited(STRANGER, 10**6))
    await journal.commit(credited(sub_account(0), 10**6))
    await journal.commit(credited(STRANGER, HUGE, ETH))
    for number in range(60):
        clock.at += timedelta(hours=chance.choice((0, 0, 7, 200)), microseconds=chance.choice((0, 1)))
        await journal.commit(paid(STRANGER, sub_account(0), chance.randint(1, 999)))
        await journal.commit(paid(sub_account(0), STRANGER, chance.randint(1, 99)))
        await journal.commit(paid(STRANGER, sub_account(0), chance.randint(1, 10**20), asset=ETH))
        await journal.commit(held(STRANGER, 50, f"hld_{number}"))
        if number % 3 == 0:
            await journal.commit(settled(STRANGER, 20, f"hld_{number}"))
        elif number % 3 == 1:
            await journal.commit(voided(STRANGER, 50, f"hld_{number}"))


@pytest.mark.parametrize("asset", [EUR, ETH])
async def test_statements_of_any_periods_come_to_the_independent_sum_and_join(
    world: World, dsns: Dsns, asset: Any
) -> None:
    await open_customers(world, 1)
    account = accounts.customer_balance(STRANGER, asset)
    async with travelling(world, dsns, "2030-01-01") as (context, clock), connected(dsns.books) as books:
        await year_of_life(context, clock, seed=3)
        clock.at = AFTER
        await begin_day(context)
        moments = [row["at"] for row in await books.fetch("SELECT DISTINCT at FROM journal WHERE at >= $1", BEFORE)]
        inner = {moment for moment in random.Random(5).sample(moments, 15) if BEFORE < moment < AFTER}
        cuts = sorted({BEFORE, AFTER, *inner, *(moment + timedelta(microseconds=1) for moment in inner)})
        found = [await statement(context, account, start, end) for start, end in pairwise(cuts)]
        for one, (start, end) in zip(found, pairwise(cuts), strict=True):
            opening, closing = (units(one[name]["posted"], asset.decimals) for name in ("opening", "closing"))
            assert closing - opening == await independent_sum(books, account.id, start, end)
            assert units(one["total_in"], asset.decimals) - units(one["total_out"], asset.decimals) == closing - opening
            assert (one["final"], one["count"]) == (True, len(one["movements"]))
        for one, following in pairwise(found):
            assert one["closing"] == following["opening"]
        assert found[0]["opening"] == {"posted": "0.00", "held": "0.00", "available": "0.00"} or asset == ETH
        whole = await statement(context, account, BEFORE, AFTER)
        assert [m for one in found for m in one["movements"]] == whole["movements"]
        row = await books.fetchrow(
            "SELECT (credits_posted - debits_posted)::text AS posted, debits_pending::text AS held FROM accounts WHERE id = $1",
            account.id,
        )
        assert row is not None
        assert [str(units(whole["closing"][name], asset.decimals)) for name in ("posted", "held")] == list(row)


EDGES = ("2030-03-31T01:00:00", "2030-10-27T01:00:00", "2038-01-19T03:14:08", "2106-02-07T06:28:16")
"""Where clocks are moved in Europe, and where 32 bits of seconds end, signed and unsigned."""


async def test_led_15_statements_follow_the_sequence_whatever_the_clock_does(world: World, dsns: Dsns) -> None:
    """At each edge: equal times, a step back by an hour, the microsecond before and the edge itself."""
    await open_customers(world, 1)
    async with travelling(world, dsns, "2030-01-01") as (context, clock), connected(dsns.books) as books:
        await context.journal.commit(credited(STRANGER, 10**6))
        amounts: list[int] = []

        async def pay(at: datetime) -> None:
            clock.at = at
            amounts.append(len(amounts) + 1)
            await context.journal.commit(paid(STRANGER, sub_account(0), amounts[-1]))

        for edge in map(day, EDGES):
            for step in (
                timedelta(microseconds=-1),
                timedelta(microseconds=-1),
                timedelta(hours=-1),
                timedelta(),
                timedelta(hours=-1),
                timedelta(),
            ):
                await pay(edge + step)
        clock.at = day("2107-01-01")
        await begin_day(context)
        cuts = [day("2029-12-31"), *map(day, EDGES), day("2107-01-01")]
        texts = [await text_of(context, BALANCE, start, end) for start, end in pairwise(cuts)]
        found = [json.loads(text) for text in texts]
        told = [[units(m["amount"]) for m in one["movements"] if m["direction"] == "out"] for one in found]
        assert told == [[1, 2, 3], [4, 5, 6, 7, 8, 9], [10, 11, 12, 13, 14, 15], [16, 17, 18, 19, 20, 21], [22, 23, 24]]
        assert [units(one["total_out"]) for one in found] == [sum(part) for part in told]
        for one, following in pairwise(found):
            assert one["closing"] == following["opening"]
        clock.at = day("2030-01-01")  # and now the clock is far back: the Journal's time is not
        await context.journal.commit(paid(STRANGER, sub_account(0), 77))
        assert texts == [await text_of(context, BALANCE, start, end) for start, end in pairwise(cuts)]
        whole = await independent_sum(books, BALANCE.id, cuts[0], cuts[-1])
        assert whole == 10**6 - sum(amounts)


async def test_a_statement_is_final_when_the_journal_is_past_its_end_and_not_before(world: World, dsns: Dsns) -> None:
    """The clock alone ends nothing: another node's may be behind it, and book in the period still."""
    await open_customers(world, 1)
    async with travelling(world, dsns, "2030-01-01T12:00:00") as (context, clock):
        await context.journal.commit(credited(STRANGER, 100))
        start, end = day("2030-01-01"), day("2030-01-02")
        with pytest.raises(MomentToCome):
            await open_statement(context, BALANCE, start, end)
        clock.at = day("2030-01-02")
        assert (await statement(context, BALANCE, start, end))["final"] is False
        clock.at = day("2030-01-01T13:00:00")
        await context.journal.commit(paid(STRANGER, sub_account(0), 1))
        clock.at = day("2030-01-02")
        assert (await statement(context, BALANCE, start, end))["closing"]["posted"] == "0.99"
        for _ in range(3):
            await begin_day(context)
        text = await text_of(context, BALANCE, start, end)
        assert json.loads(text)["final"] is True
        async with connected(dsns.books) as books:
            assert await books.fetchval("SELECT count(*) FROM journal WHERE kind = 'day.begun'") == 1
        clock.at = day("2030-01-01T14:00:00")
        await context.journal.commit(paid(STRANGER, sub_account(0), 1))
        assert await text_of(context, BALANCE, start, end) == text
        with pytest.raises(PeriodRefused):
            await open_statement(context, BALANCE, end, start)


async def test_what_a_customer_owes_has_a_statement_too_and_grows_upward(world: World, dsns: Dsns) -> None:
    await open_customers(world, 1)
    async with travelling(world, dsns, "2030-01-01") as (context, clock):
        await context.journal.commit(credited(STRANGER, 100))
        entry = templates.charged_back(STRANGER, accounts.hot(BANK, EUR), Amount(250, EUR))
        await context.journal.commit(Change("test", EventKind.OUTFLOW_BOOKED, {}, entry=entry))
        await context.journal.commit(credited(STRANGER, 50))
        clock.at = AFTER
        await begin_day(context)
        owed = await statement(context, accounts.receivable(STRANGER, EUR), BEFORE, AFTER)
        assert [(m["direction"], m["amount"], m["posted_after"]) for m in owed["movements"]] == [
            ("in", "1.50", "1.50"),
            ("out", "0.50", "1.00"),
        ]
        assert (owed["total_in"], owed["total_out"], owed["closing"]["posted"]) == ("1.50", "0.50", "1.00")


async def test_csv_has_a_row_for_each_end_each_movement_and_each_total(world: World, dsns: Dsns) -> None:
    await open_customers(world, 1)
    async with travelling(world, dsns, "2030-01-01") as (context, clock):
        await context.journal.commit(credited(STRANGER, 100))
        await context.journal.commit(held(STRANGER, 30, "hld_1"))
        clock.at = day("2030-01-02")
        await context.journal.commit(paid(STRANGER, sub_account(0), 70))
        clock.at = day("2030-01-03")
        await begin_day(context)
        posted = PostedStatement(context, await open_statement(context, BALANCE, day("2030-01-02"), day("2030-01-03")))
        rows = b"".join([part async for part in statement_csv(posted, sees_all=False)]).decode().split("\r\n")
        assert rows == [
            "record,at,kind,object,direction,amount,posted_after,counterparty,held",
            "opening,2030-01-02T00:00:00.000000+00:00,,,,,1.00,,0.30",
            f"movement,2030-01-02T00:00:00.000000+00:00,payment.sent,,out,0.70,0.30,{sub_account(0)},",
            "total_in,,,,,0.00,,,",
            "total_out,,,,,0.70,,,",
            "closing,2030-01-03T00:00:00.000000+00:00,,,,,0.30,,0.30",
            "",
        ]


async def test_transfers_that_do_not_come_to_the_balance_end_the_statement(world: World, dsns: Dsns) -> None:
    await open_customers(world, 1)
    async with travelling(world, dsns, "2030-01-01") as (context, clock):
        for _ in range(3):
            await context.journal.commit(credited(STRANGER, 100))
        clock.at = AFTER
        await begin_day(context)
        async with connected(dsns.owner) as owner:
            await owner.execute("ALTER TABLE transfers DISABLE TRIGGER USER")
            forged = "UPDATE transfers SET units = 99 WHERE seq = (SELECT max(seq) - 1 FROM transfers)"
            assert await owner.execute(forged) == "UPDATE 1"
        with pytest.raises(MovementsWrong):
            await text_of(context, BALANCE, BEFORE, AFTER)
