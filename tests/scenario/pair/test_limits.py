"""WDR-12 with two processes: exits of one customer, all on their way before the first is answered."""

import asyncio
import itertools
from collections import Counter

from tests.integration.wallet.changes import proven
from tests.nodes.pair import NodePair, Person
from tests.scenario.pair.test_at_once import all_at_once

RACES = 20
OUTSIDE = {"address": "FR7630006000011234567890189", "name": "Zoe Example"}


async def limited(pair: NodePair, handle: str, most: str = "1000.00", *, payments: bool = False) -> Person:
    person = await pair.person(handle, 1_000_000)
    limits = {"customer": person.id, "asset": "EUR", "per_24h": most, "payments": payments, "reason": "new here"}
    status, _ = await pair.operator.insist("PUT", "/v1/operator/limits", limits)
    assert status == 200
    return person


async def test_wdr_12_of_fifty_withdrawals_through_two_processes_ten_fit(
    pair: NodePair, names: "itertools.count[int]"
) -> None:
    alice = await limited(pair, f"alice_{next(names)}")
    body: dict[str, object] = {"network": "sepa", "asset": "EUR", "amount": "100.00", "destination": OUTSIDE}
    replies = await all_at_once(pair, alice, "/v1/withdrawals", [body] * 50, [f"w-{n}" for n in range(50)])
    assert Counter((reply.status, reply.code) for reply in replies) == {(201, ""): 10, (409, "limit_exceeded"): 40}
    assert (await proven(pair.dsns.books)).transfers


async def test_wdr_12_of_fifty_payments_through_two_processes_ten_fit(
    pair: NodePair, names: "itertools.count[int]"
) -> None:
    alice, bob = await limited(pair, f"alice_{next(names)}", payments=True), await pair.person(f"bob_{next(names)}")
    body: dict[str, object] = {"to": bob.handle, "asset": "EUR", "amount": "100.00"}
    replies = await all_at_once(pair, alice, "/v1/payments", [body] * 50, [f"p-{n}" for n in range(50)])
    assert Counter((reply.status, reply.code) for reply in replies) == {(201, ""): 10, (409, "limit_exceeded"): 40}
    status, left = await pair.client(alice, pair.other).insist("GET", "/v1/limits")
    assert (status, [one["left"] for one in left["items"]]) == (200, ["0.00"])


async def test_wdr_12_where_one_fits_the_processes_never_accept_one_each(
    pair: NodePair, names: "itertools.count[int]"
) -> None:
    """Each waits for its own turns, so the two of them race for every single limit."""
    people = [await limited(pair, f"carol_{next(names)}", "100.00") for _ in range(RACES)]
    body: dict[str, object] = {"network": "sepa", "asset": "EUR", "amount": "100.00", "destination": OUTSIDE}
    raced = [
        all_at_once(pair, person, "/v1/withdrawals", [body] * 4, [f"r-{n}" for n in range(4)]) for person in people
    ]
    for replies in await asyncio.gather(*raced):
        assert Counter(reply.status for reply in replies) == {201: 1, 409: 3}
