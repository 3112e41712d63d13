"""Tokens that are listed and do not do as the standard says: what arrived is what the balance bears out, or it is doubted."""

from typing import Any

import pytest

from chains.evm.proof import DOUBT_BALANCE, DOUBT_DECIMALS
from node.devnet.anvil import Anvil
from tests.contracts import hostile
from tests.integration.chains.evm.chain import Meet, Ours, calldata, deploy, listed, mint, receipt_of, send
from wallet.money import UNITS_MAX

TRANSFER = "transfer(address,uint256)"
DOLLAR = 10**6


async def keep(chain: Anvil, meet: Meet, name: str) -> tuple[Ours, str]:
    """The adapter with this animal listed; the outside account has a thousand of it."""
    contract = await deploy(chain, hostile(name))
    await mint(chain, contract, (await chain.accounts())[0], 1_000 * DOLLAR)
    return meet(listed(contract)), contract


async def told(us: Ours, receipt: dict[str, Any]) -> list[tuple[int, str | None]]:
    height = int(receipt["blockNumber"], 16)
    (block,) = await us.blocks(height, height)
    return [(one.amount.units, one.doubt) for one in block.incoming]


async def test_dpe_02_a_token_that_moves_and_answers_false_arrives(chain: Anvil, meet: Meet) -> None:
    """Its answer goes to whoever called it; its balance and its log agree."""
    us, contract = await keep(chain, meet, "DenyingToken")
    receipt = await send(chain, contract, data=calldata(TRANSFER, us.address(), 5 * DOLLAR))
    assert await told(us, receipt) == [(5 * DOLLAR, None)]


async def test_dpe_11_a_token_that_gives_more_than_it_says_arrives_as_it_says(chain: Anvil, meet: Meet) -> None:
    us, contract = await keep(chain, meet, "GenerousToken")
    receipt = await send(chain, contract, data=calldata(TRANSFER, us.address(), 5 * DOLLAR))
    assert await told(us, receipt) == [(5 * DOLLAR, None)]


async def test_dpe_11_a_token_that_is_stopped_or_forbids_an_address_brings_nothing(chain: Anvil, meet: Meet) -> None:
    us, contract = await keep(chain, meet, "GuardedToken")
    address = us.address()
    pay: dict[str, Any] = {"data": calldata(TRANSFER, address, 5 * DOLLAR), "gas": hex(200_000)}
    for forbid, allow in (("pause(bool)", ()), ("forbid(address,bool)", (address,))):
        await send(chain, contract, data=calldata(forbid, *allow, True))
        receipt = await send(chain, contract, **pay)
        assert receipt["status"] == "0x0"
        assert await told(us, receipt) == []
        await send(chain, contract, data=calldata(forbid, *allow, False))
    assert await told(us, await send(chain, contract, **pay)) == [(5 * DOLLAR, None)]


async def test_dpe_11_what_is_paid_and_seized_in_one_block_is_doubted(chain: Anvil, meet: Meet) -> None:
    """The log of its going is no tx of the address itself, so it balances nothing."""
    us, contract = await keep(chain, meet, "GuardedToken")
    address, sender = us.address(), (await chain.accounts())[0]
    await chain.rpc("evm_setAutomine", False)
    try:
        calls = [
            calldata(TRANSFER, address, 5 * DOLLAR),
            calldata("seize(address,address,uint256)", address, sender, 5 * DOLLAR),
        ]
        tx = {"from": sender, "to": contract, "gas": hex(200_000)}
        sent = [await chain.rpc("eth_sendTransaction", {**tx, "data": data}) for data in calls]
        await chain.mine()
    finally:
        await chain.rpc("evm_setAutomine", True)
    receipts = [await receipt_of(chain, one) for one in sent]
    assert receipts[0]["blockNumber"] == receipts[1]["blockNumber"]
    assert await told(us, receipts[0]) == [(5 * DOLLAR, DOUBT_BALANCE)]


async def test_dpe_11_a_rebasing_token_arrives_as_its_balance_grew(chain: Anvil, meet: Meet) -> None:
    """After a rebase its logs speak of shares: of what they claim, what is there arrives, and the rest is doubted."""
    us, contract = await keep(chain, meet, "RebasingToken")
    address = us.address()
    assert await told(us, await mint(chain, contract, address, DOLLAR)) == [(DOLLAR, None)]
    await send(chain, contract, data=calldata("rebase(uint256,uint256)", 2, 1))
    assert await told(us, await mint(chain, contract, address, DOLLAR)) == [(DOLLAR, None)]
    await send(chain, contract, data=calldata("rebase(uint256,uint256)", 1, 4))
    assert await told(us, await mint(chain, contract, address, DOLLAR)) == [(DOLLAR // 2, "less_arrived")]


@pytest.mark.parametrize("name", ["QuietToken", "OldToken"])
async def test_dpe_11_a_move_without_the_standards_log_is_no_arrival(chain: Anvil, meet: Meet, name: str) -> None:
    """Growth finds it (tests/scenario/test_growth.py)."""
    us, contract = await keep(chain, meet, name)
    receipt = await send(chain, contract, data=calldata(TRANSFER, us.address(), 5 * DOLLAR))
    assert receipt["status"] == "0x1"
    assert await told(us, receipt) == []


async def test_dpe_11_another_implementation_in_other_decimals_is_doubted(chain: Anvil, meet: Meet) -> None:
    contract = await deploy(chain, hostile("UpgradableToken"))
    us, address = meet(listed(contract)), ""
    for name, doubt in (("SixDecimals", None), ("EighteenDecimals", DOUBT_DECIMALS)):
        code = await deploy(chain, hostile(name))
        await send(chain, contract, data=calldata("upgradeTo(address)", code))
        address = address or us.address()
        assert await told(us, await mint(chain, contract, address, DOLLAR)) == [(DOLLAR, doubt)]


async def test_dpe_11_the_whole_supply_arrives_and_more_than_all_is_doubted(chain: Anvil, meet: Meet) -> None:
    us, contract = await keep(chain, meet, "QuietToken")
    address = us.address()
    assert await told(us, await mint(chain, contract, address, UNITS_MAX)) == [(UNITS_MAX, None)]
    assert await told(us, await mint(chain, contract, address, 1)) == [(1, DOUBT_BALANCE)]  # round to nothing


async def test_dpe_14_a_hook_that_sends_a_part_back_leaves_what_it_leaves(chain: Anvil, meet: Meet) -> None:
    """As ERC-777: our address has code, is called while it is paid, and pays back what it can."""
    us, contract = await keep(chain, meet, "CallingToken")
    address = us.address()
    holder = await deploy(chain, hostile("ReenteringHolder"))
    await chain.rpc("anvil_setCode", address, await chain.rpc("eth_getCode", holder, "latest"))
    receipt = await send(chain, contract, data=calldata(TRANSFER, address, 8 * DOLLAR))
    assert len(receipt["logs"]) == 2
    assert await told(us, receipt) == [(4 * DOLLAR, "less_arrived")]


async def test_dpe_10_hundreds_of_logs_in_one_tx_arrive_each_once_and_those_of_nothing_not(
    chain: Anvil, meet: Meet
) -> None:
    us, contract = await keep(chain, meet, "CrowdToken")
    addresses = [us.address() for _ in range(50)]
    data = calldata("payCrowd(address[],uint256)", addresses, 4)
    receipt = await send(chain, contract, data=data, gas=hex(20_000_000))
    assert len(receipt["logs"]) == 200
    height = int(receipt["blockNumber"], 16)
    (block,) = await us.blocks(height, height)
    expected = [(number, number + 1) for number in range(200) if number % 3 != 2]
    ordinals = [(int(one.identity.rpartition(":")[2]), one.amount.units) for one in block.incoming]
    assert ordinals == expected
    assert [one.address for one in block.incoming] == [addresses[number % 50] for number, _ in expected]
    assert {one.doubt for one in block.incoming} == {None}
    assert len({one.identity for one in block.incoming}) == len(expected)
