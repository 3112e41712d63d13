"""Fee bumps and nonces on a real node, with the real signer: one payment, whichever variant is mined, and no nonce left out."""

import asyncio
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.database import Dsns
from node.devnet.networks import Devnet
from node.workers.pay_withdrawals import pay_and_follow
from tests.integration.chains.evm.lying import LyingNode
from tests.scenario.house import ETHEREUM, House, open_house
from tests.scenario.paid_in import destination, figures, funded, received, units
from tests.scenario.test_withdrawals import nothing_is_mined
from wallet import schema
from wallet.notices import latest_notices
from wallet.ports import Ground, Network, Purpose, Signed, SignerRefused, SignRequest
from wallet.treasury.urge import urge_submission
from wallet.withdrawals.states import Wait
from wallet.withdrawals.waiting import waits_for

BUMPS = 5


async def payouts(house: House) -> list[dict[str, Any]]:
    rows = [row for row in await house.submissions() if row["purpose"] == Purpose.WITHDRAWAL]
    return sorted(rows, key=lambda row: int(row["consumes"][0].rpartition(":")[2]))


async def bumped(house: House) -> dict[str, Any]:
    """One withdrawal, sent and replaced five times; the node holds the last variant."""
    await house.step(ETHEREUM)
    for _ in range(BUMPS):
        (row,) = await payouts(house)
        await urge_submission(house.context, "test", row["id"])
        await house.step(ETHEREUM)
    (row,) = await payouts(house)
    assert row["replacements"] == BUMPS
    return row


async def _fee_of(house: House, tx: str) -> int:
    receipt = await house.devnet.anvil.rpc("eth_getTransactionReceipt", tx)
    return int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)


@pytest.mark.parametrize("mined", ["the original", "the last"])
async def test_wdr_04_bumped_five_times_on_a_real_node_one_is_mined(house: House, mined: str) -> None:
    anvil = house.devnet.anvil
    owner, to = await funded(house, "ETH", "1"), await destination(house, "ETH")
    async with nothing_is_mined(house.devnet):
        await house.withdraw(owner, ETHEREUM, "ETH", "0.4", to)
        row = await bumped(house)
        variants = [one for one in await house.rows(schema.replacements) if one["state"] == "signed"]
        assert len({one["tx"] for one in variants} | {row["tx"]}) == BUMPS + 1
        if mined == "the original":
            await anvil.rpc("anvil_dropTransaction", variants[-1]["tx"])
            await anvil.rpc("eth_sendRawTransaction", "0x" + bytes(row["signed"]).hex())
        await anvil.mine(1)
    await house.settled()
    (row,) = await payouts(house)
    counts = row["tx"] if mined == "the original" else variants[-1]["tx"]
    assert (row["state"], row["mined"] or row["tx"]) == ("final", counts)
    assert row["fee_paid"] == await _fee_of(house, counts)
    for other in {row["tx"], *(one["tx"] for one in variants)} - {counts}:
        assert await anvil.rpc("eth_getTransactionReceipt", other) is None
    assert await received(house, "ETH", to) == units(house, "ETH", "0.4")
    assert await figures(house, owner, "ETH") == (units(house, "ETH", "0.6"), 0)
    await house.prove()


async def test_wdr_05_a_dropped_tx_is_sent_again_and_all_that_waited_for_it_follows(house: House) -> None:
    anvil = house.devnet.anvil
    owner = await funded(house, "ETH", "1")
    targets = [await destination(house, "ETH") for _ in range(3)]
    async with nothing_is_mined(house.devnet):
        for to in targets:
            await house.withdraw(owner, ETHEREUM, "ETH", "0.1", to)
        await house.step(ETHEREUM)
        first, *_ = await payouts(house)
        await anvil.rpc("anvil_dropTransaction", first["tx"])
        assert await anvil.rpc("eth_getTransactionByHash", first["tx"]) is None
        await house.step(ETHEREUM)
        assert await anvil.rpc("eth_getTransactionByHash", first["tx"]) is not None
    await house.settled()
    assert {row["state"] for row in await house.withdrawals()} == {"final"}
    for to in targets:
        assert await received(house, "ETH", to) == units(house, "ETH", "0.1")
    await house.prove()


async def test_wdr_05_a_nonce_that_the_signer_refuses_late_is_used_up_and_the_queue_drains(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await funded(house, "ETH", "1")
    refused_to, paid_to = await destination(house, "ETH"), await destination(house, "ETH")
    sign = house.context.signer.sign
    refusals: list[str] = []

    async def refuse_once(request: SignRequest) -> Signed:
        if request.purpose is Purpose.WITHDRAWAL and not refusals:
            refusals.append(request.submission)
            raise SignerRefused("its policy is another one now", Ground.POLICY)
        return await sign(request)

    monkeypatch.setattr(house.context.signer, "sign", refuse_once)
    async with nothing_is_mined(house.devnet):
        await house.withdraw(owner, ETHEREUM, "ETH", "0.4", refused_to)
        await house.withdraw(owner, ETHEREUM, "ETH", "0.1", paid_to)
        await house.step(ETHEREUM)
        assert [row["state"] for row in await payouts(house)] == ["stopped", "submitted"]
        await house.step(ETHEREUM)
    await house.settled()
    assert len(refusals) == 1
    assert [row["state"] for row in await payouts(house)] == ["dead", "final"]
    assert [row["state"] for row in await house.withdrawals()] == ["failed", "final"]
    assert (await received(house, "ETH", refused_to), await received(house, "ETH", paid_to)) == (0, 10**17)
    assert await figures(house, owner, "ETH") == (units(house, "ETH", "0.9"), 0)
    await house.prove()


async def test_wdr_05_nonces_have_no_gap_under_many_workers_of_two_nodes(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain's own count is told stale all the while: nothing is built on it but what is reserved here."""
    async with open_house(devnet, dsns, tmp_path / "node") as house:
        owner = await funded(house, "ETH", "1")
        await house.withdraw(owner, ETHEREUM, "ETH", "0.01", await destination(house, "ETH"))
        await house.settled()
        targets = [await destination(house, "ETH") for _ in range(12)]
        for to in targets:
            await house.withdraw(owner, ETHEREUM, "ETH", "0.01", to)
        async with open_house(devnet, dsns, tmp_path / "node", signer=house.context.signer) as other:
            asked = _stale(monkeypatch, house, other)
            async with nothing_is_mined(devnet):
                for _ in range(6):
                    await asyncio.gather(
                        *(pay_and_follow(h.context, h.context.networks[ETHEREUM]) for h in (house, other) for _ in "ab")
                    )
            nonces = [int(row["consumes"][0].rpartition(":")[2]) for row in await payouts(house)]
            assert nonces == list(range(nonces[0], nonces[0] + len(targets) + 1))
            await house.context.unpaused(house.context.asset("ETH"))
            await house.settled()
            assert asked == []
        assert [await received(house, "ETH", to) for to in targets] == [10**16] * len(targets)
        await house.prove()


def _stale(monkeypatch: pytest.MonkeyPatch, *houses: House) -> list[str]:
    """Who would be told that no nonce was ever used."""
    asked: list[str] = []

    def answering(_network: Network) -> Any:
        async def stale(address: str) -> int:
            asked.append(address)
            return 0

        return stale

    for house in houses:
        network = house.context.networks[ETHEREUM]
        monkeypatch.setattr(network, "next_nonce", answering(network))
    return asked


ABSURD: dict[str, dict[str, Any]] = {
    "a base fee times a thousand": {
        "eth_feeHistory": lambda _, told: {**told, "baseFeePerGas": [*told["baseFeePerGas"][:-1], hex(10**13)]}
    },
    "a tip of 10^9 gwei": {"eth_maxPriorityFeePerGas": lambda *_: hex(10**18)},
    "nothing": {
        "eth_maxPriorityFeePerGas": lambda *_: "0x0",
        "eth_feeHistory": lambda *_: {"oldestBlock": "0x0", "baseFeePerGas": ["0x0"] * 2},
    },
}


def _behind(devnet: Devnet, lying: LyingNode) -> Devnet:
    """The same networks as a configuration sees them that names the liar."""
    seen = copy(devnet.anvil)
    seen.port = int(lying.url.rpartition(":")[2])
    return replace(devnet, anvil=seen)


@pytest.mark.parametrize("lie", list(ABSURD))
async def test_wdr_11_with_a_lying_source_of_fees_it_waits_and_operators_are_told(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, lie: str
) -> None:
    lying = LyingNode(devnet.anvil.url)
    await lying.start()
    try:
        async with open_house(_behind(devnet, lying), dsns, tmp_path / "node") as opened:
            house = replace(opened, devnet=devnet)
            owner, to = await funded(house, "ETH", "1"), await destination(house, "ETH")
            await house.withdraw(owner, ETHEREUM, "ETH", "0.4", to)
            lying.lies |= ABSURD[lie]
            for _ in range(3):
                await house.step(ETHEREUM)
            assert all(lying.told[method] >= 1 for method in ABSURD[lie])
            assert await payouts(house) == []
            (row,) = await house.withdrawals()
            assert (await waits_for(house.context, [row]))[row["id"]] is Wait.FEES
            assert [notice["state"] for notice in await latest_notices(house.context)].count("waits") == 1
            lying.lies.clear()
            await house.settled()
            assert await received(house, "ETH", to) == units(house, "ETH", "0.4")
            assert [notice["state"] for notice in await latest_notices(house.context)].count("waits") == 0
            await house.prove()
    finally:
        await lying.stop()
