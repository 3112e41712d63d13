"""What arrives on a chain that takes blocks back, and what only pretends to arrive."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from chains.evm.proof import DOUBT_BALANCE, DOUBT_UNREADABLE
from node.database import Dsns
from node.devnet.anvil import CHAIN_ID, Anvil
from node.devnet.contracts import Artefact
from node.devnet.networks import Devnet
from tests.contracts import hostile
from tests.integration.chains.evm.chain import calldata, deploy, send
from tests.scenario.house import ETHEREUM, House, open_house
from wallet.deposits.confirm import confirm_deposits
from wallet.growth.covered import DOUBT_COVERED
from wallet.growth.identity import DOUBT as DOUBT_GREW
from wallet.ids import CustomerId
from wallet.ports import UNPROVEN_DOUBTS, Destination

ETHER = 10**18


def test_the_chains_doubts_about_balances_are_those_that_reconciling_knows() -> None:
    assert {DOUBT_BALANCE, DOUBT_UNREADABLE, DOUBT_GREW, DOUBT_COVERED} == UNPROVEN_DOUBTS


async def signed_payment(anvil: Anvil, address: str, wei: int) -> tuple[str, str]:
    """A new wallet's only tx, signed: the raw bytes can be sent again after a reorg. Returns (raw, hash)."""
    wallet = Account.create()
    await anvil.rpc("anvil_setBalance", wallet.address, hex(100 * ETHER))
    fields = {"nonce": 0, "gas": 21_000, "gasPrice": 10**11, "to": address, "value": wei, "chainId": CHAIN_ID}
    signed = wallet.sign_transaction(fields)
    return "0x" + signed.raw_transaction.hex().removeprefix("0x"), "0x" + signed.hash.hex().removeprefix("0x")


async def send_raw(anvil: Anvil, raw: str) -> None:
    await anvil.receipt(await anvil.rpc("eth_sendRawTransaction", raw))


async def customer_with_address(house: House) -> tuple[CustomerId, str]:
    customer = await house.customer("alice")
    return customer, await house.address(customer, ETHEREUM)


async def the_deposit(house: House) -> dict[str, Any]:
    (found,) = await house.deposits()
    return found


async def test_dpe_01_a_failed_tx_with_value_is_no_deposit(house: House) -> None:
    """The deposit address has gained code that refuses; the tx is in a block, with its value, and failed."""
    alice, address = await customer_with_address(house)
    anvil = house.devnet.anvil
    trap = await anvil.rpc("eth_getCode", await deploy(anvil, hostile("EtherTrap")), "latest")
    await anvil.rpc("anvil_setCode", address, trap)
    receipt = await send(anvil, address, wei=ETHER, gas=hex(100_000))
    assert receipt["status"] == "0x0"
    for _ in range(4):
        await house.turn()
    assert await house.deposits() == []
    assert await house.available(alice, "ETH") == "0.000000000000000000"
    await house.prove()


async def with_token(devnet: Devnet, dsns: Dsns, folder: Path, artefact: Artefact) -> Any:
    return open_house(replace(devnet, dev_dollar=await deploy(devnet.anvil, artefact)), dsns, folder)


@pytest.mark.parametrize(
    "call", ["boast(address,uint256)", pytest.param("boastThrough(address,uint256)", marks=pytest.mark.whole)]
)
async def test_dpe_03_a_log_without_money_is_quarantined_and_never_credited(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, call: str
) -> None:
    """The contract is listed, and its log is a lie: nothing moved."""
    async with await with_token(devnet, dsns, tmp_path / "node", hostile("BoastingToken")) as house:
        alice, address = await customer_with_address(house)
        receipt = await send(devnet.anvil, house.devnet.dev_dollar, data=calldata(call, address, 10**24))
        assert receipt["logs"]
        for _ in range(4):
            await house.turn()
        deposit = await the_deposit(house)
        assert (deposit["state"], deposit["units"]) == ("quarantined", 10**24)
        assert deposit["reason"] == "balance_disagrees"
        assert await house.available(alice, "DUSD") == "0.000000"
        await house.prove()


async def test_dpe_03_a_contract_that_is_not_listed_is_not_heard_whatever_it_calls_itself(house: House) -> None:
    alice, address = await customer_with_address(house)
    contract = await deploy(house.devnet.anvil, hostile("BoastingToken"))
    await send(house.devnet.anvil, contract, data=calldata("mint(address,uint256)", address, 10**24))
    for _ in range(4):
        await house.turn()
    assert await house.deposits() == []
    assert await house.available(alice, "DUSD") == "0.000000"
    await house.prove()


async def test_dpe_11_a_token_that_keeps_a_toll_is_quarantined_with_what_really_arrived(
    devnet: Devnet, dsns: Dsns, tmp_path: Path
) -> None:
    async with await with_token(devnet, dsns, tmp_path / "node", hostile("TollToken")) as house:
        alice, address = await customer_with_address(house)
        payer = (await devnet.anvil.accounts())[0]
        token = house.devnet.dev_dollar
        await send(devnet.anvil, token, data=calldata("mint(address,uint256)", payer, 1_000_000))
        await send(devnet.anvil, token, data=calldata("transfer(address,uint256)", address, 1_000_000))
        for _ in range(4):
            await house.turn()
        deposit = await the_deposit(house)
        assert (deposit["state"], deposit["reason"], deposit["units"]) == ("quarantined", "less_arrived", 990_000)
        assert await house.available(alice, "DUSD") == "0.000000"
        await house.prove()


async def test_dpe_05_ether_that_a_contract_pays_is_seen_in_its_block_credited_and_swept(house: House) -> None:
    """Beside a payment that was undone inside the same tx (DPE-04)."""
    alice, address = await customer_with_address(house)
    anvil = house.devnet.anvil
    payer = await deploy(anvil, hostile("Payer"))
    await send(anvil, payer, wei=9 * ETHER)
    data = calldata("payUndone(address,uint256,uint256)", address, 5 * ETHER, 2 * ETHER)
    receipt = await send(anvil, payer, data=data)
    await house.step(ETHEREUM)
    deposit = await the_deposit(house)
    assert (deposit["units"], deposit["tx"]) == (2 * ETHER, receipt["transactionHash"])
    await house.settled()
    assert (await the_deposit(house))["swept_by"]
    assert await house.available(alice, "ETH") == "2.000000000000000000"
    await house.prove()


async def test_dpe_05_what_a_contract_that_we_paid_passes_on_is_a_deposit_seen_in_its_block(house: House) -> None:
    """A customer's withdrawal to it. Only what a tx of ours brings to where it was built to is no deposit."""
    alice, address = await customer_with_address(house)
    bob, anvil = await house.customer("bob"), house.devnet.anvil
    await send(anvil, address, wei=2 * ETHER)
    await house.settled()
    passing, there = Account.create().address, await house.address(bob, ETHEREUM)
    await anvil.rpc(
        "anvil_setCode", passing, f"0x60006000600060003473{there[2:].lower()}5af100"
    )  # call it, value and all
    await anvil.rpc(
        "anvil_setNonce", there, "0x1"
    )  # or the first ether at a new account would cost more than is paid for
    await house.withdraw(alice, ETHEREUM, "ETH", "1", Destination(passing))
    await house.settled()
    (sent,) = [row for row in await house.submissions() if row["purpose"] == "withdrawal"]
    (deposit,) = [row for row in await house.deposits() if row["owner"] == bob]
    assert (deposit["units"], deposit["tx"], deposit["state"]) == (ETHER, sent["tx"], "credited")
    assert await house.available(bob, "ETH") == "1.000000000000000000"
    await house.prove()


@pytest.mark.parametrize("blocks_after", [1, pytest.param(0, marks=pytest.mark.whole)])
async def test_dpe_06_a_deposit_whose_block_is_taken_back_before_it_is_final_is_orphaned(
    house: House, blocks_after: int
) -> None:
    alice, address = await customer_with_address(house)
    raw, _ = await signed_payment(house.devnet.anvil, address, ETHER)
    await send_raw(house.devnet.anvil, raw)
    await house.devnet.anvil.mine(blocks_after)
    await house.step(ETHEREUM)
    before = await the_deposit(house)
    assert before["state"] == ("confirming" if blocks_after else "detected")
    await house.devnet.anvil.rpc("anvil_reorg", 1 + blocks_after, [])
    await house.devnet.anvil.mine()
    await house.step(ETHEREUM)
    deposit = await the_deposit(house)
    assert (deposit["state"], deposit["block"], deposit["height"]) == ("orphaned", None, None)
    for _ in range(4):
        await house.turn()
    assert (await the_deposit(house))["state"] == "orphaned"
    assert await house.available(alice, "ETH") == "0.000000000000000000"
    await house.prove()


async def test_dpe_06_a_deposit_included_again_in_another_block_is_the_same_deposit_and_credited_once(
    house: House,
) -> None:
    alice, address = await customer_with_address(house)
    anvil = house.devnet.anvil
    raw, tx = await signed_payment(anvil, address, ETHER)
    await send_raw(anvil, raw)
    await house.step(ETHEREUM)
    first = await the_deposit(house)
    await anvil.rpc("anvil_reorg", 1, [])
    await house.step(ETHEREUM)
    assert (await the_deposit(house))["state"] == "orphaned"
    await anvil.mine(2)
    await send_raw(anvil, raw)
    await house.step(ETHEREUM)
    again = await the_deposit(house)
    assert (again["id"], again["identity"], again["tx"]) == (first["id"], first["identity"], tx)
    assert again["state"] == "detected"
    assert again["block"] != first["block"]
    for _ in range(5):
        await house.turn()
    assert (await the_deposit(house))["state"] == "credited"
    assert await house.available(alice, "ETH") == "1.000000000000000000"
    await house.prove()


async def test_dpe_06_a_deposit_that_moves_to_another_block_between_two_looks_is_credited_once(house: House) -> None:
    """The node never sees the chain without it."""
    alice, address = await customer_with_address(house)
    anvil = house.devnet.anvil
    raw, _ = await signed_payment(anvil, address, ETHER)
    await send_raw(anvil, raw)
    await house.step(ETHEREUM)
    first = await the_deposit(house)
    await anvil.rpc("anvil_reorg", 1, [])
    await send_raw(anvil, raw)
    await house.step(ETHEREUM)
    again = await the_deposit(house)
    assert again["id"] == first["id"]
    assert again["block"] != first["block"]
    for _ in range(5):
        await house.turn()
    assert await house.available(alice, "ETH") == "1.000000000000000000"
    await house.prove()


async def test_dpe_06_a_reorg_between_the_scan_and_the_credit_credits_nothing(house: House) -> None:
    """The block at that height is final by now, and it is another block."""
    alice, address = await customer_with_address(house)
    anvil, network = house.devnet.anvil, house.context.networks[ETHEREUM]
    raw, _ = await signed_payment(anvil, address, ETHER)
    await send_raw(anvil, raw)
    await house.step(ETHEREUM)
    await anvil.rpc("anvil_reorg", 1, [])
    await anvil.mine(4)
    tip, final = await network.tip(), await network.final()
    assert final is not None
    assert final.height > (await the_deposit(house))["height"]
    await confirm_deposits(house.context, network, tip, final)
    assert (await the_deposit(house))["state"] == "detected"
    await house.step(ETHEREUM)
    assert (await the_deposit(house))["state"] == "orphaned"
    assert await house.available(alice, "ETH") == "0.000000000000000000"
