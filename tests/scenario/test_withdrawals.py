"""Money out when answers are lost, processes die and somebody says no: one payment or none, and the money is somewhere."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.database import Dsns
from node.devnet.networks import Devnet
from tests.scenario.house import BITCOIN, ETHEREUM, SEPA, House, open_house
from tests.scenario.paid_in import (
    NETWORK_OF,
    PAYEE_IBAN,
    destination,
    executed_orders,
    figures,
    fresh_ethereum_address,
    funded,
    received,
    units,
)
from tests.scenario.troubled_rpc import Trouble, TroubledRpc, anvil_behind, bitcoind_behind, troubled
from wallet import schema
from wallet.assets.pause import resume_asset
from wallet.errors import AssetPaused, DestinationRefused, NotCancellable
from wallet.ids import CustomerId, NetworkId, SubmissionId
from wallet.journal.change import Request
from wallet.money import Amount
from wallet.ports import Destination, Instruction, Network, Purpose, SubmissionRef
from wallet.treasury.plan import Plan, plan_paths, sign_request
from wallet.treasury.sources import house_address, next_source
from wallet.withdrawals.cancel import cancel_withdrawal

LOST_ANSWERS = 20
ASK = {
    "ETH": ("eth_sendRawTransaction", "eth_getTransactionByHash", "eth_getTransactionReceipt"),
    "BTC": ("sendrawtransaction", "getrawtransaction", "getmempoolentry"),
}
FUNDS = {"EUR": "100", "BTC": "1", "ETH": "1", "DUSD": "100"}
PAID = {"EUR": "40", "BTC": "0.4", "ETH": "0.4", "DUSD": "40"}


class PowerCut(Exception):
    """The process ends here."""


def cut_after_sending(monkeypatch: pytest.MonkeyPatch, network: Network) -> list[bytes]:
    """The next submission leaves, and nothing that follows is done. Returns what was sent."""
    sent: list[bytes] = []
    submit = network.submit

    async def submit_and_die(submission: SubmissionRef) -> None:
        await submit(submission)
        sent.append(submission.payload)
        raise PowerCut

    monkeypatch.setattr(network, "submit", submit_and_die)
    return sent


def noting(monkeypatch: pytest.MonkeyPatch, network: Network) -> list[bytes]:
    """What is sent from now on."""
    sent: list[bytes] = []
    submit = network.submit

    async def submit_and_note(submission: SubmissionRef) -> None:
        sent.append(submission.payload)
        await submit(submission)

    monkeypatch.setattr(network, "submit", submit_and_note)
    return sent


async def the_withdrawal(house: House) -> dict[str, Any]:
    (found,) = await house.withdrawals()
    return found


async def payouts(house: House) -> list[dict[str, Any]]:
    return [row for row in await house.submissions() if row["purpose"] == Purpose.WITHDRAWAL]


@pytest.mark.parametrize("asset", ["EUR", "BTC", "ETH", "DUSD"])
async def test_wdr_01_a_stop_between_sending_and_recording_pays_once(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asset: str
) -> None:
    network, folder = NETWORK_OF[asset], tmp_path / "node"
    async with open_house(devnet, dsns, folder) as house:
        owner, to = await funded(house, asset, FUNDS[asset]), await destination(house, asset)
        await house.withdraw(owner, network, asset, PAID[asset], to)
        sent = cut_after_sending(monkeypatch, house.context.networks[network])
        with pytest.raises(PowerCut):
            await house.step(network)
        assert (await the_withdrawal(house))["state"] == "signed"
    async with open_house(devnet, dsns, folder) as house:
        again = noting(monkeypatch, house.context.networks[network])
        await house.settled()
        assert len(sent) == 1
        assert set(again) == set(sent)
        assert (await the_withdrawal(house))["state"] == "final"
        assert len(await payouts(house)) == 1
        assert await received(house, asset, to) == units(house, asset, PAID[asset])
        assert len(executed_orders(house)) == (1 if asset == "EUR" else 0)
        assert (await figures(house, owner, asset))[1] == 0
        await house.prove()


@asynccontextmanager
async def behind_trouble(
    asset: str, devnet: Devnet, dsns: Dsns, folder: Path
) -> AsyncIterator[tuple[House, TroubledRpc]]:
    """A house that reaches the asset's chain only through somebody who can lose answers."""
    node = devnet.anvil if asset == "ETH" else devnet.bitcoind
    async with troubled(node.url) as rpc:
        seen = (
            replace(devnet, anvil=anvil_behind(devnet.anvil, rpc))
            if asset == "ETH"
            else replace(devnet, bitcoind=bitcoind_behind(devnet.bitcoind, rpc))
        )
        async with open_house(seen, dsns, folder) as house:
            yield replace(house, devnet=devnet), rpc


@asynccontextmanager
async def nothing_is_mined(devnet: Devnet) -> AsyncIterator[None]:
    await devnet.anvil.rpc("evm_setAutomine", False)
    try:
        yield
    finally:
        await devnet.anvil.rpc("evm_setAutomine", True)


async def still_held(house: House, owner: CustomerId, asset: str, held_min: int) -> None:
    """Neither refunded nor begun a second time, whatever was or was not answered."""
    assert (await the_withdrawal(house))["state"] in {"signed", "submitted"}
    assert len(await payouts(house)) == 1
    available, held = await figures(house, owner, asset)
    assert held >= held_min
    assert available + held == units(house, asset, FUNDS[asset])


@pytest.mark.parametrize("trouble", list(Trouble))
@pytest.mark.parametrize("asset", ["ETH", "BTC"])
async def test_wdr_02_answers_lost_twenty_times_while_the_tx_goes_through_are_no_failure(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, asset: str, trouble: Trouble
) -> None:
    network = NETWORK_OF[asset]
    async with behind_trouble(asset, devnet, dsns, tmp_path / "node") as (house, rpc):
        owner, to, paid = await funded(house, asset, FUNDS[asset]), await destination(house, asset), PAID[asset]
        rpc.sent.clear()
        rpc.trouble = trouble
        rpc.lose(ASK[asset], LOST_ANSWERS)
        async with nothing_is_mined(devnet):
            await house.withdraw(owner, network, asset, paid, to)
            while rpc.left:
                await house.step(network)
                await still_held(house, owner, asset, units(house, asset, paid))
            await house.step(network)
            assert (await the_withdrawal(house))["state"] == "submitted"
        assert sum(rpc.lost.values()) == LOST_ANSWERS
        assert rpc.lost[ASK[asset][0]] >= 1
        await house.settled()
        assert len(set(rpc.sent)) == 1
        assert (await the_withdrawal(house))["state"] == "final"
        assert await received(house, asset, to) == units(house, asset, paid)
        await house.prove()


@pytest.mark.parametrize("asset", ["ETH", "BTC"])
async def test_wdr_02_what_never_arrived_is_sent_again_byte_for_byte(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, asset: str
) -> None:
    network = NETWORK_OF[asset]
    async with behind_trouble(asset, devnet, dsns, tmp_path / "node") as (house, rpc):
        owner, to, paid = await funded(house, asset, FUNDS[asset]), await destination(house, asset), PAID[asset]
        rpc.sent.clear()
        rpc.lose(ASK[asset][:1], 3, swallows=True)
        await house.withdraw(owner, network, asset, paid, to)
        for _ in range(3):
            await house.step(network)
            await still_held(house, owner, asset, units(house, asset, paid))
            assert await received(house, asset, to) == 0
        assert rpc.lost == {ASK[asset][0]: 3}
        await house.settled()
        assert len(rpc.sent) >= 4
        assert len(set(rpc.sent)) == 1
        assert await received(house, asset, to) == units(house, asset, paid)
        await house.prove()


def asking(owner: CustomerId) -> Request:
    return Request(owner, "withdrawal.cancel", secrets.token_hex(8), b"test")


async def test_a_withdrawal_is_cancelled_before_it_is_signed_and_never_after(house: House) -> None:
    owner, to = await funded(house, "ETH", "1"), await destination(house, "ETH")
    first = await house.withdraw(owner, ETHEREUM, "ETH", "0.4", to)
    assert await figures(house, owner, "ETH") == (6 * 10**17, 4 * 10**17)
    await cancel_withdrawal(house.context, "test", owner, first, asking(owner))
    assert await figures(house, owner, "ETH") == (10**18, 0)
    second = await house.withdraw(owner, ETHEREUM, "ETH", "0.3", to)
    await house.step(ETHEREUM)
    with pytest.raises(NotCancellable, match="is submitted"):
        await cancel_withdrawal(house.context, "test", owner, second, asking(owner))
    await house.settled()
    assert [row["state"] for row in await house.withdrawals()] == ["cancelled", "final"]
    assert await received(house, "ETH", to) == 3 * 10**17
    await house.prove()


async def bad_destinations(house: House, owner: CustomerId) -> list[tuple[NetworkId, str, str, str]]:
    ethereum = fresh_ethereum_address()
    swapped = "0x" + ethereum[2:].swapcase()
    bitcoin = await house.devnet.bitcoind.new_address()
    return [
        (ETHEREUM, "ETH", await house.address(owner, ETHEREUM), "your own address"),
        (ETHEREUM, "ETH", await house.hot(ETHEREUM), "address of the node itself"),
        (ETHEREUM, "ETH", "0x" + "0" * 40, "nobody holds the keys"),
        (ETHEREUM, "ETH", swapped, "checksum"),
        (ETHEREUM, "DUSD", house.devnet.dev_dollar, "contract of a token"),
        (ETHEREUM, "ETH", bitcoin, "address"),
        (BITCOIN, "BTC", await house.address(owner, BITCOIN), "your own address"),
        (BITCOIN, "BTC", await house.hot(BITCOIN), "address of the node itself"),
        (BITCOIN, "BTC", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "not one of this chain"),
        (BITCOIN, "BTC", bitcoin[:-1] + ("q" if bitcoin[-1] != "q" else "p"), "address|checksum"),
        (BITCOIN, "BTC", ethereum, "address"),
        (SEPA, "EUR", "DE89370400440532013000", "account of the node itself"),
        (SEPA, "EUR", PAYEE_IBAN[:-1] + "0", "check digits"),
        (SEPA, "EUR", "US64SVBKUS6S3300958879", "outside|country|not valid"),
    ]


async def test_destinations_that_lose_money_are_refused_and_nothing_changes(house: House) -> None:
    owner = await house.customer("alice")
    for asset in ("ETH", "DUSD", "BTC", "EUR"):
        await house.address(owner, NETWORK_OF[asset])
    for network, asset, address, reason in await bad_destinations(house, owner):
        with pytest.raises(DestinationRefused, match=reason):
            await house.withdraw(
                owner, network, asset, "0.1", Destination(address, "Payee Example" if network == SEPA else None)
            )
    assert await house.withdrawals() == []
    await house.prove()


async def test_what_the_signers_policy_refuses_is_rejected_and_the_money_is_back(house: House) -> None:
    owner, to = await funded(house, "BTC", "3"), await destination(house, "BTC")
    await house.withdraw(owner, BITCOIN, "BTC", "2.5", to)
    assert (await figures(house, owner, "BTC"))[1] > 25 * 10**7
    await house.step(BITCOIN)
    refused = await the_withdrawal(house)
    assert refused["state"] == "rejected"
    assert refused["reason"] == "not_allowed"
    assert await figures(house, owner, "BTC") == (3 * 10**8, 0)
    assert await house.submissions() == []
    await house.settled()
    assert await received(house, "BTC", to) == 0
    await house.prove()


async def sign_beside_the_books(house: House, network: NetworkId, to: Destination) -> None:
    """What a database restored from before the signature no longer knows: the signer has signed this withdrawal."""
    context, row, rail = house.context, await the_withdrawal(house), house.context.networks[network]
    hot, name = await house_address(context, network), SubmissionId(context.new_id("sub"))
    source = await next_source(context, rail, name, hot)
    asset = context.asset(row["asset"])
    amount = Amount(row["units"], asset)
    unsigned = await rail.build([Instruction(row["id"], to, amount)], source.source, await rail.estimate_fee(asset))
    paths = plan_paths(source, unsigned)
    plan = Plan(name, Purpose.WITHDRAWAL, amount, hot.address, to.address, source, unsigned, paths, (row,))
    await context.signer.sign(sign_request(network, plan))


async def test_a_signer_that_remembers_what_the_books_do_not_stops_the_asset_and_releases_nothing(house: House) -> None:
    owner, to = await funded(house, "BTC", "1"), await destination(house, "BTC")
    await house.withdraw(owner, BITCOIN, "BTC", "0.4", to)
    held = await figures(house, owner, "BTC")
    await sign_beside_the_books(house, BITCOIN, to)
    for _ in range(3):
        await house.turn(BITCOIN)
    paused = {row["id"]: row["pause_reason"] for row in await house.rows(schema.assets) if row["paused"]}
    assert list(paused) == ["BTC"]
    assert "signer and the books disagree" in paused["BTC"]
    assert (await the_withdrawal(house))["state"] == "requested"
    assert await figures(house, owner, "BTC") == held
    assert await house.submissions() == []
    assert await received(house, "BTC", to) == 0
    with pytest.raises(AssetPaused):
        await house.withdraw(owner, BITCOIN, "BTC", "0.1", to)
    await resume_asset(house.context, "test", "BTC", "looked, and it is still so")
    await house.step(BITCOIN)
    assert [row["id"] for row in await house.rows(schema.assets) if row["paused"]] == ["BTC"]
    await house.prove()


async def test_withdrawals_that_find_no_free_funds_wait_and_go_in_their_order(house: House) -> None:
    """One coin: the next can be paid only from the change of the one before, and then go together."""
    owner = await funded(house, "BTC", "1")
    goals = [await destination(house, "BTC") for _ in range(3)]
    ids = [await house.withdraw(owner, BITCOIN, "BTC", "0.2", goals[0])]
    await house.step(BITCOIN)
    ids += [await house.withdraw(owner, BITCOIN, "BTC", "0.2", to) for to in goals[1:]]
    await house.step(BITCOIN)
    assert [row["state"] for row in await house.withdrawals()] == ["submitted", "requested", "requested"]
    await house.settled()
    rows = await house.withdrawals()
    assert [row["id"] for row in rows] == ids
    assert [row["state"] for row in rows] == ["final"] * 3
    assert rows[0]["final_at"] < rows[1]["final_at"] == rows[2]["final_at"]
    assert len(await payouts(house)) == 2
    assert [await received(house, "BTC", to) for to in goals] == [2 * 10**7] * 3
    await house.prove()


async def test_a_payout_that_the_receiving_bank_sends_back_is_returned_and_credited(house: House) -> None:
    owner, to = await funded(house, "EUR", "100"), await destination(house, "EUR")
    name = await house.withdraw(owner, SEPA, "EUR", "40", to)
    await house.settled()
    house.devnet.bank.send_back(name.replace("_", "-"), "Payee Example", to.address, 4_000)
    await house.until(lambda: _is_returned(house))
    assert await figures(house, owner, "EUR") == (units(house, "EUR", "100"), 0)
    assert len(executed_orders(house)) == 1
    await house.prove()


async def _is_returned(house: House) -> bool:
    return bool((await the_withdrawal(house))["state"] == "returned")


@pytest.mark.whole
@pytest.mark.parametrize("asset", ["EUR", "BTC", "ETH", "DUSD"])
async def test_wdr_08_cancels_race_the_real_signer_and_the_real_network(house: House, asset: str) -> None:
    """Thirty-two at once beside the worker, again and again: what its owner was told is what happened."""
    network, owner, paid = NETWORK_OF[asset], await funded(house, asset, FUNDS[asset]), 0
    one = {"EUR": "4", "BTC": "0.04", "ETH": "0.04", "DUSD": "4"}[asset]
    to = await destination(house, asset)
    for race in range(6):
        name = await house.withdraw(owner, network, asset, one, to)
        cancels = [cancel_withdrawal(house.context, "test", owner, name, asking(owner)) for _ in range(32)]
        worker = asyncio.create_task(house.step(network)) if race % 2 else None
        told = await asyncio.gather(*cancels, return_exceptions=True)
        if worker is not None:
            await worker
        refused = [each for each in told if isinstance(each, NotCancellable)]
        given = len(told) - len(refused)
        assert given in (0, 1), "never twice"
        await house.settled()
        row = next(row for row in await house.withdrawals() if row["id"] == name)
        assert row["state"] == ("cancelled" if given else "final")
        paid += 0 if given else 1
        assert await received(house, asset, to) == paid * units(house, asset, one)
        assert (await figures(house, owner, asset))[1] == 0
    assert paid < 6, "without a worker beside them the cancels win"
    await house.prove()
