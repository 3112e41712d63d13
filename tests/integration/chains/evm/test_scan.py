from dataclasses import replace
from itertools import pairwise

import pytest

from chains.evm.proof import DOUBT_BALANCE, DOUBT_LESS, DOUBT_UNREADABLE
from node.devnet.anvil import CHAIN_ID, Anvil
from tests.contracts import hostile
from tests.integration.chains.evm.chain import (
    DUSD,
    ETH,
    Meet,
    Ours,
    calldata,
    deploy,
    listed,
    mint,
    receipt_of,
    send,
)
from wallet.money import Amount, Asset
from wallet.ports import BlockVanished, Branch

ALICE_OUTSIDE = "0x00000000000000000000000000000000000A11CE"


async def height(us: Ours) -> int:
    return (await us.network.tip()).height


async def test_ether_sent_to_an_address_of_ours_arrives_once(chain: Anvil, us: Ours) -> None:
    address = us.address()
    receipt = await receipt_of(chain, await chain.pay(address, 2 * 10**18))
    (arrival,) = await us.arrivals()
    assert arrival.identity == f"{CHAIN_ID}:{receipt['transactionHash']}:value"
    assert arrival.tx == receipt["transactionHash"]
    assert (arrival.address, arrival.amount, arrival.doubt) == (address, Amount(2 * 10**18, ETH), None)


async def test_tokens_sent_to_an_address_of_ours_arrive_once(chain: Anvil, us: Ours, dollar: str) -> None:
    address, sender = us.address(), (await chain.accounts())[0]
    await mint(chain, dollar, sender, 10**9)
    receipt = await send(chain, dollar, data=calldata("transfer(address,uint256)", address, 10**9))
    (arrival,) = await us.arrivals()
    assert arrival.identity == f"{CHAIN_ID}:{receipt['transactionHash']}:log:0"
    assert (arrival.address, arrival.amount, arrival.doubt) == (address, Amount(10**9, DUSD), None)


async def test_blocks_come_in_order_each_the_child_of_the_one_before(chain: Anvil, us: Ours) -> None:
    start = await height(us)
    await chain.mine(11)
    blocks = await us.blocks(start)
    assert [block.height for block in blocks] == list(range(start, start + 12))
    assert [block.parent for block in blocks[1:]] == [block.id for block in blocks[:-1]]
    assert all(earlier.at <= later.at for earlier, later in pairwise(blocks))
    assert blocks[-1].ref == await us.network.tip() == await us.network.block_ref(start + 11)


async def test_what_goes_elsewhere_is_not_ours(chain: Anvil, us: Ours, dollar: str) -> None:
    us.address()
    start = await height(us) + 1
    await send(chain, ALICE_OUTSIDE, wei=5)
    await mint(chain, dollar, ALICE_OUTSIDE, 5)
    assert await us.arrivals(start) == []


async def test_an_address_handed_out_between_two_scans_is_seen_by_the_second(chain: Anvil, us: Ours) -> None:
    later = us.network.derive(Branch.DEPOSIT, 999).address
    start = await height(us) + 1
    await send(chain, later, wei=5)
    assert await us.arrivals(start) == []
    us.book.addresses.add(later)
    assert [arrival.address for arrival in await us.arrivals(start)] == [later]


async def test_dpe_01_a_failed_tx_with_value_is_no_arrival(chain: Anvil, us: Ours) -> None:
    trap = await deploy(chain, hostile("EtherTrap"))
    us.book.addresses.add(trap)
    receipt = await send(chain, trap, wei=10**18, gas=hex(100_000))
    assert receipt["status"] == "0x0"
    (block,) = await us.blocks(int(receipt["blockNumber"], 16))
    assert block.incoming == ()


async def test_a_payment_of_nothing_is_no_arrival(chain: Anvil, us: Ours, dollar: str) -> None:
    address = us.address()
    await send(chain, address, wei=0)
    await send(chain, dollar, data=calldata("transfer(address,uint256)", address, 0))
    assert await us.arrivals() == []


@pytest.mark.parametrize("call", ["boast(address,uint256)", "boastThrough(address,uint256)"])
async def test_dpe_03_a_log_without_money_is_doubted(chain: Anvil, meet: Meet, call: str) -> None:
    contract = await deploy(chain, hostile("BoastingToken"))
    us = meet(listed(contract))
    await send(chain, contract, data=calldata(call, us.address(), 10**24))
    (arrival,) = await us.arrivals()
    assert (arrival.amount.units, arrival.doubt) == (10**24, DOUBT_BALANCE)


async def test_dpe_03_an_unlisted_contract_is_not_heard(chain: Anvil, us: Ours) -> None:
    contract = await deploy(chain, hostile("BoastingToken"))
    receipt = await send(chain, contract, data=calldata("boast(address,uint256)", us.address(), 10**24))
    assert len(receipt["logs"]) == 1
    assert await us.arrivals() == []


async def test_a_transfer_from_an_address_to_itself_is_no_arrival(chain: Anvil, meet: Meet) -> None:
    contract = await deploy(chain, hostile("BoastingToken"))
    us = meet(listed(contract))
    await send(chain, contract, data=calldata("boastToSelf(address,uint256)", us.address(), 10**6))
    assert await us.arrivals() == []


async def test_dpe_02_a_transfer_that_answers_false_is_no_arrival(chain: Anvil, meet: Meet) -> None:
    contract = await deploy(chain, hostile("RefusingToken"))
    us = meet(listed(contract))
    receipt = await send(chain, contract, data=calldata("transfer(address,uint256)", us.address(), 10**6))
    assert receipt["status"] == "0x1"
    assert await us.arrivals() == []


async def test_a_token_of_usdt_kind_arrives(chain: Anvil, meet: Meet) -> None:
    contract = await deploy(chain, hostile("SilentToken"))
    us = meet(listed(contract))
    await mint(chain, contract, (await chain.accounts())[0], 10**6)
    await send(chain, contract, data=calldata("transfer(address,uint256)", us.address(), 10**6))
    (arrival,) = await us.arrivals()
    assert (arrival.amount.units, arrival.doubt) == (10**6, None)


async def test_dpe_11_of_a_token_that_keeps_a_toll_what_arrived_is_told_and_doubted(chain: Anvil, meet: Meet) -> None:
    contract = await deploy(chain, hostile("TollToken"))
    us = meet(listed(contract))
    await mint(chain, contract, (await chain.accounts())[0], 10**6)
    await send(chain, contract, data=calldata("transfer(address,uint256)", us.address(), 10**6))
    assert [(one.amount.units, one.doubt) for one in await us.arrivals()] == [(990_000, DOUBT_LESS)]


async def test_a_token_whose_balances_cannot_be_read_is_doubted_and_stops_nobody(chain: Anvil, meet: Meet) -> None:
    contract = await deploy(chain, hostile("MuteToken"))
    us = meet(listed(contract))
    address = us.address()
    await mint(chain, contract, (await chain.accounts())[0], 10**6)
    await send(chain, contract, data=calldata("payAndMute(address,uint256)", address, 10**6))
    await send(chain, address, wei=7)
    assert [arrival.doubt for arrival in await us.arrivals()] == [DOUBT_UNREADABLE, None]


async def test_dpe_10_many_payments_in_one_tx_arrive_each_once(chain: Anvil, meet: Meet) -> None:
    contract = await deploy(chain, hostile("ManyPayments"))
    us = meet(listed(contract))
    first, second = us.address(), us.address()
    targets = [first, second, ALICE_OUTSIDE, first]
    receipt = await send(chain, contract, data=calldata("payMany(address[])", targets))
    arrivals = await us.arrivals()
    stem = f"{CHAIN_ID}:{receipt['transactionHash']}:log:"
    assert [arrival.identity for arrival in arrivals] == [stem + "0", stem + "1", stem + "3"]
    assert [(arrival.address, arrival.amount.units) for arrival in arrivals] == [(first, 1), (second, 2), (first, 4)]
    assert {arrival.doubt for arrival in arrivals} == {None}


async def test_decimals_belong_to_the_contract(chain: Anvil, meet: Meet, dollar: str) -> None:
    cents = Asset("CENT", 2)
    us = meet(listed(dollar, cents))
    address = us.address()
    await mint(chain, dollar, address, 1_230_000)
    await mint(chain, dollar, address, 1_234_567)
    exact, inexact = await us.arrivals()
    assert (exact.amount, exact.doubt) == (Amount(123, cents), None)
    assert (inexact.amount, inexact.doubt) == (Amount(123, cents), "inexact")


async def test_a_deposit_in_the_block_of_its_own_sweep_arrives(chain: Anvil, us: Ours, dollar: str) -> None:
    """In and out in one block: the balance shrinks, and yet the deposit is real."""
    address = us.address()
    await mint(chain, dollar, address, 500)
    await chain.rpc("anvil_setBalance", address, hex(10**18))
    await chain.rpc("anvil_impersonateAccount", address)
    await chain.rpc("evm_setAutomine", False)
    try:
        sweep = {"to": dollar, "from": address, "data": calldata("transfer(address,uint256)", ALICE_OUTSIDE, 500)}
        swept = await chain.rpc("eth_sendTransaction", {**sweep, "gas": hex(100_000)})
        sender = (await chain.accounts())[0]
        pay = {"to": dollar, "from": sender, "data": calldata("mint(address,uint256)", address, 200)}
        paid = await chain.rpc("eth_sendTransaction", {**pay, "gas": hex(100_000)})
        await chain.mine()
    finally:
        await chain.rpc("evm_setAutomine", True)
    receipts = [await receipt_of(chain, tx) for tx in (swept, paid)]
    assert receipts[0]["blockNumber"] == receipts[1]["blockNumber"]
    (block,) = await us.blocks(int(receipts[1]["blockNumber"], 16))
    (arrival,) = block.incoming
    assert (arrival.amount.units, arrival.doubt) == (200, None)


async def test_dpe_06_a_reorg_shows_as_other_blocks_at_the_same_heights(chain: Anvil, us: Ours) -> None:
    address = us.address()
    await chain.mine(4)
    before_payment = await us.network.tip()
    await send(chain, address, wei=10**18)
    (old,) = await us.blocks(before_payment.height + 1)
    assert len(old.incoming) == 1
    await chain.rpc("anvil_reorg", 1, [])
    await chain.mine()
    new = await us.blocks(before_payment.height + 1)
    assert new[0].parent == old.parent == before_payment.id
    assert new[0].id != old.id
    assert [arrival for block in new for arrival in block.incoming] == []


async def test_a_rolled_back_chain_ends_before_the_block_that_is_asked_for(chain: Anvil, us: Ours) -> None:
    await chain.mine(3)
    tip = await us.network.tip()
    await chain.rpc("anvil_rollback", 2)
    assert await us.network.block_ref(tip.height) is None
    with pytest.raises(BlockVanished):
        await us.blocks(tip.height - 2, tip.height)


async def test_the_same_arrival_in_another_block_has_the_same_identity(chain: Anvil, us: Ours) -> None:
    address = us.address()
    tx = {"from": (await chain.accounts())[3], "to": address, "value": hex(10**18), "gas": hex(21_000)}
    await chain.mine(2)
    start = await height(us) + 1
    await receipt_of(chain, await chain.rpc("eth_sendTransaction", tx))
    raw = await chain.rpc("eth_getRawTransactionByBlockNumberAndIndex", hex(start), "0x0")
    (first,) = await us.blocks(start)
    await chain.rpc("anvil_reorg", 2, [[raw, 0]])
    (second,) = [block for block in await us.blocks(start - 1) if block.incoming]
    assert second.height == first.height - 1
    assert replace(second, height=first.height, id=first.id, parent=first.parent, at=first.at) == first
