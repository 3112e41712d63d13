from collections.abc import Collection

import pytest

from chains.evm.network import EvmNetwork
from tests.unit.chains.evm.test_address import MIXED, XPUBS
from wallet.ids import NetworkId
from wallet.money import Asset
from wallet.ports import Destination, Listing, Network, Reversal, Source

HERE = NetworkId("ethereum")
ETH = Listing(HERE, Asset("ETH", 18), None, 18)
DUSD = Listing(HERE, Asset("DUSD", 6), MIXED.lower(), 6)


class NobodyKnown:
    async def known(self, network: NetworkId, addresses: Collection[str]) -> frozenset[str]:
        return frozenset()


def network(url: str = "http://127.0.0.1:9", tokens: tuple[Listing, ...] = (DUSD,)) -> Network:
    return EvmNetwork(
        id=HERE,
        url=url,
        chain_id=1,
        listings=[ETH, *tokens],
        public_keys=XPUBS,
        book=NobodyKnown(),
        max_fee_per_gas_wei=10**11,
    )


def test_it_declares_what_is_different_about_it() -> None:
    capabilities = network().capabilities
    assert (capabilities.source, capabilities.reversal) == (Source.NONCE, Reversal.REORG)
    assert capabilities.resend_safe
    assert capabilities.bumping is not None
    assert capabilities.sweeps
    assert not capabilities.customer_pays_fee
    assert not capabilities.personal_payload
    assert network().fee_asset == ETH.asset
    assert [listing.contract for listing in network().listings] == [None, MIXED]


def test_a_destination_becomes_canonical_and_loses_its_name() -> None:
    payee = "0xFB6916095CA1DF60BB79CE92CE3EA74C37C5D359"
    assert network().check_destination(Destination(payee, "Bob")) == Destination(
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
    )


@pytest.mark.parametrize("address", [MIXED, "0x" + "0" * 40, "bob", ""])
def test_a_destination_that_loses_money_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        network().check_destination(Destination(address))


def test_a_url_of_another_kind_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="http"):
        network("/var/run/geth.ipc")


async def test_the_smallest_payment_is_what_the_contract_can_express() -> None:
    coarse = Listing(HERE, Asset("COARSE", 6), "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359", 2)
    adapter = network(tokens=(coarse,))
    payee = Destination("0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB")
    assert (await adapter.smallest_payment(ETH.asset, payee)).units == 1
    assert (await adapter.smallest_payment(coarse.asset, payee)).units == 10_000
