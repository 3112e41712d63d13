"""More is claimed than a network states that we hold: refused before the commit, by every instance, whatever the scan saw."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from node.database import Dsns
from tests.fakes.world import BITCOIN, BTC, DUSD, ETH, ETHEREUM, EUR, SEPA, World, running_world, second_instance
from wallet import schema
from wallet.addresses.assign import assign_address
from wallet.breaks.open import reconcile_network
from wallet.breaks.resolve import look_into, resolve_break
from wallet.deposits.confirm import confirm_deposits
from wallet.deposits.disbelieve import disbelieve_deposit
from wallet.deposits.scan import scan
from wallet.errors import BeyondObserved, NotAllowed
from wallet.ids import CustomerId, NetworkId
from wallet.journal.change import Ceiling, Change, EventKind
from wallet.ledger import accounts, templates
from wallet.ledger.reconcile import positions
from wallet.money import Amount, Asset
from wallet.observations.record import observations, observe_network

CLAIMS = 40


@pytest.fixture
async def worlds(dsns: Dsns, tmp_path: Path) -> AsyncIterator[list[World]]:
    """Three instances of one node."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(running_world(dsns, tmp_path))
        others = [await stack.enter_async_context(second_instance(first, dsns, tmp_path)) for _ in range(2)]
        yield [first, *others]


async def address_of(world: World, owner: CustomerId, network: NetworkId) -> str:
    return str((await assign_address(world.context, "test", owner, network))["address"])


async def owed(world: World, asset: Asset) -> int:
    table = schema.accounts
    rows = await world.context.all(table.select().where(table.c.code == "balance", table.c.asset == asset.symbol))
    return sum(row["credits_posted"] for row in rows)


@pytest.mark.parametrize(("network", "asset"), [(ETHEREUM, DUSD), (BITCOIN, BTC), (SEPA, EUR)])
async def test_led_13_mass_credit_beyond_what_is_there_is_refused_by_every_instance(
    worlds: list[World], network: NetworkId, asset: Asset
) -> None:
    """Real money for a few of the claims: exactly that much is credited, by three instances at once."""
    first, net = worlds[0], worlds[0].networks[network]
    owner = await first.customer("mallory")
    address = await address_of(first, owner, network)
    for _ in range(CLAIMS):
        net.claim(address, Amount(1_000, asset))
    net.pay_in(address, Amount(3_500, asset))
    net.mine(net.depth)

    for _ in range(3):
        await asyncio.gather(*(world.look(network) for world in worlds))

    assert 0 < await owed(first, asset) <= 3_500
    credited = [row for row in await first.context.all(schema.deposits.select()) if row["state"] == "credited"]
    assert len(credited) < CLAIMS
    (found,) = await reconcile_network(first.context, net, 0)
    assert found["asset"] == asset.symbol, "what stays without cover is named"


async def test_led_13_the_ceiling_holds_inside_the_journal_for_changes_in_one_batch(worlds: list[World]) -> None:
    """Many credits that each fit alone, decided on the same observation and committed at once through three writers."""
    ann = await worlds[0].customer("ann")
    place, unswept = accounts.hot(SEPA, EUR), accounts.deposits(SEPA, EUR)

    async def credit(world: World) -> bool:
        change = Change(
            "test",
            EventKind.DEPOSIT_CREDITED,
            {},
            entry=templates.deposit_credited(ann, SEPA, Amount(100, EUR), swept_later=False),
            ceilings=(Ceiling((place, unswept), 1_050),),
        )
        try:
            await world.context.journal.commit(change)
        except BeyondObserved:
            return False
        return True

    made = await asyncio.gather(*(credit(world) for world in worlds * 20))
    assert sum(made) == 10
    assert await owed(worlds[0], EUR) == 1_000


async def test_a_deposit_waits_for_an_observation_at_its_height_and_is_then_credited(worlds: list[World]) -> None:
    world = worlds[0]
    owner, net = await world.customer("bob"), world.networks[ETHEREUM]
    address = await address_of(world, owner, ETHEREUM)
    for round_of in range(2):
        net.pay_in(address, Amount(10, ETH))
        net.mine(net.depth)
        tip, final = await scan(world.context, net)
        await confirm_deposits(world.context, net, tip, final)
        assert await owed(world, ETH) == 10 * round_of, "not seen at this height yet"
        await observe_network(world.context, net)
        await confirm_deposits(world.context, net, tip, final)
        assert await owed(world, ETH) == 10 * (round_of + 1)


async def test_observations_are_written_only_when_a_deposit_needs_one(worlds: list[World]) -> None:
    world = worlds[0]
    await world.fund(await world.customer("carol"), "DUSD", "5")
    before = (await observations(world.context, ETHEREUM))["DUSD"]
    assert set(await observations(world.context, ETHEREUM)) == {"DUSD"}
    for _ in range(10):
        world.networks[ETHEREUM].mine()
        await world.look(ETHEREUM)
    assert (await observations(world.context, ETHEREUM))["DUSD"] == before


async def test_a_claim_that_no_balance_bears_out_is_never_credited_and_ends_without_a_loss(worlds: list[World]) -> None:
    world, net = worlds[0], worlds[0].networks[ETHEREUM]
    owner = await world.customer("dave")
    net.claim(await address_of(world, owner, ETHEREUM), Amount(10**9, DUSD))
    net.mine(4)
    await world.look(ETHEREUM)
    (found,) = await reconcile_network(world.context, net, 0)
    name = str(found["id"])

    with pytest.raises(NotAllowed, match="disbelieve"):
        await resolve_break(world.context, "test", name, "written off", book_loss=True)
    (claim,) = (await look_into(world.context, name, lambda _done, _of: None)).claims
    await disbelieve_deposit(world.context, "test", claim["id"])
    await resolve_break(world.context, "test", name, "a log without money")
    assert await reconcile_network(world.context, net, 0) == []
    assert await owed(world, DUSD) == 0
    assert all(p.difference == 0 for p in await positions(world.context))
