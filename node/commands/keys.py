"""`coffer keys hot`: the addresses that pay and have paid."""

from dataclasses import dataclass

from sqlalchemy import select

from wallet import schema
from wallet.context import Context
from wallet.ids import NetworkId
from wallet.ledger.accounts import HOUSE
from wallet.treasury.rotation import rotations_open
from wallet.treasury.submissions import open_submissions


@dataclass(frozen=True, slots=True)
class Hot:
    """`open` submissions still leave from it; `state` is `pays`, `emptying` or `retired`."""

    address: str
    path: str
    state: str
    open: int


async def hot_addresses(context: Context, network: NetworkId) -> list[Hot]:
    """Newest first. Raises `NotFound` for a network that this node does not run."""
    context.network(network)
    table = schema.addresses
    mine = select(table).where(table.c.network == network, table.c.owner == HOUSE)
    rows = await context.all(mine.order_by(table.c.position.desc()))
    emptying = {row["previous"] for row in await rotations_open(context, network)}
    leaving = [row["source"] for row in await open_submissions(context, network)]
    return [
        Hot(
            address=row["address"],
            path=row["path"],
            state="pays" if row is rows[0] else "emptying" if row["address"] in emptying else "retired",
            open=leaving.count(row["address"]),
        )
        for row in rows
    ]
