"""Is what waits for a person's word still there, and told once? Asked before that word makes money of it."""

from wallet.context import Context, Record
from wallet.deposits.cursor import read_cursor
from wallet.growth.covered import is_told_twice
from wallet.growth.flows import read_flows
from wallet.growth.identity import is_growth
from wallet.ports import UNPROVEN_DOUBTS
from wallet.ports.balances import Balances


async def is_lasting(context: Context, row: Record) -> bool:
    """True for what neither is growth nor may be part of some. What was shown may be told by a tx since that a rescan has
    read, or have left: then the next look at the address shows what remains. Raises the network's errors."""
    network = context.network(row["network"])
    if not isinstance(network, Balances) or not (is_growth(row["identity"]) or await is_told_twice(context, row)):
        return True
    final, cursor = await network.final(), await read_cursor(context, network.id)
    if final is None or cursor is None:
        return False
    at = final if final.height <= cursor.height else cursor
    held = await network.balances([row["address"]], at)
    flows = await read_flows(context, network.id, [row["address"]])
    told = flows.until(at.height).get((row["asset"], row["address"]), 0)
    others = told if row["reason"] in UNPROVEN_DOUBTS else told - row["units"]
    there = held.get(row["asset"], {}).get(row["address"], 0)
    return row["address"] not in flows.busy(at.height) and there - others >= row["units"]
