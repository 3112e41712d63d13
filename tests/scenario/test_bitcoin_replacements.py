"""A batch that no block takes, on a real node: raised again and again, and whichever of its txs is mined at last is what the
books say, with what comes back of that one."""

import pytest

from chains.bitcoin.decode import decode, decode_signed
from tests.scenario.house import BITCOIN, House
from tests.scenario.paid_in import received
from tests.scenario.test_bitcoin_batches import UNITS, asked, outputs, own_addresses, owners_of, paid_once
from tests.scenario.test_withdrawals import payouts
from wallet import schema
from wallet.treasury.urge import urge_submission

BUMPS = 5


@pytest.mark.parametrize(
    "lucky", [0, pytest.param(2, marks=pytest.mark.whole), BUMPS], ids=["the first", "another", "the last"]
)
async def test_wdr_04_a_stuck_batch_is_raised_five_times_and_the_one_that_is_mined_is_booked(
    house: House, lucky: int
) -> None:
    owners = await owners_of(house, 2)
    goals = await asked(house, owners)
    await house.step(BITCOIN)
    (batch,) = await payouts(house)
    for number in range(1, BUMPS + 1):
        await urge_submission(house.context, "test", batch["id"])
        await house.step(BITCOIN)
        made = await house.rows(schema.replacements)
        assert [row["state"] for row in made] == ["signed"] * number
        assert made[-1]["tx"] in await house.devnet.bitcoind.rpc("getrawmempool")
    variants = [(batch["signed"], batch["unsigned"]), *[(row["signed"], row["unsigned"]) for row in made]]
    assert len({tuple(sorted(one.outpoint for one in decode(bytes(u)).inputs)) for _, u in variants}) == 1
    mined, unsigned = (bytes(part) for part in variants[lucky])
    await house.devnet.bitcoind.rpc("generateblock", await house.devnet.bitcoind.new_address(), [mined.hex()])
    await house.settled(BITCOIN)
    (after,) = await payouts(house)
    assert (after["state"], after["fee_paid"]) == ("final", decode(unsigned).fee_units)
    assert await paid_once(house, goals)
    ours, theirs = await own_addresses(house), {to.address for to in goals}
    assert {address for address, _ in await outputs(house, decode_signed(mined).tx)} <= ours | theirs
    await house.prove()
    again = await asked(house, owners)  # from what came back of the one that was mined
    await house.settled(BITCOIN)
    assert [await received(house, "BTC", to) for to in again] == [UNITS] * 2
    assert await paid_once(house, goals)
    await house.prove()
