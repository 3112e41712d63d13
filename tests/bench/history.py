"""Reading a long history: a page deep in it beside its newest page, and a balance at a past moment beside the balance now.

One customer has received a million payments, and nothing else reads or writes meanwhile. Both are asked for by the product's
own functions, as its API does, past moments by time: the moment is resolved first. The four kinds of question take turns, one
after another, so that what slows the machine slows them all; deep pages begin anywhere in the oldest tenth of the history,
past moments lie anywhere in its time. A ratio is taken within a round, of the round's own medians.
"""

import argparse
import os
import random
from collections.abc import Awaitable, Callable
from datetime import datetime
from statistics import median
from time import perf_counter
from typing import Any

import asyncpg

from node.clock import SystemClock
from node.collector import settle_collector
from tests.bench.cluster import Cluster, running_cluster
from tests.bench.filling import fill
from tests.bench.growth_reads import reading
from tests.bench.options import at_least
from tests.bench.payments import EUR, KEY, Payments, customer, open_books
from tests.bench.rounds import Say, told
from wallet.context import Context
from wallet.journal import Journal
from wallet.ledger.accounts import customer_balance
from wallet.ledger.balances import past_standings, standings
from wallet.ledger.moments import place_at
from wallet.movements.pages import Cut, PageWanted, read_page

ASKED_TIMES = 200  # each question, in each round
PAGE_ITEMS = 50
_ACCOUNT = customer_balance(customer(0), EUR).id
_AT = "SELECT at FROM journal WHERE seq = $1"

Question = Callable[[], Awaitable[object]]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=5, help="medians are taken over so many rounds")
    parser.add_argument("--transfers", type=at_least(1_000), default=1_000_000, help="in the account's history")
    parser.add_argument("--accounts", type=at_least(2), default=1_000, help="funded accounts")


async def measure(asked: argparse.Namespace, say: Say) -> dict[str, Any]:
    """All figures, ready for JSON. `verified`: the deepest page and the past balance there are what was written."""
    busy = os.getloadavg()[0]
    async with running_cluster() as cluster:
        journal = Journal(cluster.books.books, SystemClock(), KEY)
        await journal.start()
        try:
            await open_books(journal, asked.accounts)
            first = await _head(cluster)
            await fill(journal, [Payments(asked.accounts, hot=True)], asked.transfers, say)
            await _vacuum(cluster)
            settle_collector()
            async with reading(cluster, journal) as context:
                verified = await _is_exact(context, cluster, first)
                times = await _times(cluster, first)
                rounds = [await _round(context, first, times, number, say) for number in range(asked.rounds)]
        finally:
            await journal.stop()
    figures = {name: round(median(found[name] for found in rounds), 3) for name in rounds[0]}
    say(f"median  {told(figures)}")
    plan = {name: getattr(asked, name) for name in ("rounds", "transfers", "accounts")}
    return {**figures, "verified": verified, "rounds": rounds, "plan": plan, "load": round(busy, 2)}


async def _head(cluster: Cluster) -> int:
    owner = await asyncpg.connect(cluster.books.owner)
    try:
        return int(await owner.fetchval("SELECT seq FROM journal_head"))
    finally:
        await owner.close()


async def _vacuum(cluster: Cluster) -> None:
    """As autovacuum does beside a node that runs for days."""
    owner = await asyncpg.connect(cluster.books.owner)
    try:
        await owner.execute("VACUUM ANALYZE")
    finally:
        await owner.close()


async def _is_exact(context: Context, cluster: Cluster, first: int) -> bool:
    """The first payments of all, added up, beside what a deep page and a past balance tell."""
    owner = await asyncpg.connect(cluster.books.owner)
    try:
        added = await owner.fetchval(
            "SELECT sum(units)::text FROM transfers WHERE credit_account = $1 AND seq <= $2",
            _ACCOUNT,
            first + PAGE_ITEMS,
        )
    finally:
        await owner.close()
    page = await read_page(context, PageWanted([_ACCOUNT]), (first + PAGE_ITEMS, 0), PAGE_ITEMS, ascending=False)
    past = await past_standings(context, customer(0), first + PAGE_ITEMS)
    return page.items[0].posted_after == past["balance", EUR.symbol].posted == int(added)


async def _times(cluster: Cluster, first: int) -> list[datetime]:
    """Moments all over the history."""
    head, owner = await _head(cluster), await asyncpg.connect(cluster.books.owner)
    try:
        return [await owner.fetchval(_AT, random.randint(first, head)) for _ in range(ASKED_TIMES)]
    finally:
        await owner.close()


async def _round(context: Context, first: int, times: list[datetime], number: int, say: Say) -> dict[str, float]:
    """Every question once, then every question again, in an order that turns."""
    wanted, owner, head = PageWanted([_ACCOUNT]), customer(0), await place_at(context, context.clock.now())

    def page(start: Cut | None) -> Question:
        return lambda: read_page(context, wanted, start, PAGE_ITEMS, ascending=False)

    async def past_balance(at: datetime) -> object:
        return await past_standings(context, owner, await place_at(context, at))

    tenth = max((head - first) // 10, PAGE_ITEMS)
    spent: dict[str, list[float]] = {name: [] for name in ("first_page", "deep_page", "balance", "past_balance")}
    for turn, at in enumerate(times):
        questions: dict[str, Question] = {
            "first_page": page(None),
            "deep_page": page((first + random.randint(PAGE_ITEMS, tenth), 0)),
            "balance": lambda: standings(context, owner),
            "past_balance": lambda at=at: past_balance(at),  # type: ignore[misc]
        }
        names = list(questions)
        for name in names[turn % 4 :] + names[: turn % 4]:
            started = perf_counter()
            await questions[name]()
            spent[name].append((perf_counter() - started) * 1000)
    return _figures(spent, number, say)


def _figures(spent: dict[str, list[float]], number: int, say: Say) -> dict[str, float]:
    typical = {f"{name}_ms": median(values) for name, values in spent.items()}
    found = {
        "deep_page_ratio": typical["deep_page_ms"] / typical["first_page_ms"],
        "past_balance_ratio": typical["past_balance_ms"] / typical["balance_ms"],
        **typical,
    }
    say(f"round {number + 1}  " + "  ".join(f"{name} {value:.2f}" for name, value in found.items()))
    return {name: round(value, 3) for name, value in found.items()}
