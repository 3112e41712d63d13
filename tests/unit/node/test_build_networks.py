"""Whom a network asks, and what one provider's word is worth."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from chains.bitcoin.network import UtxoNetwork
from chains.evm.network import EvmNetwork
from chains.quorum.quorum import Quorum
from node.build_networks import build_networks, listings_of
from tests.integration.chains.evm.chain import XPUBS as EVM_KEYS
from tests.unit.chains.bitcoin.material import PUBLIC_KEYS as BITCOIN_KEYS
from tests.unit.node.test_config import URL, WHOLE, changed, read
from wallet.ids import NetworkId
from wallet.ports import Listing, Network

ETHEREUM, BITCOIN = NetworkId("ethereum"), NetworkId("bitcoin")
KEYS = {"ethereum": EVM_KEYS, "bitcoin": BITCOIN_KEYS}
BITCOIN_URL = 'url = "http://127.0.0.1:18443"'
NO_BANK = WHOLE.partition("[networks.sepa]")[0]


class Nobodys:
    async def known(self, _network: NetworkId, addresses: Collection[str]) -> frozenset[str]:
        return frozenset()


def built(folder: Path, old: str, new: str) -> dict[NetworkId, Network]:
    assert old in NO_BANK
    text = NO_BANK.replace(old, new).replace('chain = "regtest"', 'chain = "regtest"\nuser = "u"')
    return build_networks(read(folder, text), KEYS, Nobodys()).adapters


def test_one_url_is_one_provider(tmp_path: Path) -> None:
    networks = built(tmp_path, URL, URL)
    assert isinstance(networks[ETHEREUM], EvmNetwork)
    assert isinstance(networks[BITCOIN], UtxoNetwork)


def test_several_providers_are_a_quorum_known_by_their_hosts(tmp_path: Path) -> None:
    urls = [
        "http://a.example:81/canary-secret",
        "http://user:canary-secret@a.example:81",
        "https://b.example?key=canary-secret",
    ]
    networks = built(tmp_path, URL, f"providers = {urls}")
    quorum = networks[ETHEREUM]
    assert isinstance(quorum, Quorum)
    assert [view.host for view in quorum.providers()] == ["a.example:81", "a.example:81 (2)", "b.example"]


def test_each_bitcoind_has_its_own_way_in(tmp_path: Path) -> None:
    ways = (
        'providers = ["http://x:y@a.example", "http://b.example",'
        ' { url = "http://c.example", cookie_file = ".cookie" }]'
    )
    quorum = built(tmp_path, BITCOIN_URL, ways)[BITCOIN]
    assert isinstance(quorum, Quorum)
    assert len(quorum.providers()) == 3


def bounds(folder: Path, *changes: tuple[str, str]) -> dict[str, tuple[int | None, int | None]]:
    text = WHOLE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    config = read(folder, text)
    found: list[Listing] = [one for name in config.networks for one in listings_of(config, NetworkId(name))]
    return {one.asset.symbol: (one.one_provider_max_units, one.one_provider_day_max_units) for one in found}


PRODUCTION = ('mode = "dev"', 'mode = "production"')
TWO = (URL, 'providers = ["http://a.example", "http://b.example"]')


def test_rpc_04_what_one_provider_alone_says_is_worth_so_much_in_production(tmp_path: Path) -> None:
    assert bounds(tmp_path, PRODUCTION) == {
        "ETH": (10 * 10**18, 100 * 10**18),
        "DUSD": (10_000 * 10**6, 100_000 * 10**6),
        "BTC": (10**8, 10 * 10**8),
        "EUR": (None, None),
    }


def test_rpc_04_the_bounds_may_be_named(tmp_path: Path) -> None:
    named = ('sweep_min = "0.001"', 'one_provider_max = "2", one_provider_day_max = "3"')
    assert bounds(tmp_path, PRODUCTION, named)["ETH"] == (2 * 10**18, 3 * 10**18)


@pytest.mark.parametrize("changes", [(), (PRODUCTION, TWO)])
def test_a_quorum_and_a_development_node_have_no_such_bounds(tmp_path: Path, changes: Any) -> None:
    assert bounds(tmp_path, *changes)["ETH"] == (None, None)


def test_rpc_04_a_quorum_of_one_is_one_provider(tmp_path: Path) -> None:
    assert bounds(tmp_path, PRODUCTION, (TWO[0], TWO[1] + "\nquorum = 1"))["ETH"] == (10 * 10**18, 100 * 10**18)


def test_a_provider_that_is_no_url_is_refused_without_telling_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="http") as refused:
        built(tmp_path, URL, 'providers = ["ftp://canary-secret", "http://b.example"]')
    assert "canary-secret" not in str(refused.value)
    assert changed(URL, URL) == WHOLE
