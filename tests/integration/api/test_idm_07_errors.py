"""IDM-07: a failure that passes never spoils the key; a refusal by the state of the books stays what it was.

There is no rate limit in this release, so no 429."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from node.clock import SystemClock
from tests.fakes.world import BITCOIN
from tests.integration.api.client import Reply, balance, serving
from tests.integration.api.conftest import ApiNode, Person
from tests.integration.api.test_idempotency import payment, withdrawal
from wallet.access.keys import CUSTOMER_SCOPES
from wallet.assets.pause import pause_asset, resume_asset
from wallet.context import Context
from wallet.journal import Journal

_keys = count()


def fresh() -> str:
    return f"idm-07-{next(_keys)}"


async def sent(person: Person, content: object, key: str, path: str = "/v1/payments") -> Reply:
    return await person.client.post(path, content, key=key)


async def paid_once(api_node: ApiNode, payer: Person, payee: Person, key: str, amount: str = "1.00") -> None:
    """The key is as good as new: the request is done under it, and its retry is answered alike."""
    done = await sent(payer, payment(payee, amount), key)
    assert done.status == 201, done.raw
    assert "Idempotent-Replayed" not in done.headers
    again = await sent(payer, payment(payee, amount), key)
    assert (again.raw, again.headers["Idempotent-Replayed"]) == (done.raw, "true")
    assert (await balance(payee.client, "EUR"))["posted"] == amount


@pytest.mark.parametrize(
    "wrong",
    [{"amount": "1.001"}, {"amount": "0.00"}, {"asset": "XXX"}, {"note": 7}, {"extra": 1}, {"to": "@nobody_at_all"}],
    ids=["decimals", "nothing", "asset", "type", "extra", "unknown payee"],
)
async def test_idm_07_what_was_malformed_is_not_remembered_and_its_key_serves_the_corrected_request(
    api_node: ApiNode, wrong: dict[str, object]
) -> None:
    alice, bob, key = await api_node.person(EUR="5.00"), await api_node.person(), fresh()
    for _ in range(2):
        refused = await sent(alice, {**payment(bob), **wrong}, key)
        assert refused.status in (400, 404), refused.raw
        assert "Idempotent-Replayed" not in refused.headers
    await paid_once(api_node, alice, bob, key)


async def test_idm_07_a_refusal_by_the_state_of_the_books_stays_and_another_key_is_free(api_node: ApiNode) -> None:
    alice, bob, key = await api_node.person(), await api_node.person(), fresh()
    first = await sent(alice, payment(bob), key)
    assert (first.status, first.code) == (409, "insufficient_funds")
    await api_node.world.fund(alice.id, "EUR", "5.00")
    again = await sent(alice, payment(bob), key)
    assert (again.status, again.raw, again.headers["Idempotent-Replayed"]) == (409, first.raw, "true")
    await paid_once(api_node, alice, bob, fresh())


async def test_idm_07_a_paused_asset_does_not_spoil_the_key(api_node: ApiNode) -> None:
    alice, bob, key = await api_node.person(EUR="5.00"), await api_node.person(), fresh()
    context = api_node.world.context
    await pause_asset(context, "test", "EUR", "looking")
    try:
        refused = await sent(alice, payment(bob), key)
    finally:
        await resume_asset(context, "test", "EUR", "found")
    assert (refused.status, refused.code) == (409, "asset_paused")
    await paid_once(api_node, alice, bob, key)


async def test_idm_07_a_key_that_was_refused_admission_has_remembered_nothing(api_node: ApiNode) -> None:
    alice, bob, key = await api_node.person(EUR="5.00"), await api_node.person(), fresh()
    narrow = api_node.anybody.as_(await api_node.world.key(alice.id, *CUSTOMER_SCOPES - {"pay"}))
    assert (await narrow.post("/v1/payments", payment(bob), key=key)).status == 403
    assert (await api_node.anybody.post("/v1/payments", payment(bob), key=key)).status == 401
    await paid_once(api_node, alice, bob, key)


def stopped_journal(context: Context, dsn: str) -> Context:
    return replace(context, journal=Journal(dsn, SystemClock()))


def broken_ids(context: Context, _dsn: str) -> Context:
    def fails(prefix: str) -> str:
        if prefix == "pay":
            raise ZeroDivisionError("a mistake of ours, as a test wished")
        return context.new_id(prefix)

    return replace(context, new_id=fails)


@pytest.mark.parametrize(
    ("spoil", "status", "code"),
    [(stopped_journal, 503, "unavailable"), (broken_ids, 500, "internal_error")],
    ids=["unavailable", "a mistake of ours"],
)
async def test_idm_07_a_5xx_never_spoils_the_key(
    api_node: ApiNode, spoil: Callable[[Context, str], Context], status: int, code: str
) -> None:
    alice, bob, key = await api_node.person(EUR="5.00"), await api_node.person(), fresh()
    async with serving(spoil(api_node.world.context, api_node.dsns.books)) as broken:
        for _ in range(2):
            failed = await broken.as_(alice.client.secret).post("/v1/payments", payment(bob), key=key)
            assert (failed.status, failed.code) == (status, code), failed.raw
    assert (await balance(alice.client, "EUR"))["available"] == "5.00"
    await paid_once(api_node, alice, bob, key)


@contextmanager
def silent_bitcoin(api_node: ApiNode) -> Iterator[None]:
    network = api_node.world.networks[BITCOIN]
    network.silent = True
    try:
        yield
    finally:
        network.silent = False


async def test_idm_07_a_network_that_does_not_answer_does_not_spoil_the_key(api_node: ApiNode) -> None:
    alice, key = await api_node.person(BTC="1"), fresh()
    content: dict[str, Any] = {**withdrawal("0.1"), "network": "bitcoin", "asset": "BTC"}
    with silent_bitcoin(api_node):
        failed = await sent(alice, content, key, "/v1/withdrawals")
    assert (failed.status, failed.code, failed.headers["Retry-After"]) == (503, "network_unavailable", "1")
    done = await sent(alice, content, key, "/v1/withdrawals")
    assert (done.status, "Idempotent-Replayed" in done.headers) == (201, False)
    assert (await sent(alice, content, key, "/v1/withdrawals")).raw == done.raw
    assert len((await alice.client.get("/v1/withdrawals")).body["items"]) == 1


async def test_idm_07_a_network_that_falls_silent_later_does_not_take_back_an_earlier_yes(api_node: ApiNode) -> None:
    alice, key = await api_node.person(BTC="1"), fresh()
    content: dict[str, Any] = {**withdrawal("0.1"), "network": "bitcoin", "asset": "BTC"}
    done = await sent(alice, content, key, "/v1/withdrawals")
    with silent_bitcoin(api_node):
        again = await sent(alice, content, key, "/v1/withdrawals")
    assert (again.status, again.raw) == (201, done.raw)
