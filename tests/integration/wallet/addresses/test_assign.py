"""An address belongs to one owner for ever, however many ask at once, in however many processes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from node.database import Dsns
from tests.fakes.network import FakeNetwork
from tests.fakes.world import BITCOIN, ETH, ETHEREUM, World, second_instance
from tests.integration.wallet.changes import connected, proven
from wallet.addresses.ahead import FIRST_RESERVED
from wallet.addresses.assign import assign_address, first_address, new_address
from wallet.customers.close import close_customer
from wallet.errors import AddressKindUnknown, CustomerClosed, NotFound
from wallet.ids import CustomerId, NetworkId
from wallet.journal import Change, EventKind, Insert
from wallet.journal.body import request_digest
from wallet.journal.change import Request
from wallet.ports import Branch

POLYGON = NetworkId("polygon")


@pytest.fixture
async def other(world: World, dsns: Dsns, tmp_path: Path) -> AsyncIterator[World]:
    async with second_instance(world, dsns, tmp_path) as made:
        yield made


def asked(owner: str, key: str) -> Request:
    return Request(owner, "address.add", key, request_digest({"network": BITCOIN}))


async def added(world: World, owner: CustomerId, network: NetworkId = BITCOIN, label: str | None = None) -> str:
    return str((await new_address(world.context, "test", owner, network, label)).result["address"])


async def test_no_two_customers_get_one_address_however_many_ask_at_once(
    dsns: Dsns, world: World, other: World
) -> None:
    owners = [await world.customer(f"customer_{number}") for number in range(30)]
    asking = [(owner, added(each, owner)) for owner in owners for each in (world, other) for _ in range(4)]
    asking += [(owner, first(each, owner)) for owner in owners for each in (world, other)]
    found = await asyncio.gather(*[work for _, work in asking])
    had: dict[str, set[str]] = {owner: set() for owner in owners}
    for (owner, _), address in zip(asking, found, strict=True):
        had[owner].add(address)
    assert sum(map(len, had.values())) == len(set().union(*had.values())), "an address was given twice"
    assert all(len(addresses) in (8, 9) for addresses in had.values())  # the first one may be the first of the others
    for owner in owners:
        assert await first(world, owner) == await first(other, owner)
    async with connected(dsns.books) as connection:
        held = await connection.fetch(
            "SELECT count(*), count(DISTINCT address) FROM addresses WHERE network = 'bitcoin'"
        )
        assert held[0][0] == held[0][1] == sum(map(len, had.values())) + 1  # and the house's
        reserved = await connection.fetchval("SELECT next FROM derivations WHERE id = 'bitcoin-deposit-0/deposit'")
    assert reserved >= 8 * len(owners)
    await proven(dsns.books)


async def first(world: World, owner: CustomerId) -> str:
    return str((await assign_address(world.context, "test", owner, BITCOIN))["address"])


async def test_the_first_address_stays_the_one_that_is_given_when_others_are_made(world: World) -> None:
    owner = await world.customer("alice")
    current = await first(world, owner)
    others = {await added(world, owner, label=f"order-{number}") for number in range(3)}
    assert await first(world, owner) == current
    assert len(others | {current}) == 4


async def test_an_address_asked_for_again_under_its_key_is_the_same_and_costs_none(world: World) -> None:
    owner = await world.customer("alice")
    made = await new_address(world.context, "test", owner, BITCOIN, None, asked(owner, "k"))
    again = await new_address(world.context, "test", owner, BITCOIN, None, asked(owner, "k"))
    assert (again.result, again.replayed, made.replayed) == (made.result, True, False)
    following = await added(world, owner)
    assert [made.result["address"], following] == ["bitcoin-deposit-0", "bitcoin-deposit-1"]


async def test_what_a_process_leaves_unused_is_never_given_by_another(world: World, other: World) -> None:
    owner = await world.customer("alice")
    assert await added(world, owner) == "bitcoin-deposit-0"
    assert await added(other, owner) == f"bitcoin-deposit-{FIRST_RESERVED}"
    assert await added(world, owner) == "bitcoin-deposit-1"


async def test_many_are_reserved_at_once_where_many_are_wanted(dsns: Dsns, world: World) -> None:
    owner = await world.customer("alice")
    for _ in range(10):
        await asyncio.gather(*[added(world, owner) for _ in range(20)])
    async with connected(dsns.books) as connection:
        times = await connection.fetchval("SELECT count(*) FROM journal WHERE kind = 'addresses.reserved'")
        given = await connection.fetchval("SELECT count(*) FROM addresses WHERE owner = $1", owner)
    assert (times, given) == (4, 200)  # 20 + 40 + 80 + 160


async def test_networks_of_one_tree_give_an_owner_one_address_and_no_index_to_two(world: World) -> None:
    world.networks[POLYGON] = polygon = FakeNetwork(POLYGON, (ETH,), world.networks[ETHEREUM].book, tree="ethereum")
    assert isinstance(world.context.networks, dict)
    world.context.networks[POLYGON] = polygon
    alice, bob = await world.customer("alice"), await world.customer("bob")
    one = await assign_address(world.context, "test", alice, ETHEREUM)
    same = await assign_address(world.context, "test", alice, POLYGON)
    assert (one["address"], one["id"] != same["id"]) == (same["address"], True)
    bobs = {str((await assign_address(world.context, "test", bob, each))["address"]) for each in (POLYGON, ETHEREUM)}
    bobs |= {await added(world, bob, each) for each in (POLYGON, ETHEREUM)}
    assert len(bobs) == 3
    assert one["address"] not in bobs


async def test_books_of_a_time_when_each_network_counted_for_itself_go_on_behind(world: World) -> None:
    old = (Insert("derivations", {"id": "bitcoin/deposit", "next": 7}),)
    await world.context.journal.commit(Change("test", EventKind.ADDRESS_ASSIGNED, {}, writes=old))
    assert await added(world, await world.customer("alice")) == "bitcoin-deposit-7"


async def test_a_closed_customer_gets_no_address_and_an_index_is_not_lost_by_it(world: World) -> None:
    owner, bob = await world.customer("alice"), await world.customer("bob")
    await added(world, owner)
    await close_customer(world.context, "test", owner, "left")
    with pytest.raises(CustomerClosed):
        await added(world, owner)
    with pytest.raises(CustomerClosed):
        await assign_address(world.context, "test", owner, ETHEREUM)
    assert await added(world, bob) == "bitcoin-deposit-1"
    assert await first_address(world.context, owner, ETHEREUM) is None


async def test_a_network_that_is_not_run_gives_no_address(world: World) -> None:
    owner = await world.customer("alice")
    with pytest.raises(NotFound):
        await added(world, owner, NetworkId("nowhere"))


# ── kinds of address ─────────────────────────────────────────────────────────────────────────────────────────────────

KINDS = {"p2wpkh": Branch.DEPOSIT, "p2tr": Branch.DEPOSIT_TAPROOT}


async def of_kind(world: World, owner: CustomerId, kind: str | None) -> dict[str, object]:
    return await assign_address(world.context, "test", owner, BITCOIN, kind)


async def test_a_customer_has_an_address_of_each_kind_that_is_asked_for_and_each_stays_the_same(
    world: World, dsns: Dsns
) -> None:
    owner, before = await world.customer("alice"), await world.customer("old")
    old = await first(world, before)
    network = world.networks[BITCOIN]
    network.capabilities = replace(network.capabilities, address_kinds=KINDS)
    made = {kind: await of_kind(world, owner, kind) for kind in KINDS}
    assert [made[kind]["kind"] for kind in KINDS] == list(KINDS)
    assert [made[kind]["address"] for kind in KINDS] == ["bitcoin-deposit-1", "bitcoin-deposit-taproot-0"]
    assert [await of_kind(world, owner, kind) for kind in KINDS] == list(made.values())
    assert await of_kind(world, owner, None) == made["p2wpkh"]
    assert (await of_kind(world, before, "p2wpkh"))["address"] == old
    more = await new_address(world.context, "test", owner, BITCOIN, None, None, "p2tr")
    assert more.result["address"] == "bitcoin-deposit-taproot-1"
    await proven(dsns.books)


@pytest.mark.parametrize("network", [BITCOIN, ETHEREUM])
async def test_a_kind_that_a_network_does_not_have_is_refused(world: World, network: NetworkId) -> None:
    owner = await world.customer("alice")
    with pytest.raises(AddressKindUnknown, match="p2sh"):
        await assign_address(world.context, "test", owner, network, "p2sh")
    with pytest.raises(AddressKindUnknown, match="p2sh"):
        await new_address(world.context, "test", owner, network, None, None, "p2sh")
