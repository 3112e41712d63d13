"""A whole node behind a bitcoind that lies: nothing is credited on its word, it stops, and a person starts it again."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from chains.rpc.client import JsonRpc
from tests.integration.chains.evm.lying import LyingNode
from tests.scenario.house import BITCOIN, ETHEREUM, House
from tests.scenario.test_bitcoin_deposits import HALF, NOTHING, customer_with_address, state_and_balance
from wallet import schema
from wallet.deposits.confirm import confirm_deposits
from wallet.deposits.scan import scan
from wallet.networks.halt import resume_network
from wallet.observations.record import observe_network
from wallet.ports import BlockRef, BlockVanished, NetworkUnproven


@pytest.fixture
async def lying(house: House) -> AsyncIterator[LyingNode]:
    bitcoind = house.devnet.bitcoind
    node = LyingNode(bitcoind.url.replace("://", f"://{bitcoind.user}:{bitcoind.password}@"))
    await node.start()
    network: Any = house.context.networks[BITCOIN]
    await network._rpc.close()
    network._rpc = JsonRpc(node.url)
    yield node
    await node.stop()


async def halted(house: House) -> set[str]:
    return {row["id"] for row in await house.rows(schema.networks) if row["halt_reason"] is not None}


async def test_dpb_09_a_network_that_shows_a_forged_block_is_halted_until_a_person_has_looked(
    house: House, lying: LyingNode
) -> None:
    alice, address = await customer_with_address(house)
    bitcoind = house.devnet.bitcoind
    tx = await bitcoind.pay(address, "0.5")
    await bitcoind.mine()
    half, fifty = (50_000_000).to_bytes(8, "little").hex(), (5_000_000_000).to_bytes(8, "little").hex()
    lying.lies["getblock"] = lambda _, told: told.replace(half, fifty)
    with pytest.raises(NetworkUnproven):
        await house.step(BITCOIN)
    assert lying.told["getblock"] == 1
    assert (await house.deposits(), await halted(house)) == ([], {BITCOIN})
    await house.step(ETHEREUM)
    lying.lies.clear()
    await bitcoind.mine(2)
    await house.step(BITCOIN)
    assert await state_and_balance(house, alice) == ("confirming", NOTHING)  # halted: seen, and not credited
    assert await resume_network(house.context, "test", BITCOIN, "the provider was replaced")
    await house.step(BITCOIN)
    assert await state_and_balance(house, alice) == ("credited", HALF)
    assert (await house.deposits())[0]["tx"] == tx
    await house.prove()


@pytest.mark.whole
async def test_dpb_09_confirmations_that_a_node_only_claims_credit_nothing(house: House, lying: LyingNode) -> None:
    alice, address = await customer_with_address(house)
    bitcoind = house.devnet.bitcoind
    await bitcoind.pay(address, "0.5")
    await bitcoind.mine()
    height = int(await bitcoind.rpc("getblockcount"))
    lying.lies["getblockchaininfo"] = lambda _, told: {**told, "blocks": height + 50}
    lying.lies["getblockheader"] = lambda _, told: {**told, "confirmations": 51} if isinstance(told, dict) else told
    for _ in range(3):
        with pytest.raises(BlockVanished):
            await house.step(BITCOIN)
    assert lying.told["getblockchaininfo"] >= 3
    assert await house.available(alice, "BTC") == NOTHING
    lying.lies.clear()
    await bitcoind.mine(2)
    await house.step(BITCOIN)
    assert await state_and_balance(house, alice) == ("credited", HALF)
    await house.prove()


async def test_dpb_09_depth_counts_to_the_last_block_that_was_read_and_no_further(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Far behind a tip that is only claimed, as in a catch-up that one step does not finish."""
    alice, address = await customer_with_address(house)
    bitcoind, network = house.devnet.bitcoind, house.context.networks[BITCOIN]
    await bitcoind.pay(address, "0.5")
    await bitcoind.mine()
    tip, _ = await scan(house.context, network)
    claimed = BlockRef(tip.height + 50, "claimed")

    async def final() -> BlockRef:
        return claimed

    monkeypatch.setattr(network, "final", final)
    await observe_network(house.context, network)
    assert await house.rows(schema.observations) != []  # so that nothing else keeps it from being credited
    await confirm_deposits(house.context, network, claimed, claimed)
    assert await state_and_balance(house, alice) == ("confirming", NOTHING)
    await house.prove()
