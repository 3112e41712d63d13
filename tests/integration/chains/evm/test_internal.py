"""Ether that contracts pay: by a node's traces, and by the balance that has to bear them out."""

from typing import Any

import pytest

from chains.evm.address import parse_address
from chains.evm.proof import DOUBT_BALANCE
from node.devnet.anvil import CHAIN_ID, Anvil
from tests.contracts import hostile
from tests.integration.chains.evm.chain import ETH, Meet, Ours, calldata, deploy, mint, receipt_of, send
from tests.integration.chains.evm.lying import LyingNode, Refusal
from tests.integration.chains.evm.test_scan import ALICE_OUTSIDE
from wallet.money import Amount
from wallet.ports import Block, BlockVanished, NetworkUnreachable

ETHER = 10**18


@pytest.fixture
async def payer(chain: Anvil) -> str:
    contract = await deploy(chain, hostile("Payer"))
    await send(chain, contract, wei=100 * ETHER)
    return contract


async def block_of(us: Ours, receipt: dict[str, Any]) -> Block:
    height = int(receipt["blockNumber"], 16)
    (block,) = await us.blocks(height, height)
    return block


async def run_code_at(chain: Anvil, address: str, name: str) -> None:
    """The address behaves as a contract from here on, as by a delegation (EIP-7702)."""
    await chain.rpc(
        "anvil_setCode", address, await chain.rpc("eth_getCode", await deploy(chain, hostile(name)), "latest")
    )


async def test_dpe_05_what_a_contract_pays_arrives_each_payment_once(chain: Anvil, us: Ours, payer: str) -> None:
    first, second = us.address(), us.address()
    data = calldata("payMany(address[],uint256)", [first, ALICE_OUTSIDE, second, first], ETHER)
    receipt = await send(chain, payer, data=data)
    stem = f"{CHAIN_ID}:{receipt['transactionHash']}:trace:"
    arrivals = (await block_of(us, receipt)).incoming
    assert [(one.identity, one.address, one.amount) for one in arrivals] == [
        (stem + "0", first, Amount(ETHER, ETH)),
        (stem + "2", second, Amount(3 * ETHER, ETH)),
        (stem + "3", first, Amount(4 * ETHER, ETH)),
    ]
    assert {one.doubt for one in arrivals} == {None}


async def test_dpe_05_what_a_contract_leaves_at_its_destruction_arrives(chain: Anvil, us: Ours, payer: str) -> None:
    address = us.address()
    receipt = await send(chain, payer, data=calldata("payByDestruction(address)", address), wei=7)
    (arrival,) = (await block_of(us, receipt)).incoming
    assert (arrival.address, arrival.amount.units, arrival.doubt) == (address, 7, None)


async def test_dpe_05_ether_in_a_contract_that_is_made_at_an_address_of_ours_arrives(
    chain: Anvil, us: Ours, payer: str
) -> None:
    salt = (await us.network.tip()).height.to_bytes(32, "big")
    answer = await chain.rpc("eth_call", {"to": payer, "data": calldata("creationAddress(bytes32)", salt)}, "latest")
    address = parse_address("0x" + answer[26:])
    us.book.addresses.add(address)
    receipt = await send(chain, payer, data=calldata("payByCreation(bytes32)", salt), wei=9)
    (arrival,) = (await block_of(us, receipt)).incoming
    assert (arrival.address, arrival.amount.units, arrival.doubt) == (address, 9, None)


async def test_dpe_05_a_validators_withdrawal_arrives(chain: Anvil, deceived: Ours, lying: LyingNode) -> None:
    """No tx carries it. Here the balance is set in the newest block, as the chain would, and the provider shows why."""
    address = deceived.address()
    await chain.mine()
    tip = await deceived.network.tip()
    await chain.rpc("anvil_setBalance", address, hex(3 * 10**9))
    await chain.mine()
    withdrawal = {"index": "0x2a", "validatorIndex": "0x1", "address": address.lower(), "amount": "0x3"}
    lying.lies["eth_getBlockByNumber"] = lambda _, block: {**block, "withdrawals": [withdrawal]}
    (block,) = await deceived.blocks(tip.height, tip.height)
    assert lying.told["eth_getBlockByNumber"]
    (arrival,) = block.incoming
    assert (arrival.identity, arrival.tx) == (f"{CHAIN_ID}:withdrawal:42", block.id)
    assert (arrival.amount.units, arrival.doubt) == (3 * 10**9, None)


async def test_dpe_04_a_payment_that_was_undone_inside_a_tx_is_no_arrival(chain: Anvil, us: Ours, payer: str) -> None:
    address = us.address()
    for call in ("payUndone(address,uint256,uint256)", "payUndoneDeep(address,uint256)"):
        values = (address, ETHER, 0)[: call.count(",") + 1]
        receipt = await send(chain, payer, data=calldata(call, *values))
        assert receipt["status"] == "0x1"
        assert (await block_of(us, receipt)).incoming == ()


async def test_dpe_04_of_two_payments_in_one_tx_the_one_that_stuck_arrives(chain: Anvil, us: Ours, payer: str) -> None:
    address = us.address()
    data = calldata("payUndone(address,uint256,uint256)", address, 5 * ETHER, ETHER)
    (arrival,) = (await block_of(us, await send(chain, payer, data=data))).incoming
    assert (arrival.amount.units, arrival.doubt) == (ETHER, None)
    assert arrival.identity.endswith(":trace:1")


async def test_dpe_04_a_delegate_call_moves_no_value_of_its_own(chain: Anvil, us: Ours, payer: str) -> None:
    """It shows the value that its caller was called with."""
    address, code = us.address(), await deploy(chain, hostile("Payer"))
    us.book.addresses.add(code)
    data = calldata("payByDelegate(address,address,uint256)", code, address, 3)
    arrivals = (await block_of(us, await send(chain, payer, data=data, wei=11))).incoming
    assert [(one.address, one.amount.units) for one in arrivals] == [(address, 3)]


async def test_a_tx_and_a_contract_that_pay_one_address_in_one_block_both_arrive(
    chain: Anvil, us: Ours, payer: str
) -> None:
    address = us.address()
    await chain.rpc("evm_setAutomine", False)
    try:
        sender = (await chain.accounts())[0]
        data = calldata("payOne(address,uint256)", address, 30)
        inner = await chain.rpc("eth_sendTransaction", {"from": sender, "to": payer, "data": data, "gas": hex(10**5)})
        plain = await chain.pay(address, 12, account=2)
        await chain.mine()
    finally:
        await chain.rpc("evm_setAutomine", True)
    receipts = [await receipt_of(chain, tx) for tx in (inner, plain)]
    assert receipts[0]["blockNumber"] == receipts[1]["blockNumber"]
    arrivals = (await block_of(us, receipts[0])).incoming
    assert {(one.amount.units, one.doubt) for one in arrivals} == {(30, None), (12, None)}


async def test_dpe_06_an_inner_payment_in_another_block_has_the_same_identity(
    chain: Anvil, us: Ours, payer: str
) -> None:
    address = us.address()
    await chain.mine(2)
    receipt = await send(chain, payer, data=calldata("payOne(address,uint256)", address, 30))
    raw = await chain.rpc("eth_getRawTransactionByBlockNumberAndIndex", receipt["blockNumber"], "0x0")
    (first,) = (await block_of(us, receipt)).incoming
    await chain.rpc("anvil_reorg", 2, [[raw, 0]])
    again = await receipt_of(chain, receipt["transactionHash"])
    assert int(again["blockNumber"], 16) == int(receipt["blockNumber"], 16) - 1
    assert (await block_of(us, again)).incoming == (first,)


async def test_without_traces_the_plain_payment_beside_an_inner_one_is_proven(
    chain: Anvil, meet: Meet, payer: str
) -> None:
    """The balance grew by more than is claimed: what is claimed is there."""
    us = meet(traces=False)
    address = us.address()
    data = calldata("payOne(address,uint256)", address, 30)
    receipt = await send(chain, payer, data=data)
    assert (await block_of(us, receipt)).incoming == ()
    (arrival,) = (await block_of(us, await send(chain, address, wei=5))).incoming
    assert (arrival.amount.units, arrival.doubt) == (5, None)


# ── addresses with code ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_dpe_14_an_address_of_ours_with_code_is_paid_by_txs_and_by_contracts(
    chain: Anvil, us: Ours, payer: str
) -> None:
    address = us.address()
    await run_code_at(chain, address, "KeepingWallet")
    plain = await block_of(us, await send(chain, address, wei=5))
    inner = await block_of(us, await send(chain, payer, data=calldata("payOne(address,uint256)", address, 6)))
    arrivals = plain.incoming + inner.incoming
    assert [(one.amount.units, one.doubt) for one in arrivals] == [(5, None), (6, None)]


@pytest.mark.parametrize("traces", [None, False])
async def test_dpe_14_of_what_an_address_passes_on_only_what_stays_arrives(
    chain: Anvil, meet: Meet, traces: bool | None
) -> None:
    us = meet(traces=traces)
    address = us.address()
    await run_code_at(chain, address, "SpendingWallet")
    (arrival,) = (await block_of(us, await send(chain, address, wei=1_000))).incoming
    assert (arrival.amount.units, arrival.doubt) == (500, None)


@pytest.mark.parametrize("traces", [None, False])
async def test_dpe_14_what_an_address_passes_on_whole_is_doubted(chain: Anvil, meet: Meet, traces: bool | None) -> None:
    us = meet(traces=traces)
    address = us.address()
    await run_code_at(chain, address, "PassingWallet")
    (arrival,) = (await block_of(us, await send(chain, address, wei=1_000))).incoming
    assert (arrival.amount.units, arrival.doubt) == (1_000, DOUBT_BALANCE)


async def test_dpe_14_a_wallet_that_calls_back_while_it_is_paid_has_what_it_has(
    chain: Anvil, us: Ours, payer: str
) -> None:
    address = us.address()
    await run_code_at(chain, address, "ReenteringWallet")
    before = int(await chain.rpc("eth_getBalance", address, "latest"), 16)
    receipt = await send(chain, payer, data=calldata("payOne(address,uint256)", address, 1_000))
    grown = int(await chain.rpc("eth_getBalance", address, "latest"), 16) - before
    arrivals = (await block_of(us, receipt)).incoming
    assert 0 < sum(one.amount.units for one in arrivals if one.doubt is None) <= grown


async def test_dpe_14_a_contract_as_sender_pays_as_anybody(chain: Anvil, us: Ours, dollar: str) -> None:
    account = await deploy(chain, hostile("ContractAccount"))
    await send(chain, account, wei=ETHER)
    await mint(chain, dollar, account, 10**6)
    address = us.address()
    ether = calldata("execute(address,uint256,bytes)", address, 40, b"")
    pay = bytes.fromhex(calldata("transfer(address,uint256)", address, 10**6)[2:])
    token = calldata("execute(address,uint256,bytes)", dollar, 0, pay)
    arrivals = [
        one for data in (ether, token) for one in (await block_of(us, await send(chain, account, data=data))).incoming
    ]
    assert [(one.amount.units, one.doubt) for one in arrivals] == [(40, None), (10**6, None)]


# ── what a provider may answer ───────────────────────────────────────────────────────────────────────────────────────


def unsupported(_params: list[Any], _truth: Any) -> Any:
    raise Refusal(-32601, "the method trace_block does not exist/is not available")


def not_sold(_params: list[Any], _truth: Any) -> Any:
    raise Refusal(-32600, "trace_block is not available on the Free tier. Upgrade your plan")


def busy(_params: list[Any], _truth: Any) -> Any:
    raise Refusal(-32000, "execution timeout")


async def test_a_node_that_fails_to_say_whether_it_has_traces_is_asked_again(
    chain: Anvil, deceived: Ours, lying: LyingNode, payer: str
) -> None:
    """What it pays inside would be missed in its block."""
    lying.lies["trace_block"] = busy
    data = calldata("payOne(address,uint256)", deceived.address(), 5)
    receipt = await send(chain, payer, data=data)
    with pytest.raises(NetworkUnreachable):
        await block_of(deceived, receipt)
    lying.lies.clear()
    assert len((await block_of(deceived, receipt)).incoming) == 1


@pytest.mark.parametrize("answer", [unsupported, not_sold])
async def test_a_node_without_traces_is_found_out_once(
    chain: Anvil, deceived: Ours, lying: LyingNode, payer: str, answer: Any
) -> None:
    lying.lies["trace_block"] = answer
    address = deceived.address()
    receipt = await send(chain, payer, data=calldata("payOne(address,uint256)", address, 5))
    assert (await block_of(deceived, receipt)).incoming == ()
    assert (await block_of(deceived, await send(chain, address, wei=6))).incoming[0].amount.units == 6
    assert lying.told["trace_block"] == 1


async def test_a_node_that_had_traces_and_has_none_any_more_is_an_error(
    chain: Anvil, deceived: Ours, lying: LyingNode
) -> None:
    address = deceived.address()
    receipt = await send(chain, address, wei=6)
    assert len((await block_of(deceived, receipt)).incoming) == 1
    lying.lies["trace_block"] = unsupported
    with pytest.raises(NetworkUnreachable):
        await block_of(deceived, receipt)


@pytest.mark.parametrize(
    "alter",
    [
        lambda _, traces: [],
        lambda _, traces: traces[1:],
        lambda _, traces: traces[:-1],
        lambda _, traces: traces + traces,
        lambda _, traces: [{**trace, "transactionHash": "0x" + "11" * 32} for trace in traces],
        lambda _, traces: [{**trace, "action": {**trace["action"], "value": None}} for trace in traces],
        lambda _, traces: [{**trace, "traceAddress": [0, *trace["traceAddress"]]} for trace in traces],
        lambda _, traces: [{**trace, "action": {**trace["action"], "value": "much"}} for trace in traces],
        lambda _, traces: None,
        lambda _, traces: {},
    ],
)
async def test_traces_that_are_not_those_of_the_block_are_no_answer(
    chain: Anvil, deceived: Ours, lying: LyingNode, payer: str, alter: Any
) -> None:
    receipt = await send(chain, payer, data=calldata("payOne(address,uint256)", deceived.address(), 5))
    await deceived.network.identity()
    assert len((await block_of(deceived, receipt)).incoming) == 1
    lying.lies["trace_block"] = alter
    with pytest.raises(NetworkUnreachable):
        await block_of(deceived, receipt)
    assert lying.told["trace_block"]


async def test_traces_of_another_block_are_no_answer(chain: Anvil, deceived: Ours, lying: LyingNode) -> None:
    receipt = await send(chain, deceived.address(), wei=5)
    lying.lies["trace_block"] = lambda _, traces: [{**trace, "blockHash": "0x" + "11" * 32} for trace in traces]
    with pytest.raises(BlockVanished):
        await block_of(deceived, receipt)


async def test_an_invented_inner_payment_is_doubted(chain: Anvil, deceived: Ours, lying: LyingNode) -> None:
    """The node shows a payment that its own balances do not bear out."""
    address = deceived.address()

    def invent(_params: list[Any], traces: list[Any]) -> list[Any]:
        top = {**traces[0], "subtraces": 1}
        inner = {"from": top["action"]["to"], "to": address.lower(), "callType": "call", "value": hex(ETHER)}
        return [top, {**top, "subtraces": 0, "traceAddress": [0], "action": inner}]

    lying.lies["trace_block"] = invent
    (arrival,) = (await block_of(deceived, await send(chain, ALICE_OUTSIDE, wei=5))).incoming
    assert (arrival.amount.units, arrival.doubt) == (ETHER, DOUBT_BALANCE)


async def test_an_invented_value_of_a_tx_is_doubted(chain: Anvil, deceived: Ours, lying: LyingNode) -> None:
    address = deceived.address()
    receipt = await send(chain, address, wei=0)

    def invent(_params: list[Any], block: dict[str, Any]) -> dict[str, Any]:
        return {**block, "transactions": [{**tx, "value": hex(ETHER)} for tx in block["transactions"]]}

    lying.lies["eth_getBlockByNumber"] = invent
    height = int(receipt["blockNumber"], 16)
    (block,) = [block async for block in deceived.network.blocks(height, height)]
    assert [one.doubt for one in block.incoming] == [DOUBT_BALANCE]
