"""RPC-06: whatever a provider answers in the place of anything, it ends as one of the closed set of errors, or as the truth."""

import asyncio
import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.devnet.anvil import Anvil
from tests.integration.chains.evm.chain import Ours, ours
from wallet.ports import Block, NetworkError

WORD = "0x" + "11" * 32
HOSTILE: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(
            None,
            True,
            0,
            -1,
            7,
            2**300,
            1.5,
            "",
            "0x",
            "0X1",
            "-0x1",
            "0x-1",
            "1e18",
            "0x" + "f" * 65,
            "0x" + "0" * 500,
        ),
        *("0x1g", "0x 1", "\u0660", "true", WORD, WORD.upper(), WORD[:-1], "0x" + "AB" * 20, [], [None], {}, {"x": 1}),
        *([[]], "x" * 10_000, "\ud800", ["0x1"] * 50),
    ]
)
_RECORDED = ("eth_getBlockByNumber", "eth_getBlockReceipts", "trace_block")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything within an answer, itself first."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield from places(inner, (*path, name))


def altered(value: Any, path: tuple[Any, ...], hostile: Any) -> Any:
    if not path:
        return hostile
    changed = deepcopy(value)
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = hostile
    return changed


class Tape:
    """The answers of a real node, played again to the client below HTTP, with one of them spoiled."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.method = ""
        self.path: tuple[Any, ...] = ()
        self.hostile: Any = None
        self.spoiled = 0

    async def post(self, body: bytes) -> bytes:
        asked = json.loads(body)
        told = [self._one(call) for call in asked] if isinstance(asked, list) else self._one(asked)
        return json.dumps(told).encode()

    def _one(self, call: dict[str, Any]) -> dict[str, Any]:
        truth = self.answers[call["method"]]
        if call["method"] == self.method:
            self.spoiled += 1
            truth = altered(truth, self.path, self.hostile)
        return {"jsonrpc": "2.0", "id": call["id"], "result": truth}


@pytest.fixture(scope="module")
async def recorded(anvil: Anvil) -> tuple[str, dict[str, Any]]:
    """Who is paid, and what anvil says of the block in which that happens."""
    us = ours(anvil.url)
    address = us.address()
    receipt = await anvil.receipt(await anvil.pay(address, 10**18))
    height = receipt["blockNumber"]
    answers = {
        "eth_getBlockByNumber": await anvil.rpc("eth_getBlockByNumber", height, True),
        "eth_getBlockByHash": await anvil.rpc("eth_getBlockByHash", receipt["blockHash"], False),
        "eth_getBlockReceipts": await anvil.rpc("eth_getBlockReceipts", receipt["blockHash"]),
        "trace_block": await anvil.rpc("trace_block", height),
        "eth_getBalance": hex(10**18),
    }
    await us.network.close()
    return address, answers


async def read(us: Ours, tape: Tape) -> list[Block]:
    """The block, with the node's connection replaced by the tape."""
    rpc: Any = us.network._rpc
    rpc._post = tape.post
    height = int(tape.answers["eth_getBlockReceipts"][0]["blockNumber"], 16)
    return [block async for block in us.network.blocks(height, height)]


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(choice=st.data(), hostile=HOSTILE)
def test_rpc_06_no_hostile_answer_ends_but_in_a_named_error_or_the_truth(
    recorded: tuple[str, dict[str, Any]], choice: st.DataObject, hostile: Any
) -> None:
    address, answers = recorded
    tape, us = Tape(answers), ours("http://127.0.0.1:9", traces=True)
    us.book.addresses.add(address)
    tape.method = choice.draw(st.sampled_from(sorted({*_RECORDED, "eth_getBalance"})))
    tape.path = choice.draw(st.sampled_from(list(places(answers[tape.method]))))
    tape.hostile = hostile
    try:
        blocks = asyncio.run(read(us, tape))
    except NetworkError:
        assert tape.spoiled
        return
    assert tape.spoiled or tape.method == "eth_getBalance"  # a payment by a tx needs no look at the balance everywhere
    credible = [one for block in blocks for one in block.incoming if one.doubt is None]
    assert [one.amount.units for one in credible] in ([], [10**18])
    assert all(one.address == address for one in credible)


def test_the_tape_tells_the_truth_where_it_is_not_spoiled(recorded: tuple[str, dict[str, Any]]) -> None:
    address, answers = recorded
    tape, us = Tape(answers), ours("http://127.0.0.1:9", traces=True)
    us.book.addresses.add(address)
    (block,) = asyncio.run(read(us, tape))
    assert [one.amount.units for one in block.incoming] == [10**18]
