"""What reading costs, beside the writing: pages of a busy account's history by the product's own functions."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from statistics import median
from time import perf_counter

from node.clock import SystemClock
from node.compose import make_engine, make_reading_engine
from tests.bench.cluster import Cluster
from tests.bench.payments import EUR, customer
from tests.fakes.signer import FakeSigner
from wallet.context import Context
from wallet.ids import random_id
from wallet.journal import Journal
from wallet.ledger.accounts import customer_balance
from wallet.ledger.balances import past_standings, standings
from wallet.movements.pages import PageWanted, read_page
from wallet.vault.keys import PersonKeys
from wallet.vault.vault import Vault

ASKED_TIMES = 200
PAGE_ITEMS = 50
_BUSY = customer_balance(customer(0), EUR).id


@asynccontextmanager
async def reading(cluster: Cluster, journal: Journal) -> AsyncIterator[Context]:
    """The context that the API reads with, without networks."""
    reads, ops = make_reading_engine(cluster.books.books), make_engine(cluster.books.ops)
    vault = Vault(PersonKeys(cluster.folder / "vault"))
    try:
        yield Context(journal, reads, ops, {EUR.symbol: EUR}, {}, FakeSigner(), vault, SystemClock(), random_id)
    finally:
        await reads.dispose()
        await ops.dispose()


async def read_figures(context: Context, seq: int) -> dict[str, float]:
    """Medians in milliseconds, with `seq` as the last Change: the newest page and one that begins in the middle; what the
    busy customer has now and had after the Change in the middle."""
    middle, owner = seq // 2, customer(0)

    def page(below: int) -> Callable[[], Awaitable[object]]:
        return lambda: read_page(context, PageWanted([_BUSY]), (below, 0), PAGE_ITEMS, ascending=False)

    return {
        "first_page_ms": await _typical_ms(page(seq)),
        "deep_page_ms": await _typical_ms(page(middle)),
        "balance_ms": await _typical_ms(lambda: standings(context, owner)),
        "past_balance_ms": await _typical_ms(lambda: past_standings(context, owner, middle)),
    }


async def _typical_ms(ask: Callable[[], Awaitable[object]]) -> float:
    return median([await _once_ms(ask) for _ in range(ASKED_TIMES)])


async def _once_ms(ask: Callable[[], Awaitable[object]]) -> float:
    started = perf_counter()
    await ask()
    return (perf_counter() - started) * 1000
