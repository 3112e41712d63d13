"""LED-05 with two processes: however many operators reverse an entry at once, and whoever dies after which commit, it is
reversed once."""

import asyncio
import itertools
import signal
from collections import Counter

from tests.integration.wallet.changes import proven
from tests.nodes.client import Client
from tests.nodes.pair import NodePair, Person
from tests.scenario.pair.test_at_once import Reply, all_at_once, posted
from wallet.ids import CustomerId

DIES_WITHIN_S = 30.0
PATH = "/v1/operator/reversals"


def body_of(entry: object) -> dict[str, object]:
    return {"entry": str(entry), "reason": "sent twice"}


async def paid(pair: NodePair, payer: Person, payee: Person, key: str) -> str:
    asked = {"to": payee.handle, "asset": "EUR", "amount": "40.00"}
    return str((await pair.client(payer, pair.one).make("/v1/payments", asked, key))["id"])


async def reversals_of(pair: NodePair, payment: str) -> list[int]:
    _, listed = await pair.operator.insist("GET", PATH)
    return [item["entry"] for item in listed["items"] if item["reversed"] == payment]


async def test_led_05_of_32_reversals_at_once_one_is_posted_and_is_not_reversed_itself(
    pair: NodePair, names: "itertools.count[int]"
) -> None:
    alice, bob = await pair.person(f"alice_{next(names)}", 10_000), await pair.person(f"bob_{next(names)}", 10_000)
    payment = await paid(pair, alice, bob, f"led-05-{next(names)}")
    operator = Person(CustomerId("cus_none"), "operator", pair.operator.secret)
    keys = [f"reverse-{payment}-{n}" for n in range(32)]
    replies = await all_at_once(pair, operator, PATH, [body_of(payment)] * 32, keys)
    assert Counter(reply.status for reply in replies) == {201: 1, 409: 31}
    assert {reply.code for reply in replies if reply.status == 409} == {"already_reversed"}
    (entry,) = await reversals_of(pair, payment)
    again = await all_at_once(pair, operator, PATH, [body_of(entry)] * 8, [f"{keys[n]}-again" for n in range(8)])
    assert {reply.code for reply in again} == {"already_reversed"}
    back = await all_at_once(pair, operator, PATH, [body_of(entry + 1)] * 8, [f"{keys[n]}-back" for n in range(8)])
    assert {reply.code for reply in back} == {"not_reversible"}
    assert await posted(pair, alice) == await posted(pair, bob) == ["100.00", "100.00"]
    await proven(pair.dsns.books)


async def test_led_05_killed_after_the_commit_of_a_reversal_it_is_not_done_again(
    pair: NodePair, names: "itertools.count[int]"
) -> None:
    alice, bob = await pair.person(f"alice_{next(names)}", 10_000), await pair.person(f"bob_{next(names)}", 10_000)
    payment, dying = await paid(pair, alice, bob, f"led-05-{next(names)}"), pair.other
    await dying.stop()
    await dying.start(pair.http, {"COFFER_CRASH_AT": "journal.after_commit"})
    operator = Client(pair.http, dying.url, pair.operator.secret)
    asking = asyncio.create_task(operator.make(PATH, body_of(payment), f"killed-{payment}"))
    try:
        assert await dying.died(DIES_WITHIN_S) == -signal.SIGKILL
        assert len(await reversals_of(pair, payment)) == 1
        assert (await _refused(pair, payment)).code == "already_reversed"
        await dying.start(pair.http)
        assert (await asking)["reversed"] == payment
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    assert len(await reversals_of(pair, payment)) == 1
    assert await posted(pair, alice) == await posted(pair, bob) == ["100.00", "100.00"]
    await proven(pair.dsns.books)


async def _refused(pair: NodePair, payment: str) -> Reply:
    operator = Person(CustomerId("cus_none"), "operator", pair.operator.secret)
    (reply,) = await all_at_once(pair, operator, PATH, [body_of(payment)], [f"other-{payment}"])
    return reply
