"""Limits and rules where decisions race with them, and where clocks are wrong."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from node.database import Dsns
from tests.fakes.clock import StillClock
from tests.fakes.world import BITCOIN, BTC, EUR, SEPA, World
from tests.integration.wallet.changes import connected
from wallet.context import ACTOR_NODE, Context
from wallet.customers.freeze import freeze_customer, unfreeze_customer
from wallet.destinations.remove import remove_destination
from wallet.destinations.save import save_destination
from wallet.errors import AccountFrozen, DestinationNotYetUsable, LimitExceeded, Stale
from wallet.ids import CustomerId
from wallet.journal.change import Change, EventKind, Request
from wallet.limits.admit import Admission, admit_withdrawal
from wallet.money import Amount
from wallet.payments.send import send_payment
from wallet.ports import Destination
from wallet.proofs.verify import verify
from wallet.safeguards.change import set_rules
from wallet.safeguards.floor import SafetyFloor
from wallet.safeguards.operator_limits import set_operator_limits
from wallet.safeguards.rules import Caps, Rules
from wallet.withdrawals.request import request_withdrawal

BANK = Destination("fr7630006000011234567890189", "Zoe Example")
CHAIN = Destination("outside-1")
DAY_S = 86_400


def eur(units: int) -> Amount:
    return Amount(units, EUR)


def asked(owner: CustomerId, key: str) -> Request:
    return Request(owner, "test", key, key.encode())


async def withdraw(context: Context, owner: CustomerId, units: int, key: str) -> None:
    await request_withdrawal(context, ACTOR_NODE, owner, SEPA, eur(units), BANK, asked(owner, key))


async def commit(context: Context, admission: Admission) -> None:
    """An exit that rests on this admission alone."""
    change = Change("test", EventKind.PAYMENT_SENT, {}, requires=admission.requires, writes=admission.writes)
    await context.journal.commit(change)


async def test_wdr_12_a_limit_holds_for_what_was_decided_before_there_was_one(world: World) -> None:
    context, alice = world.context, await world.customer("alice")
    network = context.network(SEPA)
    early = await admit_withdrawal(context, alice, network, eur(900), BANK)
    await set_rules(context, ACTOR_NODE, alice, Rules(caps={"EUR": Caps(day_units=500)}))
    with pytest.raises(Stale):
        await commit(context, early)
    with pytest.raises(LimitExceeded):
        await admit_withdrawal(context, alice, network, eur(900), BANK)


async def test_wdr_12_of_two_exits_that_were_decided_on_one_sum_one_is_accepted(world: World) -> None:
    context, alice = world.context, await world.customer("alice")
    await set_operator_limits(context, ACTOR_NODE, alice, "EUR", Caps(day_units=500), "new")
    first, second = [await admit_withdrawal(context, alice, context.network(SEPA), eur(300), BANK) for _ in range(2)]
    await commit(context, first)
    with pytest.raises(Stale):
        await commit(context, second)


async def test_wdr_13_a_destination_that_is_removed_meanwhile_is_not_paid(world: World) -> None:
    context, alice = world.context, await world.customer("alice")
    await set_rules(context, ACTOR_NODE, alice, Rules(saved_only=True))
    saved = await save_destination(context, ACTOR_NODE, alice, BITCOIN, CHAIN, None)
    decided = await admit_withdrawal(context, alice, context.network(BITCOIN), Amount(1, BTC), CHAIN)
    await remove_destination(context, ACTOR_NODE, alice, str(saved.result["id"]))
    with pytest.raises(Stale):
        await commit(context, decided)


async def test_wdr_12_a_clock_that_was_set_back_stamps_nothing_out_of_its_window(world: World) -> None:
    alice = await world.customer("alice")
    await world.fund(alice, "EUR", "100.00")
    await set_rules(world.context, ACTOR_NODE, alice, Rules(caps={"EUR": Caps(day_units=1000, payments=True)}))
    behind = replace(world.context, clock=StillClock(datetime.now(UTC) - timedelta(hours=30)))
    bob = await world.customer("bob")
    await withdraw(behind, alice, 600, "w")
    await send_payment(behind, ACTOR_NODE, alice, "bob", eur(400), None, asked(alice, "p"))
    for context in (behind, world.context):
        with pytest.raises(LimitExceeded) as refused:
            await withdraw(context, alice, 1, f"w/{context is behind}")
        assert refused.value.detail["left"] == "0.00"
    await send_payment(world.context, ACTOR_NODE, bob, "alice", eur(400), None, asked(bob, "back"))


@pytest.mark.parametrize("hours", [-12, 0, 14])
async def test_wdr_13_no_zone_and_no_clock_that_was_set_back_shortens_a_delay(world: World, hours: int) -> None:
    alice, now = await world.customer("alice"), datetime.now(UTC)
    zone, floor = timezone(timedelta(hours=hours)), SafetyFloor(DAY_S)
    saving = StillClock((now - timedelta(days=3)).astimezone(zone))
    saved = await save_destination(
        replace(world.context, clock=saving, safety_floor=floor), ACTOR_NODE, alice, BITCOIN, CHAIN, None
    )
    usable_at = datetime.fromisoformat(str(saved.result["usable_at"]))
    assert usable_at >= now + timedelta(seconds=DAY_S) - timedelta(minutes=1)
    using = replace(world.context, safety_floor=SafetyFloor(0), clock=StillClock(now.astimezone(zone)))
    with pytest.raises(DestinationNotYetUsable):
        await admit_withdrawal(using, alice, using.network(BITCOIN), Amount(1, BTC), CHAIN)
    later = replace(using, clock=StillClock(usable_at.astimezone(zone)))
    assert (await admit_withdrawal(later, alice, later.network(BITCOIN), Amount(1, BTC), CHAIN)).requires


async def test_wdr_13_a_longer_delay_holds_at_once_for_what_still_waits_and_not_for_what_was_usable(
    world: World,
) -> None:
    alice, clock = await world.customer("alice"), StillClock(datetime.now(UTC) + timedelta(days=1))
    context = replace(world.context, clock=clock, safety_floor=SafetyFloor(DAY_S))
    network, elsewhere = context.network(BITCOIN), Destination("outside-2")
    await save_destination(context, ACTOR_NODE, alice, BITCOIN, CHAIN, None)
    clock.at += timedelta(hours=36)
    await save_destination(context, ACTOR_NODE, alice, BITCOIN, elsewhere, None)
    await set_rules(context, ACTOR_NODE, alice, Rules(destination_delay_s=3 * DAY_S))
    clock.at += timedelta(hours=71)
    await admit_withdrawal(context, alice, network, Amount(1, BTC), CHAIN)
    with pytest.raises(DestinationNotYetUsable):
        await admit_withdrawal(context, alice, network, Amount(1, BTC), elsewhere)
    clock.at += timedelta(hours=1)
    await admit_withdrawal(context, alice, network, Amount(1, BTC), elsewhere)


async def test_wdr_13_a_floor_that_is_lowered_shortens_no_loosening(world: World) -> None:
    alice = await world.customer("alice")
    before = replace(world.context, safety_floor=SafetyFloor(0, DAY_S))
    await set_rules(before, ACTOR_NODE, alice, Rules(saved_only=True))
    asked_at = datetime.now(UTC)
    done = await set_rules(replace(world.context, safety_floor=SafetyFloor()), ACTOR_NODE, alice, Rules())
    loosening = done.result["loosening"]
    assert isinstance(loosening, dict)
    assert datetime.fromisoformat(loosening["at"]) >= asked_at + timedelta(seconds=DAY_S)


async def test_freezing_and_limits_go_together_and_the_books_still_prove(world: World, dsns: Dsns) -> None:
    context, alice = world.context, await world.customer("alice")
    await world.fund(alice, "EUR", "100.00")
    await set_operator_limits(context, ACTOR_NODE, alice, "EUR", Caps(day_units=500, payments=True), "new")
    await world.customer("bob")
    await freeze_customer(context, ACTOR_NODE, "alice", "look")
    with pytest.raises(AccountFrozen):
        await send_payment(context, ACTOR_NODE, alice, "bob", eur(100), None, asked(alice, "p1"))
    await unfreeze_customer(context, ACTOR_NODE, "alice", "fine")
    await send_payment(context, ACTOR_NODE, alice, "bob", eur(500), None, asked(alice, "p2"))
    with pytest.raises(LimitExceeded):
        await send_payment(context, ACTOR_NODE, alice, "bob", eur(1), None, asked(alice, "p3"))
    await save_destination(context, ACTOR_NODE, alice, SEPA, BANK, "mine")
    await set_operator_limits(context, ACTOR_NODE, alice, "EUR", Caps(), "known")
    await send_payment(context, ACTOR_NODE, alice, "bob", eur(1), None, asked(alice, "p4"))
    async with connected(dsns.books) as connection:
        await verify(connection)
