"""LED-10: decimals belong to a contract on a chain, never to a symbol; where they are missing or change nothing is credited."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chains.evm.listings import chain_units, ledger_amount
from chains.evm.proof import DOUBT_DECIMALS
from chains.evm.token import DECIMALS_CALL
from node.database import Dsns
from node.devnet.anvil import Anvil
from tests.fakes.world import ETHEREUM, running_world
from tests.integration.chains.evm.chain import DUSD, Ours, listed, mint
from tests.integration.chains.evm.lying import LyingNode, Refusal
from wallet.ids import NetworkId
from wallet.money import Amount, Asset, rescale
from wallet.networks.open import list_asset, open_network
from wallet.ports import Listing, NetworkMismatch

USDT = Asset("USDT", 6)
RAW = 10**18
EIGHTEEN = "0x" + f"{18:064x}"


def told_decimals(answer: str | None) -> Callable[[list[Any], Any], Any]:
    """What a contract says of its decimals from now on; None: it does not say."""

    def alter(parameters: list[Any], truth: Any) -> Any:
        if parameters[0]["data"] != DECIMALS_CALL:
            return truth
        if answer is None:
            raise Refusal(3, "execution reverted")
        return answer

    return alter


def test_led_10_the_same_number_on_two_chains_is_what_each_contract_counts_in() -> None:
    ethereum, bnb = Listing(NetworkId("ethereum"), USDT, "0x1", 6), Listing(NetworkId("bnb"), USDT, "0x2", 18)
    assert ledger_amount(RAW, ethereum) == (Amount(10**12 * 10**6, USDT), None)
    assert ledger_amount(RAW, bnb) == (Amount(10**6, USDT), None)
    for listing in (ethereum, bnb):
        for units in (1, 10**6, 123_456_789):
            on_chain = chain_units(Amount(units, USDT), listing)
            assert ledger_amount(on_chain, listing) == (Amount(units, USDT), None)
            assert on_chain == rescale(units, from_decimals=6, to_decimals=listing.decimals)


@pytest.mark.parametrize(("decimals", "units", "doubt"), [(6, RAW, None), (18, 10**6, None), (20, 10**4, None)])
def test_led_10_a_contract_is_read_in_its_own_decimals(decimals: int, units: int, doubt: str | None) -> None:
    assert ledger_amount(RAW, listed("0x1", USDT, decimals)) == (Amount(units, USDT), doubt)


@pytest.mark.parametrize("answer", [EIGHTEEN, None, "0x", "0x06"], ids=["others", "none", "empty", "no word"])
async def test_led_10_a_contract_of_other_or_no_decimals_than_were_listed_is_not_opened(
    deceived: Ours, lying: LyingNode, answer: str | None
) -> None:
    lying.lies["eth_call"] = told_decimals(answer)
    with pytest.raises(NetworkMismatch, match="decimals"):
        await deceived.network.identity()
    assert lying.told["eth_call"] > 0


@pytest.mark.parametrize("answer", [EIGHTEEN, None, "0x"], ids=["others", "none", "empty"])
async def test_led_10_decimals_that_change_after_the_listing_put_what_arrives_in_doubt(
    chain: Anvil, deceived: Ours, lying: LyingNode, dollar: str, answer: str | None
) -> None:
    address = deceived.address()
    before = int((await mint(chain, dollar, address, 10**6))["blockNumber"], 16)
    (sound,) = await deceived.arrivals(before)
    assert (sound.amount, sound.doubt) == (Amount(10**6, DUSD), None)
    lying.lies["eth_call"] = told_decimals(answer)
    after = int((await mint(chain, dollar, address, 10**18))["blockNumber"], 16)
    (arrival,) = await deceived.arrivals(after)
    assert (arrival.amount.units, arrival.doubt) == (10**18, DOUBT_DECIMALS)
    assert lying.told["eth_call"] > 0


async def test_led_10_the_books_refuse_a_listing_with_other_decimals_than_they_know(dsns: Dsns, tmp_path: Path) -> None:
    async with running_world(dsns, tmp_path) as world:
        network = world.networks[ETHEREUM]
        await open_network(world.context, network, "fake", "")
        known = network.listings
        network.listings = tuple(replace(listing, decimals=listing.decimals + 12) for listing in known)
        with pytest.raises(NetworkMismatch, match="decimals"):
            await open_network(world.context, network, "fake", "")
        with pytest.raises(NetworkMismatch, match="decimals"):
            await list_asset(world.context, Asset(known[0].asset.symbol, 9))
        network.listings = known
        await open_network(world.context, network, "fake", "")
