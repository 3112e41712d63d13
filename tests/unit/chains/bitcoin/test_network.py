"""What the adapter refuses to be made of, and that it is a network at all."""

from pathlib import Path
from typing import Any

import pytest

from chains.bitcoin.network import UtxoNetwork
from tests.unit.chains.bitcoin.material import BTC, HOT, PUBLIC_KEYS, STRANGER, built, coin, payment
from wallet.ids import NetworkId
from wallet.money import Amount, Asset
from wallet.ports import Branch, Destination, Fee, FileSource, Listing, Network, NonceSource

BITCOIN = NetworkId("bitcoin")


def made(**changes: Any) -> UtxoNetwork:
    settings: dict[str, Any] = {
        "id": BITCOIN,
        "url": "http://127.0.0.1:9",
        "chain": "regtest",
        "confirmations": 3,
        "public_keys": PUBLIC_KEYS,
        "book": None,
        "listings": [Listing(BITCOIN, BTC, None, 8)],
        "user": "user",
        "password": "password",
    }
    return UtxoNetwork(**{**settings, **changes})


async def test_it_is_a_network_as_the_wallet_sees_networks() -> None:
    network: Network = made()
    assert network.derive(Branch.HOUSE, 0) == HOT
    assert network.fee_asset == BTC
    assert await network.next_nonce(HOT.address) == 0
    assert network.check_destination(Destination(STRANGER.upper())) == Destination(STRANGER)
    payload = built((coin(1, 300_000),), payment(100_000)).payload
    assert network.show(payload)["signed"] is False
    await network.close()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"chain": "dogecoin"}, "is one of main, testnet, signet, regtest"),
        ({"chain": "main"}, "not for the chain main"),
        ({"confirmations": 0}, "one confirmation"),
        ({"listings": []}, "one asset"),
        ({"listings": [Listing(BITCOIN, BTC, "0xabc", 8)]}, "one asset"),
        ({"listings": [Listing(BITCOIN, BTC, None, 6)]}, "one asset"),
        ({"listings": [Listing(BITCOIN, Asset("BTC", 18), None, 8)]}, "one asset"),
        ({"password": None}, "user and password, or with a cookie file"),
        ({"cookie_file": Path("cookie")}, "user and password, or with a cookie file"),
        ({"url": "ftp://127.0.0.1"}, "http"),
    ],
)
def test_a_configuration_that_cannot_be_right_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        made(**changes)


@pytest.mark.parametrize("source", [NonceSource(HOT.address, HOT.path, 0), FileSource("message", None)])  # type: ignore[arg-type]
async def test_only_unspent_outputs_pay_here(source: NonceSource | FileSource) -> None:
    with pytest.raises(TypeError, match="unspent outputs"):
        await made().build([payment(1_000)], source, Fee(1_000, Amount(1, BTC)))
