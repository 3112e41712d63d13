"""CRS-06 as it is: somebody holds the journal's head for 30 s, two processes wait with the patience that they have."""

import asyncio
import itertools
import time

import pytest

from tests.integration.wallet.changes import posted_and_held, proven
from tests.locks import locked
from tests.nodes.pair import ApiProcess, NodePair, Person

HELD_S = 30.0
ANSWERED_WITHIN_S = 45.0  # two waits of 20 s, where a request came in behind another


@pytest.mark.whole
async def test_crs_06_a_head_held_for_30_seconds_is_waited_for_with_a_bound_by_both_processes(
    pair: NodePair, names: "itertools.count[int]"
) -> None:
    alice, bob = await pair.person(f"alice_{next(names)}", 10_000), await pair.person(f"bob_{next(names)}")
    body: dict[str, object] = {"to": bob.handle, "asset": "EUR", "amount": "1.00"}
    with locked(pair.dsns.owner, "SELECT FROM journal_head FOR UPDATE"):
        began = time.monotonic()
        waiting = [asyncio.create_task(_status(pair, node, alice, body, node.name)) for node in pair.nodes]
        assert [await pair.client(alice, node).available() for node in pair.nodes]
        assert not any(task.done() for task in waiting)
        statuses = await asyncio.wait_for(asyncio.gather(*waiting), ANSWERED_WITHIN_S)
        assert statuses == [(503, "1"), (503, "1")]
        assert await posted_and_held(pair.dsns.books, bob.id) == (0, 0)
        await asyncio.sleep(HELD_S - (time.monotonic() - began))
    for node in pair.nodes:
        await pair.client(alice, node).make("/v1/payments", body, node.name)
    assert await posted_and_held(pair.dsns.books, bob.id) == (200, 0)
    await proven(pair.dsns.books)


async def _status(
    pair: NodePair, node: ApiProcess, person: Person, body: dict[str, object], key: str
) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {person.secret}", "Idempotency-Key": key}
    async with pair.http.post(node.url + "/v1/payments", json=body, headers=headers) as answer:
        return answer.status, answer.headers.get("Retry-After", "")
