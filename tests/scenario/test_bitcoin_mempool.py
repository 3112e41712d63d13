"""Payments that are in no block yet: seen at once, never believed, shown as gone, and the same deposit when they return."""

from typing import Any

import pytest

from node.devnet.bitcoind import WALLET, Bitcoind
from tests.scenario.house import BITCOIN, House
from tests.scenario.test_bitcoin_deposits import (
    HALF,
    NOTHING,
    customer_with_address,
    double_spend,
    mine_instead,
    paid_and_seen,
    state_and_balance,
    take_back,
    the_deposit,
)
from wallet.deposits.progress import Progress, progress_of
from wallet.errors import InsufficientFunds
from wallet.ports import Destination

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of the curve


async def replaced(bitcoind: Bitcoind, tx: str) -> str:
    """Its payer sends the same coins to themselves, for a higher fee."""
    return str(await bitcoind.rpc("sendrawtransaction", await double_spend(bitcoind, tx, 50_000)))


@pytest.mark.parametrize("signals", [True, pytest.param(False, marks=pytest.mark.whole)])
async def test_dpb_01_a_payment_is_seen_before_its_block_cannot_be_spent_and_is_gone_when_replaced(
    house: House, signals: bool
) -> None:
    alice, address = await customer_with_address(house)
    bitcoind = house.devnet.bitcoind
    tx = await bitcoind.rpc("sendtoaddress", address, "0.5", "", "", False, signals, wallet=WALLET)
    await house.look()
    deposit = await the_deposit(house)
    assert (deposit["state"], deposit["height"], deposit["tx"]) == ("detected", None, tx)
    assert await progress_of(house.context, [deposit]) == {deposit["id"]: Progress(0, 3)}
    await house.step(BITCOIN)
    assert await state_and_balance(house, alice) == ("detected", NOTHING)
    with pytest.raises(InsufficientFunds):
        await house.withdraw(alice, BITCOIN, "BTC", "0.1", Destination(await bitcoind.new_address()))
    await replaced(bitcoind, tx)
    await house.look()
    gone = await the_deposit(house)
    assert (gone["id"], gone["state"], gone["reason"]) == (deposit["id"], "orphaned", "replaced")
    await bitcoind.mine(4)
    await house.step(BITCOIN)
    await house.look()
    assert await state_and_balance(house, alice) == ("orphaned", NOTHING)
    await house.prove()


@pytest.mark.whole
async def test_an_announced_payment_that_is_included_is_the_same_deposit_and_credited_once(house: House) -> None:
    alice, address = await customer_with_address(house)
    bitcoind = house.devnet.bitcoind
    await bitcoind.pay(address, "0.5")
    await house.look()
    await house.look()
    announced = await the_deposit(house)
    await bitcoind.mine()
    await house.look()  # before the scan: no longer in the mempool, and not gone
    assert (await the_deposit(house))["state"] == "detected"
    await bitcoind.mine(2)
    await house.step(BITCOIN)
    await house.look()
    assert await state_and_balance(house, alice) == ("credited", HALF)
    assert (await the_deposit(house))["id"] == announced["id"]
    await house.prove()


@pytest.mark.whole
async def test_dpb_01_a_payment_whose_block_is_taken_back_waits_again_as_the_same_deposit(house: House) -> None:
    alice, _ = await paid_and_seen(house, 1)
    bitcoind = house.devnet.bitcoind
    first = await the_deposit(house)
    await take_back(bitcoind, 1)
    await mine_instead(bitcoind, 2, [])
    await house.step(BITCOIN)
    assert await state_and_balance(house, alice) == ("orphaned", NOTHING)
    await house.look()
    again = await the_deposit(house)
    assert (again["id"], again["state"], again["height"]) == (first["id"], "detected", None)
    await bitcoind.mine(3)
    await house.step(BITCOIN)
    assert await state_and_balance(house, alice) == ("credited", HALF)
    await house.prove()


@pytest.mark.whole
async def test_dpb_03_a_double_spend_in_a_block_is_shown_as_a_conflict(house: House) -> None:
    alice, tx = await paid_and_seen(house, 1)
    bitcoind = house.devnet.bitcoind
    await take_back(bitcoind, 1)
    await mine_instead(bitcoind, 2, [await double_spend(bitcoind, tx)])
    await house.step(BITCOIN)
    await house.look()
    assert await state_and_balance(house, alice) == ("orphaned", NOTHING)
    assert (await the_deposit(house))["reason"] == "conflicted"
    await house.prove()


async def test_dpb_02_a_payment_whose_txid_was_changed_by_others_is_credited_once(house: House) -> None:
    alice, address = await customer_with_address(house)
    bitcoind = house.devnet.bitcoind
    tx, twin = await malleable_payment(bitcoind, address)
    await bitcoind.rpc("sendrawtransaction", tx)
    await house.look()
    announced = await the_deposit(house)
    await bitcoind.rpc("generateblock", await bitcoind.new_address(), [twin])
    await house.step(BITCOIN)
    await house.look()
    first, second = await house.deposits()
    assert (first["id"], first["state"], first["reason"]) == (announced["id"], "orphaned", "conflicted")
    assert (second["state"], second["units"]) == ("detected", first["units"])
    assert first["identity"] != second["identity"]
    await bitcoind.mine(2)
    await house.step(BITCOIN)
    await house.look()
    assert [row["state"] for row in await house.deposits()] == ["orphaned", "credited"]
    assert await house.available(alice, "BTC") == HALF
    await house.prove()


async def malleable_payment(bitcoind: Bitcoind, address: str) -> tuple[str, str]:
    """A signed tx from an old-style coin, and its twin: the same payment whose signature somebody has turned around (s to
    order − s), which blocks may hold and mempools do not take."""
    legacy = await bitcoind.rpc("getnewaddress", "", "legacy", wallet=WALLET)
    funding = await bitcoind.pay(legacy, "0.5001")
    await bitcoind.mine()
    made = await bitcoind.rpc("getrawtransaction", funding, 2)
    (place,) = [each["n"] for each in made["vout"] if each["scriptPubKey"].get("address") == legacy]
    raw = await bitcoind.rpc("createrawtransaction", [{"txid": funding, "vout": place}], {address: "0.5"})
    signed: dict[str, Any] = await bitcoind.rpc("signrawtransactionwithwallet", raw, wallet=WALLET)
    (spent,) = (await bitcoind.rpc("decoderawtransaction", signed["hex"]))["vin"]
    script = bytes.fromhex(spent["scriptSig"]["hex"])
    turned = turned_around(script)
    before, after = bytes([len(script)]) + script, bytes([len(turned)]) + turned
    return signed["hex"], signed["hex"].replace(before.hex(), after.hex())


def turned_around(script: bytes) -> bytes:
    """A script of a signature and a key, with the signature's other s."""
    signature, rest = script[1 : 1 + script[0]], script[1 + script[0] :]
    r_end = 4 + signature[3]
    s = ORDER - int.from_bytes(signature[r_end + 2 : r_end + 2 + signature[r_end + 1]], "big")
    other = s.to_bytes(33, "big").lstrip(b"\x00")
    other = b"\x00" + other if other[0] & 0x80 else other
    body = signature[2:r_end] + bytes([2, len(other)]) + other
    der = bytes([0x30, len(body)]) + body + signature[-1:]
    return bytes([len(der)]) + der + rest
