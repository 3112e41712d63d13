"""LED-01 and IDM-01 with two processes: all requests are on their way before the first is answered."""

import asyncio
import itertools
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import asyncpg

from tests.integration.wallet.changes import proven
from tests.nodes.pair import ApiProcess, NodePair, Person


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    raw: bytes
    replayed: bool

    @property
    def code(self) -> str:
        return str(json.loads(self.raw).get("code", ""))


async def all_at_once(
    pair: NodePair, person: Person, path: str, bodies: list[dict[str, object]], keys: list[str]
) -> list[Reply]:
    """By turns over both nodes. Every request has a connection of its own, opened before any of them is sent."""
    warm = [_touch(pair, node) for node in itertools.islice(itertools.cycle(pair.nodes), len(bodies))]
    await asyncio.gather(*warm)
    asked = zip(itertools.cycle(pair.nodes), bodies, keys, strict=False)
    return await asyncio.gather(*(_post(pair, node, person, path, body, key) for node, body, key in asked))


async def _touch(pair: NodePair, node: ApiProcess) -> None:
    async with pair.http.get(node.url + "/health") as answer:
        assert answer.status == 200


async def _post(pair: NodePair, node: ApiProcess, person: Person, path: str, body: Any, key: str) -> Reply:
    headers = {"Authorization": f"Bearer {person.secret}", "Idempotency-Key": key}
    async with pair.http.post(node.url + path, json=body, headers=headers) as answer:
        return Reply(answer.status, await answer.read(), "Idempotent-Replayed" in answer.headers)


async def posted(pair: NodePair, person: Person) -> list[str]:
    """What each of the nodes says."""
    balances = [await pair.client(person, node).insist("GET", "/v1/balances") for node in pair.nodes]
    return [body["items"][0]["posted"] for _, body in balances]


async def test_led_01_of_64_payments_of_a_whole_balance_to_two_processes_one_is_made(
    pair: NodePair, names: "itertools.count[int]"
) -> None:
    alice, bob = await pair.person(f"alice_{next(names)}", 10_000), await pair.person(f"bob_{next(names)}")
    body: dict[str, object] = {"to": bob.handle, "asset": "EUR", "amount": "100.00"}
    replies = await all_at_once(pair, alice, "/v1/payments", [body] * 64, [f"whole-{n}" for n in range(64)])
    assert Counter(reply.status for reply in replies) == {201: 1, 409: 63}
    assert {reply.code for reply in replies if reply.status == 409} == {"insufficient_funds"}
    assert await posted(pair, alice) == ["0.00", "0.00"]
    assert await posted(pair, bob) == ["100.00", "100.00"]
    await proven(pair.dsns.books)


async def test_idm_01_the_same_withdrawal_a_hundred_times_to_two_processes_is_one(
    pair: NodePair, names: "itertools.count[int]"
) -> None:
    alice = await pair.person(f"alice_{next(names)}", 10_000)
    destination = {"address": "DE02120300000000202051", "name": "Bob"}
    body: dict[str, object] = {"network": "sepa", "asset": "EUR", "amount": "7.00", "destination": destination}
    replies = await all_at_once(pair, alice, "/v1/withdrawals", [body] * 100, ["one"] * 100)
    assert {reply.status for reply in replies} == {201}, Counter(reply.raw for reply in replies)
    assert len({reply.raw for reply in replies}) == 1
    assert sum(not reply.replayed for reply in replies) == 1
    connection = await asyncpg.connect(pair.dsns.books)
    assert await connection.fetchval("SELECT count(*) FROM withdrawals WHERE owner = $1", alice.id) == 1
    await connection.close()
    await proven(pair.dsns.books)
