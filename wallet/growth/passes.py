"""How far the look at all addresses has come. Operational state: if it is lost, everything is looked at again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from wallet import schema
from wallet.context import Context, Record
from wallet.ids import NetworkId
from wallet.ledger.accounts import HOUSE
from wallet.networks.open import start_height
from wallet.ports import BlockRef
from wallet.schema import growth_passes


@dataclass(frozen=True, slots=True)
class Pass:
    """One look at all addresses. Balances are read at `to`; the pass before looked at `height_from` or above, and at all
    addresses up to `seen_to` (they are counted by their ids). `height_begun` is the lowest `to` that it had; `last` is the
    last address looked at, and the pass is `done` when there are no more."""

    height_from: int
    height_begun: int
    to: BlockRef
    last: str = ""
    seen_to: str = ""
    done: bool = False

    def moved(self, to: BlockRef) -> "Pass":
        """The same pass goes on at a newer block: the state of the old one is gone at the network."""
        return replace(self, to=to)

    def following(self, to: BlockRef) -> "Pass":
        return Pass(self.height_begun, to.height, to, seen_to=self.last)


async def current_pass(context: Context, network: NetworkId, at: BlockRef) -> Pass | None:
    """The pass that is under way, or a new one up to `at`; None while there is nothing new to look at."""
    row = await context.one(select(growth_passes).where(growth_passes.c.network == network))
    if row is None:
        return Pass(await start_height(context, network) - 1, at.height, at)
    to = BlockRef(row["height"], row["block"])
    known = Pass(row["height_from"], row["height_begun"], to, row["last"], row["seen_to"], row["done"])
    if not known.done:
        return known
    return known.following(at) if at.height > known.to.height else None


async def save_pass(context: Context, network: NetworkId, now: Pass) -> None:
    """After what was found is in the books: a page that was looked at twice finds nothing new."""
    values = {
        "network": network,
        "height_from": now.height_from,
        "height_begun": now.height_begun,
        "height": now.to.height,
        "block": now.to.id,
        "last": now.last,
        "seen_to": now.seen_to,
        "done": now.done,
    }
    async with context.ops.begin() as connection:
        await connection.execute(
            insert(growth_passes).values(values).on_conflict_do_update(index_elements=["network"], set_=values)
        )


async def next_page(context: Context, network: NetworkId, after: str, size: int) -> Sequence[Record]:
    """Customers' addresses in the order in which they were handed out. The node's own are its operators' to watch."""
    table = schema.addresses
    wanted = select(table.c.id, table.c.address).where(
        table.c.network == network, table.c.owner != HOUSE, table.c.id > after
    )
    return await context.all(wanted.order_by(table.c.id).limit(size))
