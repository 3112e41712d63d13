"""Notice that a network has grown silent: it answers, and shows no new block; or it does not answer at all."""

from sqlalchemy import select

from node.notices import read_notice, tell
from wallet.context import Context
from wallet.ids import NetworkId
from wallet.schema import network_progress

HEAD = "head"
"""The subject of the notice; its states."""
SILENT, MOVING = "silent", "moving"


def silent_after_s(block_time_s: int) -> int:
    """Two and a half block times, so that whoever looks every quarter of one tells before three have passed."""
    return (5 * block_time_s) >> 1


async def watch_head(context: Context, network: NetworkId, block_time_s: int) -> None:
    """One look. Operators read when it grows silent, and when it moves again."""
    row = await context.one(
        select(network_progress.c.head, network_progress.c.head_at).where(network_progress.c.network == network)
    )
    if row is None or row["head_at"] is None:
        return
    age_s = int((context.clock.now() - row["head_at"]).total_seconds())
    silent = age_s >= silent_after_s(block_time_s)
    known = await read_notice(context, network, HEAD)
    state = SILENT if silent else MOVING
    if state != (known["state"] if known is not None else MOVING):
        since = f"no block after {row['head']} for {age_s} s" if silent else f"block {row['head']} has come"
        await tell(context, network, HEAD, state, since)
