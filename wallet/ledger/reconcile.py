"""Proving the books against the networks: what we owe and own, against what banks and chains themselves say we hold.

Per asset: difference = held + in transit + receivables − owed − house. The right side and the receivables are the books'.
`held` is *observed*: each network states our holdings at one block; what the books have not taken in yet at that block
(deposits not credited, submissions included and not settled) is set off by name, and nothing else is.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from wallet import schema
from wallet.addresses.in_use import in_use
from wallet.context import Context, Record
from wallet.deposits.cursor import read_cursor
from wallet.deposits.states import BOOKED, CREDITED, SETTLED, UPROOTED
from wallet.ids import NetworkId
from wallet.ledger.accounts import HOUSE_EQUITY_CODES, OWED_CODES
from wallet.money import Asset, format_units
from wallet.networks.open import start_height
from wallet.ports import UNPROVEN_DOUBTS, BlockRef, Fate, Network, NetworkError, NetworkUnreachable, Purpose, Status
from wallet.treasury.states import FOLLOWED, State
from wallet.treasury.submissions import paid_by, reference
from wallet.treasury.variants import outcome_of, replacements_of, signed_variants
from wallet.withdrawals.states import State as Ended

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


@dataclass(frozen=True, slots=True)
class Books:
    """The books at one moment: what is posted by code and asset, and what is on its way or settled after those blocks."""

    accounts: Sequence[Record]
    deposits: Sequence[Record]
    submissions: Sequence[Record]


async def positions(context: Context) -> list[Position]:
    """All assets, each proven against its networks now. Raises the network's errors: no answer is no proof."""
    proven, unproven = await provable_positions(context)
    for error in unproven.values():
        raise error
    return proven


async def provable_positions(context: Context) -> tuple[list[Position], dict[str, NetworkError]]:
    """As `positions`; where a network gives no answer, its error for each asset that it carries, which has no position then."""
    observed: dict[NetworkId, tuple[BlockRef, Mapping[str, int]]] = {}
    unproven: dict[str, NetworkError] = {}
    for network in context.networks.values():
        try:
            observed[network.id] = await _observe(context, network)
        except NetworkError as error:
            unproven |= dict.fromkeys(_carried(network), error)
    books = await _read_books(context, {name: ref for name, (ref, _) in observed.items()})
    held: dict[str, int] = defaultdict(int)
    for name, (ref, units) in observed.items():
        network = context.networks[name]
        try:
            explained = await explained_by(context, network, ref, books.deposits, books.submissions)
        except NetworkError as error:
            unproven |= dict.fromkeys(_carried(network), error)
            continue
        for symbol in _carried(network):
            held[symbol] += units.get(symbol, 0) + explained[symbol]
    sums = _sums(books.accounts)
    assets = [asset for symbol, asset in sorted(context.assets.items()) if symbol not in unproven]
    return [_position(asset, held, sums) for asset in assets], unproven


def _carried(network: Network) -> set[str]:
    return {listing.asset.symbol for listing in network.listings}


def _position(asset: Asset, held: Mapping[str, int], sums: Mapping[tuple[str, str], int]) -> Position:
    symbol = asset.symbol
    return Position(
        asset=symbol,
        decimals=asset.decimals,
        owed=sums["owed", symbol],
        house=sums["house", symbol],
        held=held[symbol] - sums["in_transit", symbol],  # what is on its way is shown apart
        in_transit=sums["in_transit", symbol],
        receivables=sums["receivables", symbol],
    )


def _sums(accounts: Sequence[Record]) -> dict[tuple[str, str], int]:
    """The books' side by (figure, asset): what is owed and owned counts as credit, what we have coming as debit."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for row in accounts:
        posted, place = row["posted"], row["code"].partition("@")[0]
        if place in OWED_CODES:
            sums["owed", row["asset"]] += posted
        elif place == "receivable":
            sums["receivables", row["asset"]] -= posted
        elif place == "transit":
            sums["in_transit", row["asset"]] -= posted
        elif place in HOUSE_EQUITY_CODES:
            sums["house", row["asset"]] += posted
    return sums


async def _observe(context: Context, network: Network) -> tuple[BlockRef, Mapping[str, int]]:
    """Our holdings at a block that the scan has passed. Networks that only tell the present are asked again until it has."""
    table = schema.addresses
    rows = await context.all(select(table.c.address).where(table.c.network == network.id))
    addresses = sorted({row["address"] for row in rows} | await in_use(context, network.id))
    for _ in range(ATTEMPTS_MAX):
        cursor = await scanned(context, network)
        observation = await network.observe(addresses, cursor)
        if (await scanned(context, network)).height >= observation.block.height:
            return observation.block, observation.units
        await context.clock.sleep(0.1)
    raise NetworkUnreachable(f"{network.id}: the scan does not keep up with the tip")


async def scanned(context: Context, network: Network) -> BlockRef:
    """The last block scanned; before the first, the one below it, where nothing was ours."""
    cursor = await read_cursor(context, network.id)
    if cursor is not None:
        return cursor
    below = await network.block_ref(await start_height(context, network.id) - 1)
    if below is None:
        raise NetworkUnreachable(f"{network.id} does not show the block before the first that was scanned")
    return below


async def _read_books(context: Context, blocks: Mapping[NetworkId, BlockRef]) -> Books:
    """One short snapshot, so that nothing moves between the sums."""
    deposits, sent = schema.deposits, schema.submissions
    uncredited = and_(deposits.c.height.is_not(None), deposits.c.state.not_in(SETTLED))
    async with context.snapshot() as connection:
        return Books(
            accounts=await rows_of(connection, _posted_by_code()),
            deposits=await rows_of(connection, select(deposits).where(or_(uncredited, *above(deposits, blocks)))),
            submissions=await rows_of(
                connection, select(sent).where(or_(sent.c.state.in_(FOLLOWED), *above(sent, blocks)))
            ),
        )


def _posted_by_code() -> Any:
    table = schema.accounts
    posted = type_coerce(func.sum(table.c.credits_posted - table.c.debits_posted), schema.Units)
    return select(table.c.code, table.c.asset, posted.label("posted")).group_by(table.c.code, table.c.asset)


def above(table: Any, blocks: Mapping[NetworkId, BlockRef]) -> list[Any]:
    """Rows that belong to blocks above the observed ones."""
    return [and_(table.c.network == name, table.c.height > ref.height) for name, ref in blocks.items()]


async def rows_of(connection: AsyncConnection, statement: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def explained_by(
    context: Context, network: Network, ref: BlockRef, deposits: Sequence[Record], submissions: Sequence[Record]
) -> dict[str, int]:
    """What to add to the observed holdings to get what the books had taken in: minus deposits that are there and not
    credited, plus deposits credited later or uprooted by a reorg, plus what left and is not settled, minus what was settled
    later."""
    units: dict[str, int] = defaultdict(int)
    for row in deposits:
        if row["network"] != network.id:
            continue
        if row["state"] == UPROOTED or (row["state"] == CREDITED and row["height"] > ref.height):
            units[row["asset"]] += row["units"]
        elif row["state"] not in BOOKED and row["height"] <= ref.height and row["reason"] not in UNPROVEN_DOUBTS:
            units[row["asset"]] -= row["units"]
    for row in submissions:
        if row["network"] == network.id:
            await _explain_submission(context, network, ref, row, units)
    return units


async def _explain_submission(
    context: Context, network: Network, ref: BlockRef, row: Record, units: dict[str, int]
) -> None:
    """A submission of ours takes its value away when it pays somebody else, and its fee always."""
    if row["state"] in (State.FINAL, State.DEAD):  # settled from a block above the observed one
        _leave(units, row, paid=row["state"] == State.FINAL, fee=row["fee_paid"] or 0, sign=-1)
        return
    if row["state"] == State.UPROOTED:  # settled in the books; in the chain it may be again
        _leave(units, row, paid=True, fee=row["fee_paid"] or 0, sign=-1)
    replacements = await replacements_of(context, row)
    if row["tx"] is None and not replacements:
        return
    withdrawals = await paid_by(context, row["id"])
    first = await reference(context, row, withdrawals) if row["tx"] is not None else None
    variants = signed_variants(row, first, replacements)
    if not variants:
        return
    status = (await outcome_of(network, variants)).status
    if status.fate in (Fate.INCLUDED, Fate.FINAL) and status.block and status.block.height <= ref.height:
        fee = status.fee_paid.units if status.fee_paid else row["fee_max"]
        _leave(units, row, paid=status.succeeded, fee=fee, sign=1)
        units[row["asset"]] -= _unpaid(withdrawals, status)


def _unpaid(withdrawals: Sequence[Record], status: Status) -> int:
    """What stayed of a submission that paid some and not others, and that its row does not leave out yet."""
    return sum(int(w["units"]) for w in withdrawals if w["id"] in status.failed and w["state"] != Ended.FAILED)


def _leave(units: dict[str, int], row: Record, *, paid: bool, fee: int, sign: int) -> None:
    if paid and row["purpose"] == Purpose.WITHDRAWAL:
        units[row["asset"]] += sign * row["units"]
    units[row["fee_asset"]] += sign * fee
