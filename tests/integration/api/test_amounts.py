"""LED-08: on every surface where money is written down, only whole ASCII strings of the grammar are amounts."""

import json
from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.integration.api.client import Client, Reply, balance
from tests.integration.api.conftest import ApiNode, Person

NOT_AMOUNTS: list[object] = [
    "-1",
    "-0",
    "+1",
    "1e3",
    "1E309",
    "NaN",
    "sNaN",
    "Infinity",
    "0x10",
    "1_000",
    " 1 ",
    "1 ",
    "1\n",
    "١٢٣",
    "１２",
    "1\u200b",
    "1,00",
    ".5",
    "5.",
    "1.0000000000000000001",
    "1.001",
    "9" * 5_000,
    "9" * 79,
    "",
    "0",
    "0.00",
    "00",
    "01",
    "1.2.3",
    "1\x00",
    True,
    None,
    [],
    {},
    ["1"],
    1,
    0.1,
]
NOT_JSON_NUMBERS = (b"NaN", b"1e309", b"0x10", b"01", b"+1", b"1.", b".5")

Body = Callable[[Person, object], tuple[str, dict[str, object]]]


def payment(to: Person, amount: object) -> tuple[str, dict[str, object]]:
    return "/v1/payments", {"to": f"@{to.handle}", "asset": "EUR", "amount": amount}


def withdrawal(_to: Person, amount: object) -> tuple[str, dict[str, object]]:
    destination = {"address": "outside-1", "name": "Bob"}
    return "/v1/withdrawals", {"network": "sepa", "asset": "EUR", "amount": amount, "destination": destination}


@pytest.mark.parametrize("surface", [payment, withdrawal])
async def test_led_08_what_is_no_amount_is_refused_with_400_and_changes_nothing(
    api_node: ApiNode, surface: Body
) -> None:
    alice, bob = await api_node.person(EUR="100.00"), await api_node.person()
    for number, amount in enumerate(NOT_AMOUNTS):
        path, content = surface(bob, amount)
        reply = await alice.client.post(path, content, key=f"{path}-{number}")
        assert reply.status == 400, (amount, reply.raw)
        assert reply.body["field"] == "amount", amount
    await untouched(alice, bob)


@pytest.mark.parametrize("surface", [payment, withdrawal])
async def test_led_08_numbers_that_are_no_json_are_refused_too(api_node: ApiNode, surface: Body) -> None:
    alice, bob = await api_node.person(EUR="100.00"), await api_node.person()
    path, content = surface(bob, "HERE")
    for number in NOT_JSON_NUMBERS:
        raw = json.dumps(content).encode().replace(b'"HERE"', number)
        reply = await alice.client.send("POST", path, raw=raw, key=f"raw-{number!r}")
        assert reply.code == "invalid_request", number
    await untouched(alice, bob)


async def test_led_08_a_quote_reads_amounts_the_same_way(api_node: ApiNode) -> None:
    alice = await api_node.person()
    texts = [amount for amount in NOT_AMOUNTS if isinstance(amount, str) and amount.strip("0.") and len(amount) < 999]
    for amount in texts:
        assert (await quoted(alice.client, quote(amount))).status == 400, amount
    assert (await quoted(alice.client, "1.00")).body["total"] == "1.00"


async def test_led_08_amounts_of_the_grammar_are_accepted_to_the_last_decimal(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(ETH="2"), await api_node.person()
    for number, amount in enumerate(("1", "0.000000000000000001", "0.5", "0.10")):
        content = {"to": f"@{bob.handle}", "asset": "ETH", "amount": amount}
        assert (await alice.client.post("/v1/payments", content, key=f"fine-{number}")).status == 201
    assert (await balance(bob.client, "ETH"))["posted"] == "1.600000000000000001"


async def quoted(client: Client, amount: str) -> Reply:
    return await client.get(f"/v1/withdrawals/quote?network=sepa&asset=EUR&amount={amount}")


async def untouched(alice: Person, bob: Person) -> None:
    assert await balance(alice.client, "EUR") == {"posted": "100.00", "held": "0.00", "available": "100.00"}
    assert (await balance(bob.client, "EUR"))["posted"] == "0.00"
    assert (await alice.client.get("/v1/payments")).body["items"] == []
    assert (await alice.client.get("/v1/withdrawals")).body["items"] == []
