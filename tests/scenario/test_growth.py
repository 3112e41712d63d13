"""Value that no block names: found where it lies, credited once if it is ether, shown if it is a token."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from node.database import Dsns
from node.devnet.contracts import Artefact
from node.devnet.networks import Devnet
from node.workers.follow_network import follow_network
from tests.contracts import hostile
from tests.databases import FreshDatabases
from tests.integration.chains.evm.chain import calldata, deploy, mint, send
from tests.integration.chains.evm.lying import Alter, LyingNode, Refusal
from tests.scenario.house import ETHEREUM, House, open_house
from tests.scenario.paid_in import figures
from wallet import schema
from wallet.breaks.open import reconcile_network
from wallet.deposits.attribute import attribute_deposit
from wallet.deposits.detect import record_block
from wallet.deposits.one_provider import accept_deposit
from wallet.errors import NotAllowed
from wallet.growth import find
from wallet.ids import CustomerId
from wallet.money import Amount
from wallet.ports import Block, Incoming

ETHER = 10**18
NO_TRACES = {"COFFER__NETWORKS__ETHEREUM__TRACES": "false"}


@pytest.fixture
async def blind(devnet: Devnet, dsns: Dsns, tmp_path: Path) -> AsyncIterator[House]:
    """A node whose provider has no traces."""
    async with open_house(devnet, dsns, tmp_path / "node", environment=NO_TRACES) as opened:
        yield opened


@pytest.fixture
async def payer(devnet: Devnet) -> str:
    contract = await deploy(devnet.anvil, hostile("Payer"))
    await send(devnet.anvil, contract, wei=50 * ETHER)
    return contract


@asynccontextmanager
async def behind_provider(devnet: Devnet, dsns: Dsns, folder: Path) -> AsyncIterator[tuple[House, LyingNode]]:
    """A node whose provider has no traces and can be told to lie."""
    provider = LyingNode(devnet.anvil.url)
    await provider.start()
    try:
        settings = {**NO_TRACES, "COFFER__NETWORKS__ETHEREUM__URL": provider.url}
        async with open_house(devnet, dsns, folder, environment=settings) as house:
            yield house, provider
    finally:
        await provider.stop()


def forgetting(blocks: Collection[str]) -> Alter:
    """What accounts were after these blocks is not there any more."""

    def alter(params: list[Any], truth: Any) -> Any:
        if params[1].get("blockHash") in blocks:
            raise Refusal(-32000, "missing trie node 5f (path )")
        return truth

    return alter


async def look(house: House, blocks: int = 4) -> None:
    """A block and a look each, with nothing swept."""
    for _ in range(blocks):
        await house.devnet.anvil.mine()
        await follow_network(house.context, house.context.networks[ETHEREUM])


async def pay_inside(house: House, payer: str, address: str, wei: int) -> dict[str, Any]:
    return await send(house.devnet.anvil, payer, data=calldata("payOne(address,uint256)", address, wei))


async def shown(house: House, asset: str = "ETH") -> list[tuple[str, str | None, int]]:
    return [(row["state"], row["reason"], row["units"]) for row in await house.deposits() if row["asset"] == asset]


async def ether(house: House, owner: CustomerId) -> int:
    available, _ = await figures(house, owner, "ETH")
    return available


async def test_dpe_05_what_a_contract_pays_is_credited_once_without_traces(blind: House, payer: str) -> None:
    alice = await blind.customer("alice")
    address = await blind.address(alice, ETHEREUM)
    receipt = await pay_inside(blind, payer, address, 3 * ETHER)
    await look(blind)
    assert await shown(blind) == [("credited", None, 3 * ETHER)]
    (deposit,) = await blind.deposits()
    assert deposit["identity"].startswith(f"growth:ETH:{address}:")
    assert deposit["height"] >= int(receipt["blockNumber"], 16)
    await look(blind)
    assert await ether(blind, alice) == 3 * ETHER
    await blind.settled()
    await blind.prove()


@pytest.mark.whole
async def test_dpe_05_what_blocks_name_and_what_they_do_not_add_up(blind: House, payer: str) -> None:
    """Plain and inner payments, before and after sweeps: each is credited, and the books agree to the last wei."""
    alice = await blind.customer("alice")
    address = await blind.address(alice, ETHEREUM)
    total = 0
    for number in range(1, 4):
        await pay_inside(blind, payer, address, number * ETHER + number)
        await blind.devnet.outside.send_ether(address, number * 10**17, account=1)
        total += number * ETHER + number + number * 10**17
        await blind.settled()
    assert await ether(blind, alice) == total
    assert {state for state, _, _ in await shown(blind)} == {"credited"}
    await blind.settled()
    await blind.prove()


async def test_dpe_05_ether_that_no_tx_brought_is_credited_although_the_node_has_traces(house: House) -> None:
    """A block's reward, say."""
    alice = await house.customer("alice")
    address = await house.address(alice, ETHEREUM)
    await house.devnet.anvil.mine()
    await house.devnet.anvil.rpc("anvil_setBalance", address, hex(2 * ETHER))
    await look(house, 5)
    assert await shown(house) == [("credited", None, 2 * ETHER)]
    await house.settled()
    await house.prove()


async def test_dpe_05_what_lay_there_before_these_books_is_nobodys(
    devnet: Devnet, dsns: Dsns, databases: FreshDatabases, tmp_path: Path, payer: str
) -> None:
    """An old seed under new books gives out its old addresses again."""
    folder = tmp_path / "node"
    async with open_house(devnet, dsns, folder) as first:
        address = await first.address(await first.customer("old"), ETHEREUM)
        await pay_inside(first, payer, address, ETHER)
        await devnet.anvil.mine(4)
    fresh = await databases.migrated()
    async with open_house(devnet, fresh, folder) as house:
        alice = await house.customer("alice")
        assert await house.address(alice, ETHEREUM) == address
        await look(house)
        assert await shown(house) == [("quarantined", "unattributed", ETHER)]
        await pay_inside(house, payer, address, 5 * ETHER)
        await look(house)
        assert await ether(house, alice) == 5 * ETHER
        await house.prove()
    await databases.drop(fresh.owner)


@pytest.mark.whole
async def test_growth_is_found_once_although_the_look_begins_again(blind: House, payer: str) -> None:
    alice = await blind.customer("alice")
    address = await blind.address(alice, ETHEREUM)
    await pay_inside(blind, payer, address, ETHER)
    await look(blind)
    async with blind.context.ops.begin() as connection:
        await connection.execute(delete(schema.growth_passes))
    await pay_inside(blind, payer, address, 2 * ETHER)
    await look(blind)
    assert await shown(blind) == [("credited", None, ETHER), ("credited", None, 2 * ETHER)]
    await blind.prove()


@pytest.mark.whole
async def test_growth_that_a_better_node_explains_later_is_not_credited_again(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, payer: str
) -> None:
    """The scan's place is lost as well, so that the blocks are read again, now with traces."""
    async with open_house(devnet, dsns, tmp_path / "node", environment=NO_TRACES) as house:
        alice = await house.customer("alice")
        await pay_inside(house, payer, await house.address(alice, ETHEREUM), ETHER)
        await look(house)
        assert await ether(house, alice) == ETHER
        async with house.context.ops.begin() as connection:
            for table in (schema.scan_cursors, schema.scanned_blocks, schema.growth_passes):
                await connection.execute(delete(table).where(table.c.network == ETHEREUM))
    async with open_house(devnet, dsns, tmp_path / "node") as house:
        await look(house)
        assert sorted(await shown(house), key=str) == [
            ("credited", None, ETHER),
            ("quarantined", "in_growth", ETHER),
        ]
        assert await ether(house, alice) == ETHER
        await house.settled()
        await house.prove()


@pytest.mark.whole
async def test_every_address_has_its_turn_a_few_at_a_time(
    blind: House, payer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "PAGE_SIZE", 2)
    owners = [await blind.customer(f"number{place}") for place in range(5)]
    addresses = [await blind.address(owner, ETHEREUM) for owner in owners]
    data = calldata("payMany(address[],uint256)", addresses, ETHER)
    await send(blind.devnet.anvil, payer, data=data)
    await look(blind, 8)
    assert [await ether(blind, owner) for owner in owners] == [place * ETHER for place in range(1, 6)]


@pytest.mark.whole
async def test_a_beginning_that_the_node_has_forgotten_makes_growth_nobodys_until_a_person_says_whose(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, payer: str
) -> None:
    """A node that keeps the state of a few blocks, and ours was down for longer."""
    async with behind_provider(devnet, dsns, tmp_path / "node") as (house, provider):
        alice = await house.customer("alice")
        address = await house.address(alice, ETHEREUM)
        await look(house)
        await pay_inside(house, payer, address, ETHER)
        await devnet.anvil.mine(30)
        async with house.context.ops.begin() as connection:
            await connection.execute(delete(schema.growth_passes))  # as if it had never looked at this address
        height = int(await devnet.anvil.rpc("eth_blockNumber"), 16)
        provider.lies["eth_call"] = forgetting(await ids_below(house, height - 10))
        await look(house)
        assert provider.told["eth_call"]
        assert await shown(house) == [("quarantined", "unattributed", ETHER)]
        (deposit,) = await house.deposits()
        await attribute_deposit(house.context, "op", deposit["id"], str(alice), "she showed the tx")
        await look(house)
        assert await ether(house, alice) == ETHER
        await house.step()


@pytest.mark.whole
async def test_growth_where_the_node_has_looked_before_needs_no_old_state(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, payer: str
) -> None:
    async with behind_provider(devnet, dsns, tmp_path / "node") as (house, provider):
        alice = await house.customer("alice")
        address = await house.address(alice, ETHEREUM)
        await look(house, 2)
        await pay_inside(house, payer, address, ETHER)
        await devnet.anvil.mine(30)
        height = int(await devnet.anvil.rpc("eth_blockNumber"), 16)
        provider.lies["eth_call"] = forgetting(await ids_below(house, height - 10))
        await look(house)
        assert provider.told["eth_call"]
        assert await shown(house) == [("credited", None, ETHER)]
        await house.step()


async def ids_below(house: House, height: int) -> set[str]:
    rows = [await house.devnet.anvil.rpc("eth_getBlockByNumber", hex(one), False) for one in range(height)]
    return {str(row["hash"]) for row in rows}


@pytest.mark.whole
async def test_a_look_at_all_addresses_goes_on_at_a_newer_block_when_the_old_state_is_gone(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, payer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "PAGE_SIZE", 1)
    async with behind_provider(devnet, dsns, tmp_path / "node") as (house, provider):
        owners = [await house.customer(f"number{place}") for place in range(3)]
        addresses = [await house.address(owner, ETHEREUM) for owner in owners]
        await send(devnet.anvil, payer, data=calldata("payMany(address[],uint256)", addresses, ETHER))
        await devnet.anvil.mine(3)  # it is final
        await look(house, 2)
        (row,) = await house.context.all(select(schema.growth_passes))
        assert not row["done"]

        provider.lies["eth_call"] = forgetting({row["block"]})
        await look(house, 12)
        assert provider.told["eth_call"]
        assert [await ether(house, owner) for owner in owners] == [ETHER, 2 * ETHER, 3 * ETHER]
        await house.step()


@pytest.mark.whole
async def test_dust_that_a_contract_pays_is_shown_and_not_credited(blind: House, payer: str) -> None:
    alice = await blind.customer("alice")
    await pay_inside(blind, payer, await blind.address(alice, ETHEREUM), 7)
    await look(blind)
    assert await shown(blind) == [("quarantined", "dust", 7)]
    await blind.prove()


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def with_token(devnet: Devnet, dsns: Dsns, folder: Path, artefact: Artefact) -> Any:
    return open_house(replace(devnet, dev_dollar=await deploy(devnet.anvil, artefact)), dsns, folder)


async def test_dpe_11_a_token_that_moves_without_a_log_is_shown_and_not_credited(
    devnet: Devnet, dsns: Dsns, tmp_path: Path
) -> None:
    async with await with_token(devnet, dsns, tmp_path / "node", hostile("QuietToken")) as house:
        alice, token = await house.customer("alice"), house.devnet.dev_dollar
        address = await house.address(alice, ETHEREUM)
        await mint(devnet.anvil, token, (await devnet.anvil.accounts())[0], 9_000_000)
        for units in (5_000_000, 2_000_000):
            await send(devnet.anvil, token, data=calldata("transfer(address,uint256)", address, units))
            await look(house)
        assert await shown(house, "DUSD") == [("quarantined", "balance_grew", 7_000_000)]
        assert await figures(house, alice, "DUSD") == (0, 0)
        (deposit,) = await house.deposits()
        await accept_deposit(house.context, "op", deposit["id"], "the token is as it should be but for its logs")
        await send(devnet.anvil, token, data=calldata("transfer(address,uint256)", address, 1_000_000))
        await look(house)
        assert await figures(house, alice, "DUSD") == (7_000_000, 0)
        assert await shown(house, "DUSD") == [("credited", None, 7_000_000), ("quarantined", "balance_grew", 1_000_000)]


async def test_dpe_11_growth_that_a_tx_explains_by_now_is_not_accepted_beside_it(
    devnet: Devnet, dsns: Dsns, tmp_path: Path
) -> None:
    """A rescan has read the tx, and the next look at the address is yet to come."""
    async with await with_token(devnet, dsns, tmp_path / "node", hostile("QuietToken")) as house:
        alice, token = await house.customer("alice"), house.devnet.dev_dollar
        address, network = await house.address(alice, ETHEREUM), house.context.networks[ETHEREUM]
        await mint(devnet.anvil, token, (await devnet.anvil.accounts())[0], 9_000_000)
        await send(devnet.anvil, token, data=calldata("transfer(address,uint256)", address, 5_000_000))
        await look(house)
        (grown,) = await house.deposits()
        tx = "0x" + "ab" * 32
        told = Incoming(f"31337:{tx}:log:0", address, Amount(5_000_000, house.context.asset("DUSD")), tx)
        await record_block(
            house.context, network, Block(grown["height"], grown["block"], "", grown["created_at"], (told,))
        )
        assert await shown(house, "DUSD") == [("quarantined", "balance_grew", 5_000_000), ("detected", None, 5_000_000)]
        with pytest.raises(NotAllowed, match="a tx tells of it"):
            await accept_deposit(house.context, "op", grown["id"], "it is there")
        await look(house)
        assert [state for state, _, _ in await shown(house, "DUSD")] == ["orphaned", "credited"]
        assert await figures(house, alice, "DUSD") == (5_000_000, 0)


async def test_dpe_11_what_a_rebasing_token_adds_is_shown_and_what_it_takes_away_stops_it(
    devnet: Devnet, dsns: Dsns, tmp_path: Path
) -> None:
    async with await with_token(devnet, dsns, tmp_path / "node", hostile("RebasingToken")) as house:
        alice, token, network = await house.customer("alice"), house.devnet.dev_dollar, house.context.networks[ETHEREUM]
        await mint(devnet.anvil, token, await house.address(alice, ETHEREUM), 1_000_000)
        await look(house)
        assert await figures(house, alice, "DUSD") == (1_000_000, 0)
        await send(devnet.anvil, token, data=calldata("rebase(uint256,uint256)", 3, 2))
        await look(house)
        assert await shown(house, "DUSD") == [
            ("credited", None, 1_000_000),
            ("quarantined", "balance_grew", 500_000),
        ]
        assert await reconcile_network(house.context, network, 0) == []
        await send(devnet.anvil, token, data=calldata("rebase(uint256,uint256)", 1, 3))
        await look(house)
        assert ("orphaned", "left_again", 500_000) in await shown(house, "DUSD")
        (found,) = await reconcile_network(house.context, network, 0)
        assert (found["asset"], found["units"]) == ("DUSD", 500_000)
        await send(devnet.anvil, token, data=calldata("rebase(uint256,uint256)", 5, 1))
        await look(house)
        assert ("quarantined", "balance_grew", 1_500_000) in await shown(house, "DUSD")
        assert await figures(house, alice, "DUSD") == (1_000_000, 0)
