"""Recipients that change their mind once nobody can take the payment back: it fails, we pay the gas, the money is back once."""

import secrets

import pytest

from tests.contracts.recipients import BURNS_ALL, KEEPS, REFUSES
from tests.scenario.house import ETHEREUM, House
from tests.scenario.paid_in import figures, funded, units
from wallet.errors import DestinationRefused
from wallet.ports import Destination
from wallet.withdrawals import probe

FUNDS = "1"


async def wallet(house: House) -> Destination:
    """A contract that takes what comes, for now."""
    to = Destination("0x" + secrets.token_hex(20))
    await house.devnet.anvil.rpc("anvil_setCode", to.address, KEEPS)
    return to


async def test_wdr_09_a_recipient_that_reverts_after_broadcast_costs_us_gas_and_gives_the_money_back_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "REVERTS_MAX", 2)
    anvil, owner = house.devnet.anvil, await funded(house, "ETH", FUNDS)
    whole = units(house, "ETH", FUNDS)
    for times, code in enumerate((REFUSES, BURNS_ALL), start=1):
        to = await wallet(house)
        name = await house.withdraw(owner, ETHEREUM, "ETH", "0.1", to)
        await anvil.rpc("evm_setAutomine", False)
        try:
            await house.step(ETHEREUM)
            row = next(row for row in await house.withdrawals() if row["id"] == name)
            assert row["state"] == "submitted", "it was fine when it was tried"
            await anvil.rpc("anvil_setCode", to.address, code)
        finally:
            await anvil.rpc("evm_setAutomine", True)
        await house.settled()
        row = next(row for row in await house.withdrawals() if row["id"] == name)
        assert (row["state"], row["reason"]) == ("failed", "reverted")
        assert await figures(house, owner, "ETH") == (whole, 0)
        sent = [row for row in await house.submissions() if row["purpose"] == "withdrawal"]
        assert len(sent) == times
        receipt = await anvil.rpc("eth_getTransactionReceipt", sent[-1]["tx"])
        assert receipt["status"] == "0x0", "the fault fired"
        assert sent[-1]["fee_paid"] == int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        assert 0 < sent[-1]["fee_paid"] <= sent[-1]["fee_max"]
        assert int(await anvil.rpc("eth_getBalance", to.address, "latest"), 16) == 0
        await house.prove()
    with pytest.raises(DestinationRefused, match="2 payments of yours"):
        await house.withdraw(owner, ETHEREUM, "ETH", "0.1", await wallet(house))
    ordinary = Destination("0x" + secrets.token_hex(20))
    await house.withdraw(owner, ETHEREUM, "ETH", "0.1", ordinary)
    await house.settled()
    assert await figures(house, owner, "ETH") == (whole - units(house, "ETH", "0.1"), 0)
    await house.prove()


async def test_wdr_10_a_recipient_that_would_refuse_or_burn_is_refused_at_the_request_and_rejected_later(
    house: House,
) -> None:
    owner = await funded(house, "ETH", FUNDS)
    to = await wallet(house)
    late = await house.withdraw(owner, ETHEREUM, "ETH", "0.1", to)
    await house.devnet.anvil.rpc("anvil_setCode", to.address, REFUSES)
    with pytest.raises(DestinationRefused, match="refuse this payment"):
        await house.withdraw(owner, ETHEREUM, "ETH", "0.1", to)
    await house.settled()
    row = next(row for row in await house.withdrawals() if row["id"] == late)
    assert (row["state"], row["reason"]) == ("rejected", "recipient_refuses")
    assert [row for row in await house.submissions() if row["purpose"] == "withdrawal"] == []
    assert await figures(house, owner, "ETH") == (units(house, "ETH", FUNDS), 0)
    await house.prove()
