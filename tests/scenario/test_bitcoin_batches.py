"""Many withdrawals in one Bitcoin tx, on a real node: what a payout costs, what is ours stays ours, and whatever becomes of the
tx, each is paid once."""

import hashlib
from collections.abc import Sequence
from typing import Any

import pytest
from coincurve.utils import GROUP_ORDER_INT

from chains.bitcoin.decode import decode, decode_signed
from chains.bitcoin.rawtx import RawTx
from tests.scenario.house import BITCOIN, House
from tests.scenario.paid_in import credited, destination, figures, funded, pay_in, received
from tests.scenario.test_withdrawals import noting, payouts
from wallet import schema
from wallet.ids import CustomerId
from wallet.ports import Destination, Purpose

EACH, UNITS = "0.01", 10**6


async def owners_of(house: House, count: int) -> list[CustomerId]:
    """Customers with 0.1 each, in a coin of its own."""
    owners = [await funded(house, "BTC", "0.1")]
    for number in range(1, count):
        owners.append(await house.customer(f"owner{number}"))
        await pay_in(house, owners[-1], "BTC", "0.1")
        await credited(house, owners[-1], "BTC", "0.1")
    return owners


async def asked(house: House, owners: Sequence[CustomerId]) -> list[Destination]:
    goals = [await destination(house, "BTC") for _ in owners]
    for owner, to in zip(owners, goals, strict=True):
        await house.withdraw(owner, BITCOIN, "BTC", EACH, to)
    return goals


async def paid_once(house: House, goals: Sequence[Destination]) -> bool:
    return [await received(house, "BTC", to) for to in goals] == [UNITS] * len(goals)


async def own_addresses(house: House) -> set[str]:
    return {row["address"] for row in await house.rows(schema.addresses)}


async def outputs(house: House, tx: str) -> list[tuple[str, int]]:
    found = await house.devnet.bitcoind.rpc("getrawtransaction", tx, 1)
    return [(each["scriptPubKey"]["address"], round(each["value"] * 10**8)) for each in found["vout"]]


async def test_wdr_15_txs_share_no_input_and_what_is_not_a_payment_comes_back_to_us(house: House) -> None:
    owners = await owners_of(house, 3)
    goals: list[Destination] = []
    for _ in range(3):
        goals += await asked(house, owners)
        await house.settled(BITCOIN)
    assert await paid_once(house, goals)
    sent = [row for row in await house.submissions() if row["purpose"] == Purpose.WITHDRAWAL]
    spent = [name for row in sent for name in row["consumes"]]
    assert len(sent) == 3
    assert len(set(spent)) == len(spent)
    ours, theirs = await own_addresses(house), {to.address for to in goals}
    for row in sent:
        made = await outputs(house, row["tx"])
        assert sum(address in theirs for address, _ in made) == 3
        assert all(address in ours or (address in theirs and units == UNITS) for address, units in made)
        assert row["fee_paid"] == row["fee_max"] <= 10**5  # the signer's cap
    await house.prove()


async def test_a_payout_in_a_batch_costs_a_fraction_of_one_alone(house: House) -> None:
    """Customers paid what they were quoted; what is saved is the house's."""
    (owner,) = await owners_of(house, 1)
    await asked(house, [owner])
    await house.settled(BITCOIN)
    await asked(house, [owner] * 6)
    await house.settled(BITCOIN)
    alone, together = await payouts(house)
    assert together["fee_paid"] / 6 < 0.5 * alone["fee_paid"]
    fees = {row["fee_units"] for row in await house.withdrawals()}
    assert await figures(house, owner, "BTC") == (10**7 - 7 * UNITS - 7 * fees.pop(), 0)
    assert not fees
    await house.prove()


async def test_wdr_07_a_batch_whose_block_is_taken_back_is_sent_again_and_paid_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners = await owners_of(house, 2)
    goals = await asked(house, owners)
    sent = noting(monkeypatch, house.context.networks[BITCOIN])
    await house.step(BITCOIN)
    (block,) = await house.devnet.bitcoind.mine()
    await house.step(BITCOIN)
    assert {row["state"] for row in await house.withdrawals()} == {"included"}
    (batch,) = await payouts(house)
    await house.devnet.bitcoind.rpc("invalidateblock", block)
    await house.devnet.bitcoind.rpc("generateblock", await house.devnet.bitcoind.new_address(), [])
    await house.devnet.bitcoind.rpc("generateblock", await house.devnet.bitcoind.new_address(), [])
    await house.step(BITCOIN)
    assert {row["state"] for row in await house.withdrawals()} == {"submitted"}
    held = [(await figures(house, owner, "BTC"))[1] for owner in owners]
    assert all(units > UNITS for units in held), "nothing was given back"
    await house.settled(BITCOIN)
    assert {row["state"] for row in await house.withdrawals()} == {"final"}
    assert set(sent) == {bytes(batch["signed"])}
    assert await paid_once(house, goals)
    await house.prove()


def mutant(signed: bytes) -> RawTx:
    """The same tx with another signature that is as valid: s and n − s both are, and anybody can turn one into the other."""
    raw = decode_signed(signed)
    signature, key = raw.witnesses[0]
    size = signature[3]
    r, s = signature[4 : 4 + size], int.from_bytes(signature[6 + size : -1], "big")
    other = (GROUP_ORDER_INT - s).to_bytes(33, "big")
    body = bytes([2, len(r)]) + r + bytes([2, len(other)]) + other
    turned = bytes([0x30, len(body)]) + body + signature[-1:]
    return RawTx(raw.version, raw.inputs, raw.outputs, raw.locktime, ((turned, key), *raw.witnesses[1:]))


async def test_wdr_06_a_mutant_that_is_mined_in_place_of_our_bytes_is_our_payment(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (owner,) = await owners_of(house, 1)
    goals = await asked(house, [owner])
    await house.step(BITCOIN)
    (payout,) = await payouts(house)
    other = mutant(bytes(payout["signed"])).serialised()
    assert hashlib.sha256(other).digest() != hashlib.sha256(bytes(payout["signed"])).digest()
    again = noting(monkeypatch, house.context.networks[BITCOIN])
    made = await house.devnet.bitcoind.rpc("generateblock", await house.devnet.bitcoind.new_address(), [other.hex()])
    mined: dict[str, Any] = await house.devnet.bitcoind.rpc("getrawtransaction", payout["tx"], 1, made["hash"])
    assert mined["hex"] == other.hex(), "the block has the mutant"
    await house.settled(BITCOIN)
    assert [row["state"] for row in await house.withdrawals()] == ["final"]
    assert again == []
    assert len(await payouts(house)) == 1
    assert await paid_once(house, goals)
    await house.prove()


async def test_many_small_coins_become_one_while_fees_are_low_and_nobody_waits(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wallet.treasury.gather.COINS_MANY", 3)
    monkeypatch.setattr("wallet.treasury.gather.CHEAP", 0)  # whatever others have paid on this chain of all tests
    owners = await owners_of(house, 4)
    await house.settled(BITCOIN)
    (gathering,) = await house.submissions()
    assert (gathering["purpose"], gathering["state"], gathering["units"]) == (Purpose.GATHERING, "final", 0)
    tx = decode(bytes(gathering["unsigned"]))
    assert (len(tx.inputs), tx.payments) == (4, ())
    assert [output.address for output in tx.outputs] == [await house.hot(BITCOIN)]
    coins = [row["units"] for row in await house.rows(schema.utxos) if row["state"] == "free"]
    assert coins == [4 * 10**7 - gathering["fee_paid"]]
    assert all([await figures(house, owner, "BTC") == (10**7, 0) for owner in owners])
    await house.prove()
