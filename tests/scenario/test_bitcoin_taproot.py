"""Taproot addresses on a real bitcoind: paid, credited, reconciled, and spent again together with others."""

from node.devnet.bitcoind import WALLET
from tests.scenario.house import BITCOIN, House
from wallet.ledger.holdings import holdings
from wallet.ports import Destination


async def test_dpb_06_what_arrives_at_taproot_addresses_is_credited_and_paid_out_with_all_else(house: House) -> None:
    alice = await house.customer("alice")
    plain, taproot = await house.address(alice, BITCOIN), await house.address(alice, BITCOIN, "p2tr")
    assert (plain[:6], taproot[:6]) == ("bcrt1q", "bcrt1p")
    bitcoind = house.devnet.bitcoind
    assert (await bitcoind.rpc("validateaddress", taproot))["witness_version"] == 1
    await bitcoind.rpc("sendmany", "", {plain: "0.4", taproot: "0.5"}, wallet=WALLET)
    await bitcoind.mine(3)
    await house.step(BITCOIN)
    assert await house.available(alice, "BTC") == "0.90000000"
    (holding,) = await holdings(house.context, house.context.networks[BITCOIN])
    assert (holding.observed, holding.difference) == (90_000_000, 0)
    outside = await bitcoind.new_address()
    await house.withdraw(alice, BITCOIN, "BTC", "0.85", Destination(outside))
    await house.settled(BITCOIN)
    assert [row["state"] for row in await house.withdrawals()] == ["final"]
    (submission,) = await house.submissions()
    assert {path[:6] for path in submission["paths"]} == {"m/84'/", "m/86'/"}
    assert f"{await bitcoind.rpc('getreceivedbyaddress', outside, wallet=WALLET):.8f}" == "0.85000000"
    await house.prove()
