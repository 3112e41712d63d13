"""Books with a random history, spread over several small partitions, and the plain rows that they consist of."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from node.database import Dsns, prepare_roles
from node.migrations.apply import apply_migrations
from tests.databases import FreshDatabases
from tests.fakes.world import World, running_world
from tests.integration.wallet.changes import BANK, EUR, connected, credited, held, paid, settled, voided
from wallet.context import Context
from wallet.errors import Refusal
from wallet.ids import CustomerId
from wallet.journal import Change, EventKind, Journal
from wallet.ledger import accounts, templates
from wallet.money import Amount

ROWS = 70  # of the journal in a partition
CHANGES = 260
SEED = 20261125
PEOPLE = tuple(CustomerId(f"cus_{name}") for name in ("ann", "ben", "cem", "dora"))


@dataclass(frozen=True, slots=True)
class Plain:
    """One transfer as it was written, without the figures after it."""

    seq: int
    ordinal: int
    move: str
    debit: str
    credit: str
    units: int
    at: Any
    kind: str

    def touches(self, account: str) -> bool:
        return account in (self.debit, self.credit)


@dataclass(frozen=True, slots=True)
class Books:
    world: World
    dsns: Dsns
    plain: Sequence[Plain]

    @property
    def context(self) -> Context:
        return self.world.context


def charged_back(owner: CustomerId, units: int) -> Change:
    entry = templates.charged_back(owner, accounts.hot(BANK, EUR), Amount(units, EUR))
    return Change("node", EventKind.OUTFLOW_BOOKED, {}, entry=entry, viewers=(owner,))


def several(payer: CustomerId, payee: CustomerId, units: int) -> Change:
    """Many transfers in one Change, there and back, as a trade makes them; the payer collects a fee of itself."""
    there = templates.payment_sent(payer, payee, Amount(units, EUR))
    back = templates.payment_sent(payee, payer, Amount(1, EUR))
    fee = templates.leg_settled(
        accounts.customer_balance(payer, EUR), accounts.platform_fees(payer, EUR), Amount(1, EUR)
    )
    return Change("node", EventKind.SETTLEMENT_POSTED, {}, entry=templates.trade_settled([*[there, back] * 4, fee]))


def deeds(chance: random.Random) -> Callable[[], Change]:
    placed: list[tuple[CustomerId, int, str]] = []

    def deed() -> Change:
        who, other = chance.sample(PEOPLE, 2)
        units, what = chance.randint(1, 60), chance.randrange(11)
        if what in (0, 9):
            return credited(who, chance.randint(1, 400))
        if what == 1:
            placed.append((who, units, f"h{len(placed)}"))
            return held(*placed[-1])
        if what in (2, 3) and placed:
            holder, promised, name = chance.choice(placed[-5:])
            return (voided if what == 2 else settled)(holder, chance.randint(1, promised), name)
        if what == 4:
            return charged_back(who, chance.randint(1, 300))
        return several(who, other, units) if what == 5 else paid(who, other, units)

    return deed


async def live(journal: Journal, changes: int, chance: random.Random) -> None:
    """Now one Change alone, now many that share a batch; what the books refuse is left out."""
    funds = templates.funding_received(BANK, Amount(10**6, EUR))
    await journal.commit(Change("node", EventKind.FUNDING_RECEIVED, {}, entry=funds))
    deed, done = deeds(chance), 0
    while done < changes:
        ends = await asyncio.gather(
            *(journal.commit(deed()) for _ in range(chance.choice([1, 2, 9]))), return_exceptions=True
        )
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, Refusal):
                raise end
        done += sum(not isinstance(end, BaseException) for end in ends)


async def plain_rows(dsn: str) -> list[Plain]:
    async with connected(dsn) as connection:
        rows = await connection.fetch(
            "SELECT seq, ordinal, move, debit_account, credit_account, units::text, at, kind"
            " FROM transfers JOIN journal USING (seq) ORDER BY seq, ordinal"
        )
    return [
        Plain(seq, ordinal, move, debit, credit, int(units), at, kind)
        for seq, ordinal, move, debit, credit, units, at, kind in rows
    ]


def summed(rows: Sequence[Plain], account: str) -> tuple[int, int]:
    """Posted and held of an account, by nothing but adding up."""
    posted = held_units = 0
    for row in rows:
        if row.move in ("post", "settle"):
            posted += row.units * ((row.credit == account) - (row.debit == account))
        if row.move != "post" and row.debit == account:
            held_units += row.units if row.move == "hold" else -row.units
    return posted, held_units


@pytest.fixture(scope="package")
async def books(databases: FreshDatabases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Books]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("node.migrations.apply.PARTITION_ROWS", ROWS)
        patch.setattr("node.migrations.apply.PARTITIONS_AHEAD", 10)
        dsns = await prepare_roles(await databases.empty(), databases.folder)
        await apply_migrations(dsns.owner)
    async with running_world(dsns, tmp_path_factory.mktemp("books")) as world:
        await live(world.context.journal, CHANGES, random.Random(SEED))
        await world.context.journal.commit(charged_back(PEOPLE[-1], 10_000))  # more than anybody has
        plain = await plain_rows(dsns.books)
        assert {row.move for row in plain} == {"post", "hold", "settle", "void"}
        yield Books(world, dsns, plain)
    await databases.drop(dsns.owner)
