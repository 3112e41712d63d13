"""`coffer address`: what books that were lost, or are older than the world, do not know of any more is watched and found."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from wallet.addresses.watch import Watched, missing_behind, watch_ahead
from wallet.context import Context
from wallet.deposits.rescan import rescan
from wallet.ids import NetworkId
from wallet.ports import NetworkError

Say = Callable[[str], None]

WATCHED_AFTER_RESTORE = 1_000  # what is handed out between two backups, for most; `coffer address watch` takes more
ROUNDS_MAX = 1_000  # of a rescan that finds used addresses again and again


@dataclass(frozen=True, slots=True)
class Found:
    """`watched` addresses were taken, and the blocks from `first` to `last` read again `rounds` times."""

    network: str
    watched: int
    first: int
    last: int
    rounds: int

    def shown(self) -> Mapping[str, Any]:
        return asdict(self)


async def watch(context: Context, network: NetworkId, count: int, reason: str, say: Say) -> list[Watched]:
    """Raises `NotFound` for a network that this node does not run."""
    context.network(network)
    done: list[Watched] = []
    async for part in watch_ahead(context, "cli", network, count, reason):
        done.append(part)
        say(f"{network}: watching {part.branch} {part.first} to {part.first + part.count - 1}")
    return done


async def find_lost(context: Context, network: NetworkId, first: int, gap: int, reason: str, say: Say) -> Found:
    """Until there are `gap` addresses without an arrival behind the last one with any. Raises the network's errors."""
    watched = sum(part.count for part in await watch(context, network, gap, reason, say))
    last = first
    for number in range(1, ROUNDS_MAX + 1):
        async for block in rescan(context, context.network(network), first):
            last = block.height
            say(f"{network}: read again up to block {last}")
        missing = await missing_behind(context, network, gap)
        if missing <= 0:
            return Found(network, watched, first, last, number)
        watched += sum(part.count for part in await watch(context, network, missing, reason, say))
    raise NetworkError(f"{network}: used addresses without end")
