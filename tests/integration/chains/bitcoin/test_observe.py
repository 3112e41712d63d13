import pytest

from chains.bitcoin import observe
from chains.bitcoin.network import UtxoNetwork
from node.devnet.bitcoind import Bitcoind
from tests.integration.chains.bitcoin.wallet import Book, coins, paying
from tests.unit.chains.bitcoin.material import HOT


async def test_what_we_own_is_what_the_nodes_own_set_of_outputs_says(
    chain: Bitcoind, network: UtxoNetwork, book: Book
) -> None:
    available = await coins(chain, network, book, "0.3", "0.20000001")
    ours = [*(coin.address for coin in available), HOT.address]
    tip = await network.tip()
    before = await network.observe(ours, tip)
    assert before.block == tip
    hot_before = (await network.observe([HOT.address], tip)).units["BTC"]
    assert before.units == {"BTC": 50_000_001 + hot_before}

    unsigned, submission = await paying(network, available, (await chain.new_address(), 35_000_000))
    await network.submit(submission)
    assert await network.observe(ours, tip) == before  # what is in no block is not moved yet
    await chain.mine()
    after = await network.observe(ours, tip)
    assert after.block == await network.tip() != tip
    assert after.units == {"BTC": before.units["BTC"] - 35_000_000 - unsigned.fee_max.units}


async def test_the_parts_of_an_observation_add_up_and_no_address_counts_twice(
    chain: Bitcoind, network: UtxoNetwork, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = [coin.address for coin in await coins(chain, network, book, "0.1", "0.2", "0.3")]
    monkeypatch.setattr(observe, "ADDRESSES_PER_SCAN", 2)
    seen = await network.observe([*addresses, *addresses], await network.tip())
    assert seen.units == {"BTC": 60_000_000}


async def test_without_addresses_there_is_nothing_but_a_block(network: UtxoNetwork) -> None:
    seen = await network.observe([], await network.tip())
    assert (seen.block, seen.units) == (await network.tip(), {"BTC": 0})
