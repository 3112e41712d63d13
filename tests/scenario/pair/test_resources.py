"""CRS-15: a node that runs out of file handles or memory refuses some, half-does nothing, and goes on later."""

import asyncio
import contextlib
import itertools
import resource
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from tests.integration.wallet.changes import posted_and_held, proven
from tests.nodes.pair import ApiProcess, NodePair, Person

BATCHES, ITEMS, MEMORY_LEFT = 12, 1_000, 24 << 20
FILES_LEFT, AT_ONCE, PAYMENTS = 6, 60, 240
ANSWER_WITHIN_S = 20.0


async def burst(pair: NodePair, node: ApiProcess, payer: Person, payee: Person, name: str) -> Counter[int | None]:
    """Payments under keys of their own, each over a connection of its own; None where nobody answered."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def pay(number: int) -> int | None:
        body = {"to": f"@{payee.handle}", "asset": "EUR", "amount": "0.01"}
        headers = {
            "Authorization": f"Bearer {payer.secret}",
            "Idempotency-Key": f"{name}-{number}",
            "Connection": "close",
        }
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, ConnectionError):
            limit = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
            async with (
                gate,
                pair.http.post(node.url + "/v1/payments", json=body, headers=headers, timeout=limit) as answer,
            ):
                return answer.status
        return None

    return Counter(await asyncio.gather(*(pay(number) for number in range(PAYMENTS))))


async def test_crs_15_a_node_without_file_handles_refuses_some_and_recovers(
    pair: NodePair, names: "itertools.count[int]"
) -> None:
    alice, bob = await pair.person(f"alice_{next(names)}", 10_000), await pair.person(f"bob_{next(names)}")
    node = pair.other
    assert (await burst(pair, node, alice, bob, "before"))[201] == PAYMENTS
    open_files = len(list((Path("/proc") / str(node.pid) / "fd").iterdir()))
    soft, hard = resource.prlimit(node.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(node.pid, resource.RLIMIT_NOFILE, (open_files + FILES_LEFT, hard))
    try:
        short = await burst(pair, node, alice, bob, "short")
    finally:
        resource.prlimit(node.pid, resource.RLIMIT_NOFILE, (soft, hard))
    assert set(short) <= {201, 503, None}
    assert short[201] < PAYMENTS, "it never ran out"
    again = await burst(pair, node, alice, bob, "short")
    assert again[201] == PAYMENTS
    assert node.running()
    assert await posted_and_held(pair.dsns.books, bob.id) == (2 * PAYMENTS, 0)
    await proven(pair.dsns.books)


async def batches(pair: NodePair, node: ApiProcess, payer: Person, payee: Person) -> Counter[int | None]:
    """Batches of payments all at once, each under a key of its own; None where nobody answered."""

    async def pay(number: int) -> int | None:
        items = [
            {"key": f"{number}-{n}", "to": f"@{payee.handle}", "asset": "EUR", "amount": "0.01"} for n in range(ITEMS)
        ]
        headers = {"Authorization": f"Bearer {payer.secret}", "Idempotency-Key": f"batch-{number}"}
        limit = aiohttp.ClientTimeout(total=2 * ANSWER_WITHIN_S)
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, ConnectionError):
            async with pair.http.post(
                node.url + "/v1/payments/batch", json={"items": items}, headers=headers, timeout=limit
            ) as answer:
                await answer.read()
                return answer.status
        return None

    return Counter(await asyncio.gather(*(pay(number) for number in range(BATCHES))))


@pytest.mark.whole
async def test_crs_15_a_node_without_memory_refuses_some_and_recovers(
    pair: NodePair, names: "itertools.count[int]"
) -> None:
    """It may end by itself, as one whose writer has broken off; started again it answers the same keys, each once."""
    alice, bob = await pair.person(f"alice_{next(names)}", 1_000_000), await pair.person(f"bob_{next(names)}")
    node = pair.other
    soft, hard = resource.prlimit(node.pid, resource.RLIMIT_AS)
    used = int((Path("/proc") / str(node.pid) / "statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(node.pid, resource.RLIMIT_AS, (used + MEMORY_LEFT, hard))
    try:
        short = await batches(pair, node, alice, bob)
    finally:
        if node.running():
            resource.prlimit(node.pid, resource.RLIMIT_AS, (soft, hard))
    assert set(short) <= {200, 201, 500, 503, None}
    assert short.total() - short[200] - short[201] > 0, "it never ran out"
    if not node.running():
        await node.start(pair.http)
    again = await batches(pair, node, alice, bob)
    assert again[200] + again[201] == BATCHES
    assert await posted_and_held(pair.dsns.books, bob.id) == (BATCHES * ITEMS, 0)
    await proven(pair.dsns.books)
