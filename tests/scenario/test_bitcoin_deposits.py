"""Bitcoin that arrives in a block which is then taken back, with and without a double spend in its place (k = 3)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from node.clock import SystemClock
from node.devnet.bitcoind import WALLET, Bitcoind
from tests.scenario.house import BITCOIN, House
from wallet import schema
from wallet.deposits.announce import announce_deposits
from wallet.deposits.progress import Progress, progress_of
from wallet.errors import NetworkHalted
from wallet.ids import CustomerId
from wallet.journal.change import Request
from wallet.money import format_units, parse_amount
from wallet.networks.halt import resume_network
from wallet.payments.send import send_payment
from wallet.ports import Destination, Step

NOTHING, HALF = "0.00000000", "0.50000000"


async def customer_with_address(house: House) -> tuple[CustomerId, str]:
    customer = await house.customer("alice")
    return customer, await house.address(customer, BITCOIN)


async def pay_with_old_coins(bitcoind: Bitcoind, address: str) -> str:
    """Not with a coinbase that has just matured: blocks taken back would make it immature, and its spending invalid."""
    young = await bitcoind.rpc("listunspent", 1, 120, wallet=WALLET)
    names = [{"txid": coin["txid"], "vout": coin["vout"]} for coin in young]
    await bitcoind.rpc("lockunspent", False, names, wallet=WALLET)
    try:
        return await bitcoind.pay(address, "0.5")
    finally:
        await bitcoind.rpc("lockunspent", True, wallet=WALLET)


async def paid_and_seen(house: House, confirmations: int) -> tuple[CustomerId, str]:
    """A customer to whose address half a coin came, and the tx; the node has seen it with so many confirmations."""
    alice, address = await customer_with_address(house)
    await house.devnet.bitcoind.mine(20)
    tx = await pay_with_old_coins(house.devnet.bitcoind, address)
    await house.devnet.bitcoind.mine(confirmations)
    await house.step(BITCOIN)
    return alice, tx


async def double_spend(bitcoind: Bitcoind, tx: str, fee_more: int = 0) -> str:
    """The same inputs, to the payer's own new address: a signed tx that was never sent. Once its block is taken back, or for
    so much more fee while it waits."""
    sent = await bitcoind.rpc("getrawtransaction", tx, 2)
    inputs = [{"txid": each["txid"], "vout": each["vout"]} for each in sent["vin"]]
    satoshi = sum(round(each["value"] * 100_000_000) for each in sent["vout"]) - fee_more
    target = await bitcoind.new_address()
    raw = await bitcoind.rpc("createrawtransaction", inputs, {target: f"{satoshi // 10**8}.{satoshi % 10**8:08d}"})
    signed = await bitcoind.rpc("signrawtransactionwithwallet", raw, wallet=WALLET)
    assert signed["complete"]
    return str(signed["hex"])


async def take_back(bitcoind: Bitcoind, blocks: int) -> None:
    """The newest `blocks` are no part of the chain any more; their txs wait in the mempool again."""
    height = int(await bitcoind.rpc("getblockcount"))
    await bitcoind.rpc("invalidateblock", await bitcoind.rpc("getblockhash", height - blocks + 1))
    assert int(await bitcoind.rpc("getblockcount")) == height - blocks


async def mine_instead(bitcoind: Bitcoind, blocks: int, first: list[str]) -> None:
    """Another branch whose first block has exactly these txs, and whose others are empty."""
    for number in range(blocks):
        await bitcoind.rpc("generateblock", await bitcoind.new_address(), first if number == 0 else [])


async def the_deposit(house: House) -> dict[str, Any]:
    (found,) = await house.deposits()
    return found


async def state_and_balance(house: House, owner: CustomerId) -> tuple[str, str]:
    return (await the_deposit(house))["state"], await house.available(owner, "BTC")


@pytest.mark.parametrize("confirmations", [pytest.param(1, marks=pytest.mark.whole), 2])
async def test_dpb_03_a_deposit_that_is_double_spent_before_it_is_deep_enough_is_never_credited(
    house: House, confirmations: int
) -> None:
    alice, tx = await paid_and_seen(house, confirmations)
    bitcoind = house.devnet.bitcoind
    assert await state_and_balance(house, alice) == ("confirming" if confirmations > 1 else "detected", NOTHING)
    await take_back(bitcoind, confirmations)
    rival = await double_spend(bitcoind, tx)
    await mine_instead(bitcoind, confirmations + 1, [rival])
    await house.step()
    assert await state_and_balance(house, alice) == ("orphaned", NOTHING)
    await mine_instead(bitcoind, 5, [])
    await house.step()
    assert await state_and_balance(house, alice) == ("orphaned", NOTHING)
    assert (await the_deposit(house))["tx"] == tx
    await house.prove()


async def test_dpb_03_a_deposit_is_credited_at_its_third_confirmation_and_not_before(house: House) -> None:
    alice, address = await customer_with_address(house)
    await house.devnet.bitcoind.pay(address, "0.5")
    await house.step()
    assert await house.deposits() == []  # the mempool is no block
    for confirmations, state, balance in ((1, "detected", NOTHING), (2, "confirming", NOTHING), (3, "credited", HALF)):
        await house.devnet.bitcoind.mine()
        await house.step()
        assert await state_and_balance(house, alice) == (state, balance), confirmations
    await house.prove()


async def test_a_deposit_that_is_included_again_in_another_block_is_the_same_deposit(house: House) -> None:
    alice, tx = await paid_and_seen(house, 2)
    bitcoind = house.devnet.bitcoind
    first = await the_deposit(house)
    await take_back(bitcoind, 2)
    await mine_instead(bitcoind, 3, [])
    await house.step()
    assert await state_and_balance(house, alice) == ("orphaned", NOTHING)
    await mine_instead(bitcoind, 1, [tx])
    await house.step()
    again = await the_deposit(house)
    assert (again["id"], again["identity"]) == (first["id"], first["identity"])
    assert (again["state"], again["height"]) == ("detected", first["height"] + 3)
    await bitcoind.mine(2)
    await house.step()
    await house.step()
    assert await state_and_balance(house, alice) == ("credited", HALF)
    await house.prove()


@pytest.mark.parametrize("spent", [pytest.param("0", marks=pytest.mark.whole), "0.2"])
async def test_dpe_07_a_double_spend_deeper_than_policy_is_borne_by_its_owner_and_halts_bitcoin_alone(
    house: House, spent: str
) -> None:
    alice, tx = await paid_and_seen(house, 3)
    bitcoind = house.devnet.bitcoind
    assert await state_and_balance(house, alice) == ("credited", HALF)
    gone = parse_amount(spent, house.context.asset("BTC"))
    if gone:
        request = Request(alice, "payment.send", "spent", b"test")
        await send_payment(house.context, "test", alice, await house.customer("bob"), gone, None, request)
    await take_back(bitcoind, 3)
    rival = await double_spend(bitcoind, tx)
    await mine_instead(bitcoind, 4, [rival])
    await house.step()
    assert await state_and_balance(house, alice) == ("charged_back", NOTHING)
    assert {row["id"] for row in await house.rows(schema.networks) if row["halt_reason"]} == {"bitcoin"}
    assert {row["state"] for row in await house.rows(schema.utxos)} == {"gone"}
    rows = await house.context.all(schema.accounts.select().where(schema.accounts.c.owner == alice))
    owed = sum(row["debits_posted"] - row["credits_posted"] for row in rows if row["code"] == "receivable")
    assert owed == gone.units
    with pytest.raises(NetworkHalted):
        await house.withdraw(
            await house.customer("carl"), BITCOIN, "BTC", "0.1", Destination(await bitcoind.new_address())
        )
    await house.prove()


async def test_dpe_07_a_deposit_that_another_branch_includes_again_after_its_credit_is_spendable_again(
    house: House,
) -> None:
    alice, tx = await paid_and_seen(house, 3)
    bitcoind = house.devnet.bitcoind
    await take_back(bitcoind, 3)
    await mine_instead(bitcoind, 4, [])
    await house.step()
    assert await state_and_balance(house, alice) == ("charged_back", NOTHING)
    await mine_instead(bitcoind, 3, [tx])
    await house.step()
    await resume_network(house.context, "test", "bitcoin", "looked")
    await house.step()
    assert await state_and_balance(house, alice) == ("credited", HALF)
    to = await bitcoind.new_address()
    await house.withdraw(alice, BITCOIN, "BTC", "0.1", Destination(to))
    await house.settled(BITCOIN)
    assert (await house.withdrawals())[0]["state"] == "final"
    await house.prove()


@pytest.mark.whole  # `test_reorgs_after_credit` has it without a bitcoind
async def test_dpe_07_a_deposit_that_the_new_branch_has_at_once_stays_credited(house: House) -> None:
    alice, tx = await paid_and_seen(house, 3)
    bitcoind = house.devnet.bitcoind
    first = await the_deposit(house)
    await take_back(bitcoind, 3)
    await mine_instead(bitcoind, 4, [tx])
    await house.step()
    again = await the_deposit(house)
    assert (again["id"], again["state"]) == (first["id"], "credited")
    assert again["block"] != first["block"]
    assert [row["state"] for row in await house.rows(schema.utxos)] == ["free"]
    assert await house.available(alice, "BTC") == HALF
    await house.prove()


class Ahead(SystemClock):
    """The window has passed."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return super().now() + self._by


def with_steps(house: House, *steps: Step) -> None:
    """What a person would write beside the asset in the configuration."""
    network = house.context.networks[BITCOIN]
    (listing,) = network.listings
    network.listings = (replace(listing, steps=steps),)


async def states(house: House) -> list[str]:
    return [row["state"] for row in await house.deposits()]


async def test_dpb_04_a_sum_sent_in_many_small_parts_waits_as_long_as_one_large_payment(house: House) -> None:
    with_steps(house, Step(100_000_000, 4), Step(200_000_000, 6))
    alice, address = await customer_with_address(house)
    bitcoind = house.devnet.bitcoind
    for _ in range(11):
        await bitcoind.pay(address, "0.19")  # together 2.09, and each far below every step
    await bitcoind.mine(5)
    await house.step(BITCOIN)
    await house.step(BITCOIN)
    assert await states(house) == ["confirming"] * 11
    progress = await progress_of(house.context, await house.deposits())
    assert set(progress.values()) == {Progress(5, 6)}
    await bitcoind.mine()
    await house.step(BITCOIN)
    assert await states(house) == ["credited"] * 11
    assert await house.available(alice, "BTC") == "2.09000000"
    await house.prove()


@pytest.mark.whole
async def test_dpb_04_what_came_before_the_window_does_not_count_and_one_tx_counts_for_all_whom_it_pays(
    house: House,
) -> None:
    with_steps(house, Step(100_000_000, 6))
    alice, address = await customer_with_address(house)
    bob, other = await customer_with_address(house)
    bitcoind = house.devnet.bitcoind
    await bitcoind.rpc("sendmany", "", {address: "0.6", other: "0.6"}, wallet=WALLET)
    await bitcoind.mine(3)
    await house.step(BITCOIN)
    assert await states(house) == ["confirming"] * 2
    assert (await house.available(alice, "BTC"), await house.available(bob, "BTC")) == (NOTHING, NOTHING)
    await bitcoind.mine(4)
    await house.step(BITCOIN)
    assert await states(house) == ["credited"] * 2
    house = replace(house, context=replace(house.context, clock=Ahead(timedelta(days=2))))
    await bitcoind.pay(address, "0.9")
    await bitcoind.mine(3)
    await house.step(BITCOIN)
    assert await states(house) == ["credited"] * 3
    await house.prove()


async def test_dpb_04_parts_that_were_announced_on_other_days_count_together_in_one_block(house: House) -> None:
    """Low fees keep a tx waiting, and a child that pays for all of them brings them into one block."""
    with_steps(house, Step(100_000_000, 6))
    _, address = await customer_with_address(house)
    bitcoind, network = house.devnet.bitcoind, house.context.networks[BITCOIN]
    for days in (0, 2, 4):
        await bitcoind.pay(address, "0.9")
        late = replace(house, context=replace(house.context, clock=Ahead(timedelta(days=days))))
        await announce_deposits(late.context, network)
    assert await states(house) == ["detected"] * 3
    await bitcoind.mine(5)
    await late.step(BITCOIN)
    await late.step(BITCOIN)
    assert await states(house) == ["confirming"] * 3
    await bitcoind.mine()
    await late.step(BITCOIN)
    assert await states(house) == ["credited"] * 3
    await house.prove()


async def test_dpb_05_a_miners_reward_is_credited_after_a_hundred_confirmations(house: House) -> None:
    alice, address = await customer_with_address(house)
    bitcoind = house.devnet.bitcoind
    await bitcoind.rpc("generatetoaddress", 1, address)
    await bitcoind.mine(98)
    await house.step(BITCOIN)
    assert await state_and_balance(house, alice) == ("confirming", NOTHING)
    (progress,) = (await progress_of(house.context, await house.deposits())).values()
    assert progress == Progress(99, 100)
    await bitcoind.mine()
    await house.step(BITCOIN)
    found = await the_deposit(house)
    assert found["state"] == "credited"
    assert await house.available(alice, "BTC") == format_units(found["units"], 8)
    await house.prove()


@pytest.mark.whole
async def test_dpb_05_an_orphaned_reward_vanishes(house: House) -> None:
    alice, address = await customer_with_address(house)
    bitcoind = house.devnet.bitcoind
    await bitcoind.rpc("generatetoaddress", 1, address)
    await bitcoind.mine(4)
    await house.step(BITCOIN)
    assert await state_and_balance(house, alice) == ("confirming", NOTHING)
    await take_back(bitcoind, 5)
    await mine_instead(bitcoind, 6, [])
    await house.step(BITCOIN)
    assert await state_and_balance(house, alice) == ("orphaned", NOTHING)
    await house.prove()
