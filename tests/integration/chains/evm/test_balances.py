"""Balances of many addresses, in a few questions or one by one: the same numbers."""

from typing import Any

import pytest

from chains.evm import balances
from chains.quorum.contracts import ContractQuorum
from node.devnet.anvil import Anvil
from tests.contracts import hostile
from tests.integration.chains.evm.chain import Meet, Ours, calldata, deploy, listed, mint, send
from tests.integration.chains.evm.lying import LyingNode, Refusal
from wallet.ports import BlockVanished, NetworkUnreachable
from wallet.ports.providers import NetworkConflict

WITHOUT_OVERRIDES = [
    lambda _params, _truth: "0x",  # runs what is there: nothing
    lambda _params, _truth: (_ for _ in ()).throw(Refusal(-32602, "too many arguments, want at most 2")),
]


async def paid(chain: Anvil, us: Ours, dollar: str) -> dict[str, tuple[int, int]]:
    """Some addresses with ether and tokens, and one with nothing."""
    held = {us.address(): (number, 10**6 * number) for number in range(4)}
    for address, (wei, units) in held.items():
        await send(chain, address, wei=wei)
        await mint(chain, dollar, address, units)
    return held


async def check(us: Ours, held: dict[str, tuple[int, int]]) -> None:
    told = await us.network.balances(list(held), await us.network.tip())
    assert told == {
        "ETH": {address: wei for address, (wei, _) in held.items() if wei},
        "DUSD": {address: units for address, (_, units) in held.items() if units},
    }


async def test_balances_of_many_are_read_together(
    chain: Anvil, deceived: Ours, lying: LyingNode, dollar: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(balances, "OWNERS_PER_CALL", 3)
    held = await paid(chain, deceived, dollar)
    for method in ("eth_call", "eth_getBalance"):
        lying.lies[method] = lambda _params, truth: truth
    await check(deceived, held)
    assert lying.told["eth_call"] == 4  # two parts of two assets
    assert "eth_getBalance" not in lying.told


@pytest.mark.parametrize("lie", WITHOUT_OVERRIDES)
async def test_a_node_that_runs_no_code_of_ours_is_asked_one_by_one(
    chain: Anvil, deceived: Ours, lying: LyingNode, dollar: str, lie: Any
) -> None:
    held = await paid(chain, deceived, dollar)
    lying.lies["eth_call"] = lambda params, truth: lie(params, truth) if len(params) > 2 else truth
    await check(deceived, held)
    assert lying.told["eth_call"] >= 2


async def test_a_contract_that_does_not_tell_spoils_its_own_answer_alone(chain: Anvil, meet: Meet) -> None:
    contract = await deploy(chain, hostile("MuteToken"))
    us = meet(listed(contract))
    address = us.address()
    await send(chain, address, wei=5)
    await mint(chain, contract, address, 10**6)
    told = await us.network.balances([address], await us.network.tip())
    assert told == {"ETH": {address: 5}, "DUSD": {address: 10**6}}
    await mint(chain, contract, (await chain.accounts())[0], 10**6)
    await send(chain, contract, data=calldata("payAndMute(address,uint256)", address, 1))
    told = await us.network.balances([address], await us.network.tip())
    assert told == {"ETH": {address: 5}, "DUSD": {}}


async def test_the_highest_number_is_a_balance_too(chain: Anvil, meet: Meet) -> None:
    contract = await deploy(chain, hostile("QuietToken"))
    us = meet(listed(contract))
    address = us.address()
    await mint(chain, contract, address, 2**256 - 1)
    told = await us.network.balances([address], await us.network.tip())
    assert told["DUSD"] == {address: 2**256 - 1}


@pytest.mark.parametrize("message", ["missing trie node 5f… (path )", "header not found", "state not available"])
async def test_a_state_that_the_node_has_lost_is_no_zero(
    chain: Anvil, deceived: Ours, lying: LyingNode, message: str
) -> None:
    address = deceived.address()
    await send(chain, address, wei=5)

    def lost(_params: Any, _truth: Any) -> Any:
        raise Refusal(-32000, message)

    lying.lies |= {"eth_call": lost, "eth_getBalance": lost}
    with pytest.raises(BlockVanished):
        await deceived.network.balances([address], await deceived.network.tip())


async def test_a_payment_in_a_block_whose_state_is_gone_is_believed_and_a_tokens_waits(
    chain: Anvil, deceived: Ours, lying: LyingNode, dollar: str
) -> None:
    address = deceived.address()
    plain = int((await send(chain, address, wei=5))["blockNumber"], 16)
    token = int((await mint(chain, dollar, address, 5))["blockNumber"], 16)

    def lost(_params: Any, _truth: Any) -> Any:
        raise Refusal(-32000, "missing trie node 5f (path )")

    lying.lies |= {"eth_call": lost, "eth_getBalance": lost}
    (block,) = await deceived.blocks(plain, plain)
    assert [(one.amount.units, one.doubt) for one in block.incoming] == [(5, None)]
    with pytest.raises(NetworkUnreachable, match="no longer keeps the state"):
        await deceived.blocks(token, token)


async def test_two_providers_that_tell_different_balances_stop_the_network(
    chain: Anvil, us: Ours, deceived: Ours, lying: LyingNode
) -> None:
    """Of several the same balances are wanted, or growth would be credited on the word of one."""
    address = us.address()
    await send(chain, address, wei=5)
    quorum = ContractQuorum({"honest": us.network, "other": deceived.network}, 2)
    tip = await us.network.tip()
    assert (await quorum.balances([address], tip))["ETH"] == {address: 5}
    lying.lies["eth_call"] = lambda params, truth: "0x" + "00" * 31 + "07" if len(params) > 2 else truth
    with pytest.raises(NetworkConflict, match="balances of our addresses"):
        await quorum.balances([address], tip)
    assert lying.told["eth_call"]
    with pytest.raises(NetworkConflict):
        await quorum.balances([address], tip)
