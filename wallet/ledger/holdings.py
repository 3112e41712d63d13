"""What one network states that we hold, set against what the books say lies there: exact, per asset, cheap enough for a loop.

    difference = observed + explained − booked

`observed` is the network's own statement at one block that the scan has passed. `explained` sets off by name what the books
had not taken in, or had already let go, at that block. `booked` are hot, deposits and transit of this network. What moves
meanwhile cannot look like a loss: a view that does not hold together (a reorg, an address that came into use) is no proof
and is taken again.

Only addresses that hold or held something are asked for: what the books do not count cannot be missing. `verify` asks for all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, and_, func, or_, select, type_coerce

from wallet import schema
from wallet.addresses.in_use import in_use, used_addresses
from wallet.context import Context, Record
from wallet.deposits.states import SETTLED
from wallet.ids import NetworkId
from wallet.ledger.accounts import HELD_CODES, HOUSE
from wallet.ledger.reconcile import ATTEMPTS_MAX, explained_by, rows_of, scanned
from wallet.money import format_units
from wallet.ports import BlockRef, BlockVanished, Network, NetworkUnreachable, Observation
from wallet.treasury.states import FOLLOWED


@dataclass(frozen=True, slots=True)
class Holding:
    """One asset on one network at one block, in base units of the ledger."""

    network: NetworkId
    asset: str
    decimals: int
    block: BlockRef
    observed: int
    explained: int
    booked: int

    @property
    def difference(self) -> int:
        """Negative: the network states less than the books. Positive: more, which is no failure."""
        return self.observed + self.explained - self.booked

    def view(self) -> dict[str, object]:
        names = ("observed", "explained", "booked", "difference")
        figures = {name: format_units(getattr(self, name), self.decimals) for name in names}
        return {"network": self.network, "asset": self.asset, "height": self.block.height, **figures}


@dataclass(frozen=True, slots=True)
class _Books:
    """The books' side of one network at one moment, and how far and on which branch it was scanned."""

    height: int
    block: str | None
    in_use: frozenset[str]
    booked: dict[str, int]
    deposits: Sequence[Record]
    submissions: Sequence[Record]


async def holdings(context: Context, network: Network) -> list[Holding]:
    """Every asset of this network. Raises the network's errors: no answer, or a branch that changes, is no proof."""
    for _ in range(ATTEMPTS_MAX):
        cursor = await scanned(context, network)
        addresses = await in_use(context, network.id)
        observation = await network.observe(sorted(addresses), cursor)
        books = await _read_books(context, network.id, observation.block)
        if books.height >= observation.block.height and books.in_use <= addresses:
            return await _set_against(context, network, observation, books)
        await context.clock.sleep(0.1)
    raise NetworkUnreachable(f"{network.id}: the scan does not keep up with the tip")


async def _set_against(context: Context, network: Network, observation: Observation, books: _Books) -> list[Holding]:
    ref = observation.block
    explained = await explained_by(context, network, ref, books.deposits, books.submissions)
    if books.block not in (None, ref.id) or await network.block_ref(ref.height) != ref:
        raise BlockVanished(f"{network.id} changed its branch at {ref.height} while it was looked at")
    assets = {listing.asset.symbol: listing.asset for listing in network.listings}
    return [
        Holding(
            network=network.id,
            asset=symbol,
            decimals=asset.decimals,
            block=ref,
            observed=observation.units.get(symbol, 0),
            explained=explained[symbol],
            booked=books.booked.get(symbol, 0),
        )
        for symbol, asset in sorted(assets.items())
    ]


async def _read_books(context: Context, network: NetworkId, ref: BlockRef) -> _Books:
    """One short snapshot, so that nothing moves between the sums."""
    deposits, sent, blocks = schema.deposits, schema.submissions, schema.scanned_blocks
    uncredited = and_(deposits.c.height.is_not(None), deposits.c.state.not_in(SETTLED))
    cursor = select(schema.scan_cursors.c.height).where(schema.scan_cursors.c.network == network)
    scanned_there = select(blocks.c.block).where(blocks.c.network == network, blocks.c.height == ref.height)
    open_or_above = or_(sent.c.state.in_(FOLLOWED), sent.c.height > ref.height)
    waiting_or_above = or_(uncredited, deposits.c.height > ref.height)
    async with context.snapshot() as connection:
        height, block = await rows_of(connection, cursor), await rows_of(connection, scanned_there)
        places = await rows_of(connection, _booked(network))
        used = await rows_of(connection, used_addresses(network))
        return _Books(
            height=height[0]["height"] if height else ref.height,
            block=block[0]["block"] if block else None,
            in_use=frozenset(row["address"] for row in used),
            booked={row["asset"]: -row["posted"] for row in places},
            deposits=await rows_of(connection, select(deposits).where(deposits.c.network == network, waiting_or_above)),
            submissions=await rows_of(connection, select(sent).where(sent.c.network == network, open_or_above)),
        )


def _booked(network: NetworkId) -> Select[tuple[str, int]]:
    table = schema.accounts
    codes = [f"{code}@{network}" for code in (*HELD_CODES, "transit")]
    posted = type_coerce(func.sum(table.c.credits_posted - table.c.debits_posted), schema.Units).label("posted")
    return select(table.c.asset, posted).where(table.c.owner == HOUSE, table.c.code.in_(codes)).group_by(table.c.asset)
