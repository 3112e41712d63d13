"""Proving the books against the networks: what we owe and own, against what banks and chains themselves say we hold.

Per asset: difference = held + in transit + receivables − owed − house. The right side and the receivables are the books'.
`held` is *observed*: each network states our holdings at one block; what the books have not taken in yet at that block
(deposits not credited, submissions included and not settled) is set off by name, and nothing else is.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from wallet import schema
from wallet.context import Context, Record
from wallet.deposits.cursor import read_cursor
from wallet.ledger.accounts import HOUSE_EQUITY_CODES
from wallet.money import format_units
from wallet.networks.open import start_height
from wallet.ports import BlockRef, Fate, Network, NetworkUnreachable, Purpose, SubmissionRef
from wallet.treasury import submissions
from wallet.treasury.submissions import OPEN, paid_by, reference

ATTEMPTS_MAX = 40  # looks at a network whose tip keeps running ahead of our scan


@dataclass(frozen=True, slots=True)
class Position:
    """One asset, in base units of the ledger."""

    asset: str
    decimals: int
    owed: int
    house: int
    held: int
    in_transit: int
    receivables: int

    @property
    def difference(self) -> int:
        return self.held + self.in_transit + self.receivables - self.owed - self.house

    def view(self) -> dict[str, str]:
        names = ("owed", "house", "held", "in_transit", "receivables", "difference")
        return {name: format_units(getattr(self, name), self.decimals) for name in names}


@dataclass(slots=True)
class _Books:
    """The books at one moment: totals by account, and what is still on its way."""

    accounts: Sequence[Record]
    deposits: Sequence[Record]
    submissions: Sequence[Record]
    cursors: Mapping[str, int]


async def positions(context: Context) -> list[Position]:
    """All assets, each proven against its networks now. Raises the network's errors: no answer is no proof."""
    held: dict[str, int] = defaultdict(int)
    transit: dict[str, int] = defaultdict(int)
    owed: dict[str, int] = defaultdict(int)
    house: dict[str, int] = defaultdict(int)
    receivables: dict[str, int] = defaultdict(int)
    observed = {network.id: await _observe(context, network) for network in context.networks.values()}
    books = await _read_books(context, {name: ref for name, (ref, _) in observed.items()})
    for name, (ref, units) in observed.items():
        network = context.networks[name]
        explained = await _explained(context, network, ref, books)
        for symbol in {listing.asset.symbol for listing in network.listings}:
            held[symbol] += units.get(symbol, 0) + explained[symbol]
    for row in books.accounts:
        posted = row["credits_posted"] - row["debits_posted"]
        place = row["code"].partition("@")[0]
        if place == "balance":
            owed[row["asset"]] += posted
        elif place == "receivable":
            receivables[row["asset"]] -= posted
        elif place == "transit":
            transit[row["asset"]] -= posted
            held[row["asset"]] += posted
        elif place in HOUSE_EQUITY_CODES:
            house[row["asset"]] += posted
    return [
        Position(s, a.decimals, owed[s], house[s], held[s], transit[s], receivables[s])
        for s, a in sorted(context.assets.items())
    ]


async def _observe(context: Context, network: Network) -> tuple[BlockRef, Mapping[str, int]]:
    """Our holdings at a block that the scan has passed. Networks that only tell the present are asked again until it has."""
    table = schema.addresses
    rows = await context.all(select(table.c.address).where(table.c.network == network.id))
    addresses = [row["address"] for row in rows]
    for _ in range(ATTEMPTS_MAX):
        cursor = await _scanned(context, network)
        observation = await network.observe(addresses, cursor)
        if (await _scanned(context, network)).height >= observation.block.height:
            return observation.block, observation.units
        await context.clock.sleep(0.1)
    raise NetworkUnreachable(f"{network.id}: the scan does not keep up with the tip")


async def _scanned(context: Context, network: Network) -> BlockRef:
    """The last block scanned; before the first, the one below it, where nothing was ours."""
    cursor = await read_cursor(context, network.id)
    if cursor is not None:
        return cursor
    below = await network.block_ref(await start_height(context, network.id) - 1)
    if below is None:
        raise NetworkUnreachable(f"{network.id} does not show the block before the first that was scanned")
    return below


async def _read_books(context: Context, blocks: Mapping[str, BlockRef]) -> _Books:
    """One short snapshot, so that nothing moves between the sums."""
    async with context.reads.connect() as connection:
        await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        accounts = await _rows(connection, select(schema.accounts))
        table = schema.deposits
        wanted = select(table).where(table.c.height.is_not(None), _recent(blocks, table))
        deposits = await _rows(connection, wanted)
        sent = schema.submissions
        moving = await _rows(connection, select(sent).where(sent.c.state.in_(OPEN) | _recent_final(blocks, sent)))
        cursors = {row["network"]: row["height"] for row in await _rows(connection, select(schema.scan_cursors))}
    return _Books(accounts, deposits, moving, cursors)


def _recent(blocks: Mapping[str, BlockRef], table: Any) -> Any:
    """Deposits not credited, and those credited from blocks after the observed one."""
    later = [(table.c.network == name) & (table.c.height > ref.height) for name, ref in blocks.items()]
    found = table.c.state != "credited"
    for condition in later:
        found = found | condition
    return found


def _recent_final(blocks: Mapping[str, BlockRef], table: Any) -> Any:
    found = table.c.state == "never"
    for name, ref in blocks.items():
        found = found | ((table.c.network == name) & (table.c.height > ref.height))
    return found


async def _rows(connection: AsyncConnection, statement: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def _explained(context: Context, network: Network, ref: BlockRef, books: _Books) -> dict[str, int]:
    """What to add to the observed holdings to get what the books had taken in: minus deposits that are there and not
    credited, plus deposits credited later, plus what left and is not settled, minus what was settled later."""
    units: dict[str, int] = defaultdict(int)
    for row in books.deposits:
        if row["network"] != network.id:
            continue
        if row["state"] == "credited" and row["height"] > ref.height:
            units[row["asset"]] += row["units"]
        elif row["state"] != "credited" and row["height"] <= ref.height:
            units[row["asset"]] -= row["units"]
    for row in books.submissions:
        if row["network"] == network.id:
            await _explain_submission(context, network, ref, row, units)
    return units


async def _explain_submission(
    context: Context, network: Network, ref: BlockRef, row: Record, units: dict[str, int]
) -> None:
    outside = row["purpose"] == Purpose.WITHDRAWAL
    if row["state"] in (submissions.State.FINAL, submissions.State.DEAD):
        if row["height"] is not None and row["height"] > ref.height:
            units[row["asset"]] -= row["units"] if outside and row["state"] == submissions.State.FINAL else 0
            units[row["fee_asset"]] -= row["fee_paid"] or 0
        return
    if row["tx"] is None:
        return
    status = await network.status(await _known_as(context, row))
    if status.fate in (Fate.INCLUDED, Fate.FINAL) and status.block and status.block.height <= ref.height:
        units[row["asset"]] += row["units"] if outside and status.succeeded else 0
        units[row["fee_asset"]] += status.fee_paid.units if status.fee_paid else row["fee_max"]


async def _known_as(context: Context, row: Record) -> SubmissionRef:
    return await reference(context, row, await paid_by(context, row["id"]))
