import pytest

from chains.bitcoin.coins import P2WPKH_INPUT_WEIGHT, fee_units, vsize
from chains.bitcoin.network import UtxoNetwork
from node.devnet.bitcoind import Bitcoind
from tests.integration.chains.bitcoin.wallet import Book, network_on
from tests.unit.chains.bitcoin.material import BTC
from wallet.money import Amount, Asset
from wallet.ports import NetworkRejected


async def test_without_history_the_fee_is_the_least_that_the_node_relays(chain: Bitcoind, network: UtxoNetwork) -> None:
    state = await chain.rpc("getmempoolinfo")
    lowest = round(max(state["mempoolminfee"], state["minrelaytxfee"]) * 10**8)
    fee = await network.estimate_fee(BTC)
    assert fee.rate >= lowest > 0
    assert fee.units == Amount(fee_units(vsize([P2WPKH_INPUT_WEIGHT] * 2, (43, 31)), fee.rate), BTC)


async def test_wdr_11_a_fee_never_passes_the_bound_even_where_the_network_asks_more(
    chain: Bitcoind, network: UtxoNetwork
) -> None:
    lowest = (await network.estimate_fee(BTC)).rate
    tight = network_on(chain, Book(), rate_max=lowest)
    assert (await tight.estimate_fee(BTC)).rate == lowest
    await tight.close()
    if lowest > 1:
        impossible = network_on(chain, Book(), rate_max=1)
        with pytest.raises(NetworkRejected, match="above the 1 allowed"):
            await impossible.estimate_fee(BTC)
        await impossible.close()


async def test_a_foreign_asset_has_no_fee_here(network: UtxoNetwork) -> None:
    with pytest.raises(ValueError, match="BTC only"):
        await network.estimate_fee(Asset("ETH", 18))
