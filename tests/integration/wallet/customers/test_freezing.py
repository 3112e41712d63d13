"""A freeze holds in every asset, also in those listed after it, however listing and freezing overtake each other."""

import asyncio

import pytest

from tests.fakes.world import EUR, World
from wallet import schema
from wallet.context import ACTOR_NODE
from wallet.customers.freeze import freeze_customer, freeze_in, unfreeze_customer
from wallet.errors import AccountFrozen
from wallet.ids import CustomerId
from wallet.journal.change import Request
from wallet.ledger.accounts import Flags
from wallet.money import Asset, parse_amount
from wallet.networks.open import list_asset
from wallet.payments.send import send_payment

NEW = Asset("NEW", 6)


async def flags_of(world: World, owner: CustomerId, symbol: str) -> Flags:
    table = schema.accounts
    row = await world.context.one(table.select().where(table.c.id == f"{owner}:balance:{symbol}"))
    return Flags.NO_OVERDRAFT if row is None else Flags(row["flags"])


async def test_an_asset_that_is_listed_later_finds_who_is_frozen(world: World) -> None:
    alice, bob = await world.customer("alice"), await world.customer("bob")
    await freeze_customer(world.context, "test", alice, "a test")
    await list_asset(world.context, NEW)
    assert await flags_of(world, alice, "NEW") == Flags.NO_OVERDRAFT | Flags.FROZEN
    assert await flags_of(world, bob, "NEW") == Flags.NO_OVERDRAFT
    await unfreeze_customer(world.context, "test", alice, "it was a test")
    assert await flags_of(world, alice, "NEW") == Flags.NO_OVERDRAFT
    await freeze_in(world.context, NEW)
    assert await flags_of(world, alice, "NEW") == Flags.NO_OVERDRAFT


async def test_a_freeze_covers_what_another_process_has_listed_since_this_one_started(world: World) -> None:
    alice = await world.customer("alice")
    assert "NEW" not in world.context.assets
    await list_asset(world.context, NEW)
    await freeze_customer(world.context, "test", alice, "a test")
    assert await flags_of(world, alice, "NEW") == Flags.NO_OVERDRAFT | Flags.FROZEN


async def test_listing_and_freezing_at_once_leave_nobody_out(world: World) -> None:
    owners = [await world.customer(f"customer{n}") for n in range(8)]
    frozen = [freeze_customer(world.context, "test", owner, "a test") for owner in owners]
    listed = [list_asset(world.context, Asset(f"NEW{n}", 2)) for n in range(8)]
    await asyncio.gather(*[work for pair in zip(frozen, listed, strict=True) for work in pair])
    found = {(owner, n): await flags_of(world, owner, f"NEW{n}") for owner in owners for n in range(8)}
    assert set(found.values()) == {Flags.NO_OVERDRAFT | Flags.FROZEN}


async def test_what_is_frozen_is_not_paid(world: World) -> None:
    alice, bob = await world.customer("alice"), await world.customer("bob")
    await world.fund(alice, "EUR", "5")
    await freeze_customer(world.context, ACTOR_NODE, alice, "a test")
    with pytest.raises(AccountFrozen):
        await send_payment(
            world.context, "test", alice, bob, parse_amount("1", EUR), None, Request(alice, "payment.send", "k", b"d")
        )
