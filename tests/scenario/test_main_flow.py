"""The main job: money in from three networks, a payment, money out, the books proven."""

from tests.scenario.house import BITCOIN, ETHEREUM, SEPA, House
from wallet import schema
from wallet.explain.explain import Explanation, explain_object
from wallet.explain.viewer import OPERATOR
from wallet.ids import CustomerId
from wallet.journal.change import Request
from wallet.money import parse_amount
from wallet.payments.send import send_payment
from wallet.ports import Destination

BOB_IBAN = "DE02120300000000202051"


async def _pay_in(house: House, alice: CustomerId, bob: CustomerId) -> None:
    net = house.devnet
    await net.outside.send_ether(await house.hot(ETHEREUM), 10**18)
    net.bank.pay_in("Alice Example", "DE75512108001245126199", 50_000, await house.address(alice, SEPA))
    await net.bitcoind.pay(await house.address(alice, BITCOIN), "0.5")
    ethereum = await house.address(bob, ETHEREUM)
    await net.outside.send_ether(ethereum, 2 * 10**18, account=1)
    await net.outside.mint_dev_dollars(ethereum, 1_000 * 10**6, account=2)


async def test_money_goes_in_around_and_out_and_every_unit_is_accounted_for(house: House) -> None:
    alice, bob = await house.customer("alice"), await house.customer("bob")
    await _pay_in(house, alice, bob)
    await house.settled()
    assert [d["state"] for d in await house.deposits()] == ["credited"] * 5
    await house.prove()
    for number, (asset, amount) in enumerate((("EUR", "100"), ("BTC", "0.1"))):
        request = Request(alice, "payment.send", str(number), b"test")
        await send_payment(
            house.context, "test", alice, bob, parse_amount(amount, house.context.asset(asset)), None, request
        )
    outside, bitcoin = await house.devnet.outside.address(9), await house.devnet.bitcoind.new_address()
    before = int(await house.devnet.anvil.rpc("eth_getBalance", outside, "latest"), 16)
    await house.withdraw(bob, SEPA, "EUR", "60", Destination(BOB_IBAN, "Bob Example"))
    await house.withdraw(bob, BITCOIN, "BTC", "0.05", Destination(bitcoin))
    await house.withdraw(bob, ETHEREUM, "ETH", "0.5", Destination(outside))
    await house.withdraw(bob, ETHEREUM, "DUSD", "250", Destination(outside))
    await house.settled()
    assert {(w["asset"], w["state"]) for w in await house.withdrawals()} == {
        ("EUR", "final"),
        ("BTC", "final"),
        ("ETH", "final"),
        ("DUSD", "final"),
    }
    after = int(await house.devnet.anvil.rpc("eth_getBalance", outside, "latest"), 16)
    assert after - before == 5 * 10**17
    assert await house.devnet.bitcoind.rpc("getreceivedbyaddress", bitcoin, 1) == 0.05
    assert await house.available(bob, "EUR") == "40.00"
    assert await house.available(alice, "BTC") == "0.40000000"
    await house.prove()
    await every_object_is_explained(house)


async def explained(house: House, name: str) -> Explanation:
    return await explain_object(house.context, name, OPERATOR)


async def every_object_is_explained(house: House) -> None:
    """By its entries, in order, and by the block or statement that the network shows it in."""
    for row in await house.deposits():
        found = await explained(house, row["id"])
        credit = "funding.received" if row["owner"] == "house" else "deposit.credited"
        assert [change["kind"] for change in found["changes"]] == [credit]
        proofs = [(one["tx"], one["height"], one["block"]) for one in found["evidence"]]
        assert proofs == [(row["tx"], row["height"], row["block"])]
    for row in await house.withdrawals():
        found = await explained(house, row["id"])
        kinds = [change["kind"] for change in found["changes"]]
        assert kinds == ["withdrawal.requested", "withdrawal.final"]
        (submission,) = found["related"]
        sent = await explained(house, submission)
        assert [change["kind"] for change in sent["changes"]] == ["submission.reserved", "withdrawal.final"]
        assert (sent["related"], sent["evidence"]) == ([row["id"]], found["evidence"])
        assert found["evidence"][0]["height"] is not None
        assert sent["changes"][-1] == found["changes"][-1]
    for row in await house.rows(schema.statements):
        for name in (await explained(house, row["id"]))["related"]:
            (proof,) = (await explained(house, name))["evidence"]
            assert (proof["statement"], proof["digest"], proof["height"]) == (row["id"], row["digest"], row["height"])
