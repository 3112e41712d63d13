"""Balances at any past moment are what adding up everything until then gives."""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from node.commands.archive import archive_partition
from node.database import Dsns, prepare_roles
from node.migrations.apply import apply_migrations
from tests.databases import FreshDatabases
from tests.fakes.world import running_world
from tests.integration.wallet.changes import ALICE, BOB, EUR, credited, held, paid
from tests.integration.wallet.ledger.conftest import PEOPLE, ROWS, SEED, Books, summed
from wallet.context import Context
from wallet.ids import CustomerId
from wallet.ledger.accounts import customer_balance, platform_fees, receivable
from wallet.ledger.balances import Standing, Standings, balances, collected_views, past_standings, standings
from wallet.ledger.moments import (
    MomentArchived,
    MomentToCome,
    PositionToCome,
    check_place,
    place_at,
    seq_before,
    seq_until,
)
from wallet.money import format_units

POSITIONS = 60


def expected(books: Books, owner: CustomerId, seq: int) -> dict[tuple[str, str], Standing]:
    until = [row for row in books.plain if row.seq <= seq]
    named = {
        "balance": customer_balance(owner, EUR),
        "receivable": receivable(owner, EUR),
        "fees": platform_fees(owner, EUR),
    }
    return {(code, "EUR"): Standing(*summed(until, account.id)) for code, account in named.items()}


def as_told(found: Standings) -> dict[tuple[str, str], Standing]:
    """An account that was never used stands at nothing."""
    return {**{(code, "EUR"): Standing() for code in ("balance", "receivable", "fees")}, **found}


async def test_every_past_balance_is_the_sum_of_what_happened_until_then(books: Books) -> None:
    last = books.plain[-1].seq
    assert last > 3 * ROWS, "over several partitions"
    assert expected(books, PEOPLE[-1], last)["receivable", "EUR"].posted < 0, "somebody owes"
    for seq in [*random.Random(SEED).sample(range(last + 1), POSITIONS), 0, last]:
        for who in PEOPLE:
            assert as_told(await past_standings(books.context, who, seq)) == expected(books, who, seq), (who, seq)
    for who in PEOPLE:
        assert await past_standings(books.context, who, last) == await standings(books.context, who)


async def test_a_moment_takes_in_what_was_written_at_it_and_a_period_leaves_it_out(books: Books) -> None:
    times = sorted({row.at for row in books.plain})
    for at in times[:: len(times) // 20]:
        assert await seq_until(books.context, at) >= max(row.seq for row in books.plain if row.at <= at)
        for moment, rows in (
            (at, [row for row in books.plain if row.at <= at]),
            (at - timedelta(microseconds=1), [row for row in books.plain if row.at < at]),
        ):
            found = await past_standings(books.context, PEOPLE[0], await place_at(books.context, moment))
            account = customer_balance(PEOPLE[0], EUR).id
            assert as_told(found)["balance", "EUR"] == Standing(*summed(rows, account))
        assert await seq_before(books.context, at) < min(row.seq for row in books.plain if row.at == at)
    assert await seq_until(books.context, times[0] - timedelta(days=9)) == 0


async def test_figures_are_told_as_amounts_and_a_debt_without_a_sign(books: Books) -> None:
    assert any(row.credit.endswith(":fees:EUR") for row in books.plain)
    for who in PEOPLE:
        sums = expected(books, who, books.plain[-1].seq)
        (euro,) = [item for item in await balances(books.context, who) if item["asset"] == "EUR"]
        balance, owed = sums["balance", "EUR"], sums["receivable", "EUR"]
        figures = {"posted": balance.posted, "held": balance.held, "available": balance.posted - balance.held}
        assert euro == {
            "asset": "EUR",
            **{n: format_units(u, 2) for n, u in figures.items()},
            "receivable": euro["receivable"],
        }
        assert euro["receivable"] == format_units(abs(owed.posted), 2)
        told = collected_views(books.context, await standings(books.context, who))
        assert [(item["account"], item["amount"]) for item in told] == [
            ("fees", format_units(sums["fees", "EUR"].posted, 2))
        ] * bool(told)
        assert bool(told) == bool(sums["fees", "EUR"].posted)


async def test_what_has_not_come_is_refused(books: Books) -> None:
    context = books.context
    with pytest.raises(MomentToCome):
        await place_at(context, context.clock.now() + timedelta(minutes=1))
    with pytest.raises(PositionToCome):
        await check_place(context, 10**15)
    await check_place(context, 0)
    assert await place_at(context, context.clock.now()) >= books.plain[-1].seq


@dataclass(frozen=True, slots=True)
class Old:
    dsns: Dsns
    context: Context
    folder: Path


SILENT, RETURNED = CustomerId("cus_silent"), CustomerId("cus_returned")


@pytest.fixture
async def old(databases: FreshDatabases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Old]:
    """Two customers move in the first partition; one of them once more, in the third."""
    monkeypatch.setattr("node.migrations.apply.PARTITION_ROWS", 40)
    dsns = await prepare_roles(await databases.empty(), databases.folder)
    await apply_migrations(dsns.owner)
    async with running_world(dsns, tmp_path) as world:
        journal, last = world.context.journal, 0
        for change in (credited(ALICE, 900), credited(SILENT, 70), credited(RETURNED, 50), held(RETURNED, 20, "h1")):
            await journal.commit(change)
        await journal.commit(held(SILENT, 30, "h2"))
        while last < 90:
            last = (await journal.commit(paid(ALICE, BOB, 1))).seq
        await journal.commit(held(RETURNED, 5, "h3"))
        await journal.commit(paid(RETURNED, BOB, 10))
        yield Old(dsns, world.context, tmp_path / "archives")
    await databases.drop(dsns.owner)


async def test_balances_after_an_archive_are_the_same_without_it_and_before_its_end_they_are_refused(old: Old) -> None:
    async def read() -> list[Standings]:
        people = (ALICE, BOB, SILENT, RETURNED)
        return [await past_standings(old.context, who, seq) for seq in range(39, 92) for who in people]

    before = await read()
    assert before[2]["balance", "EUR"] == Standing(70, 30)
    await archive_partition(old.context, old.dsns, 0, old.folder, lambda _line: None, timedelta(0))
    assert await read() == before
    await check_place(old.context, 39)
    with pytest.raises(MomentArchived):
        await check_place(old.context, 38)
    with pytest.raises(MomentArchived):
        await place_at(old.context, old.context.clock.now() - timedelta(days=1))
