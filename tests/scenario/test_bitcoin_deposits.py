"""Bitcoin that arrives in a block which is then taken back, with and without a double spend in its place (k = 3)."""

from typing import Any

import pytest

from node.devnet.bitcoind import WALLET, Bitcoind
from tests.scenario.house import BITCOIN, ETHEREUM, House
from wallet import schema
from wallet.errors import AssetPaused
from wallet.ids import CustomerId
from wallet.ports import Destination

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


async def double_spend(bitcoind: Bitcoind, tx: str) -> str:
    """The same inputs, to the payer's own new address: a signed tx that was never sent. Once its block is taken back."""
    paid = await bitcoind.rpc("getrawtransaction", tx, 2)
    inputs = [{"txid": each["txid"], "vout": each["vout"]} for each in paid["vin"]]
    satoshi = sum(round(each["value"] * 100_000_000) for each in paid["vout"])
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


@pytest.mark.parametrize("confirmations", [1, 2])
async def test_dpb_03_a_deposit_that_is_double_spent_before_it_is_deep_enough_is_never_credited(
    house: House, confirmations: int
) -> None:
    alice, address = await customer_with_address(house)
    bitcoind = house.devnet.bitcoind
    await bitcoind.mine(20)
    tx = await pay_with_old_coins(bitcoind, address)
    await bitcoind.mine(confirmations)
    await house.step()
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
    alice, address = await customer_with_address(house)
    bitcoind = house.devnet.bitcoind
    await bitcoind.mine(20)
    tx = await pay_with_old_coins(bitcoind, address)
    await bitcoind.mine(2)
    await house.step()
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


async def test_a_double_spend_deeper_than_policy_pauses_bitcoin_and_nothing_else(house: House) -> None:
    alice, address = await customer_with_address(house)
    bitcoind = house.devnet.bitcoind
    await bitcoind.mine(20)
    tx = await pay_with_old_coins(bitcoind, address)
    await bitcoind.mine(3)
    await house.step()
    assert await state_and_balance(house, alice) == ("credited", HALF)
    await take_back(bitcoind, 3)
    rival = await double_spend(bitcoind, tx)
    await mine_instead(bitcoind, 4, [rival])
    await house.step()
    assert {row["id"] for row in await house.rows(schema.assets) if row["paused"]} == {"BTC"}
    with pytest.raises(AssetPaused, match="took back block"):
        await house.withdraw(alice, BITCOIN, "BTC", "0.1", Destination(await bitcoind.new_address()))
    assert await house.address(alice, ETHEREUM)
