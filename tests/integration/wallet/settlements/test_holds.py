"""Settlements out of holds: what was promised is settled once, in parts or whole, and never more of it."""

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from node.database import Dsns
from tests.fakes.world import BTC, EUR, SEPA, World, second_instance
from tests.integration.wallet.changes import connected, posted_and_held, proven
from wallet.errors import HoldNotOpen, NotAllowed, NotFound, Refusal
from wallet.holds.place import place_hold
from wallet.holds.release import expire_holds, void_hold
from wallet.ids import CustomerId, HoldId
from wallet.journal import Change, EventKind, Insert, Request
from wallet.journal.change import Committed
from wallet.ledger import templates
from wallet.ledger.accounts import HOUSE, Account, customer_balance
from wallet.ledger.transfers import hold
from wallet.money import Amount, Asset
from wallet.settlements.legs import Held, Leg, Place
from wallet.settlements.post import SettlementDraft, post_settlement, post_settlements

PLATFORM, OTHER = CustomerId("cus_platform"), CustomerId("cus_other")
ANN, BEN = CustomerId("cus_ann"), CustomerId("cus_ben")
ORDER = HoldId("hld_order")
_numbers = count()


async def opened(world: World, *, expires_s: int | None = None) -> None:
    """Ann has 1,000.00 EUR, of which 600.00 are held for an order; Ben has 10 BTC."""
    journal, now = world.context.journal, world.context.clock.now()
    for owner, units, asset in ((ANN, 100_000, EUR), (BEN, 10**9, BTC)):
        entry = templates.deposit_credited(owner, SEPA, Amount(units, asset), swept_later=False)
        await journal.commit(Change("test", EventKind.DEPOSIT_CREDITED, {}, entry=entry))
    promised = hold(customer_balance(ANN, EUR), Account(HOUSE, "clearing", EUR), Amount(60_000, EUR), ORDER)
    row = {
        "id": ORDER,
        "platform": PLATFORM,
        "owner": ANN,
        "asset": "EUR",
        "units": 60_000,
        "settled_units": 0,
        "state": "placed",
        "client_reference": None,
        "expires_at": None if expires_s is None else now + timedelta(seconds=expires_s),
        "created_at": now,
        "ended_at": None,
    }
    await journal.commit(
        Change("test", EventKind.PAYMENT_SENT, {}, entry=(promised,), writes=(Insert("placed_holds", row),))
    )


def draft(
    units: int, *, btc: int = 1_000, platform: CustomerId = PLATFORM, legs: tuple[Leg, ...] = ()
) -> SettlementDraft:
    """Ann's held euro against Ben's bitcoin."""
    drawn = (Leg(Held(ORDER), Place(BEN, "balance"), Amount(units, EUR)), *legs)
    given = Leg(Place(BEN, "balance"), Place(ANN, "balance"), Amount(btc, BTC))
    return SettlementDraft(
        platform, (*drawn, given), None, Request(platform, "settlement.post", str(next(_numbers)), b"test")
    )


async def standing(dsns: Dsns) -> tuple[tuple[int, int], int, tuple[str, int]]:
    """Ann's euro, posted and held; Ben's euro; state and settled units of the order's hold."""
    async with connected(dsns.books) as connection:
        row = await connection.fetchrow("SELECT state, settled_units FROM placed_holds WHERE id = $1", ORDER)
        clearing = "SELECT credits_posted - debits_posted FROM accounts WHERE id = 'house:clearing:EUR'"
        assert await connection.fetchval(clearing) == 0
    assert row is not None
    ben = (await posted_and_held(dsns.books, BEN, EUR))[0]
    return await posted_and_held(dsns.books, ANN, EUR), ben, (row["state"], int(row["settled_units"]))


async def test_a_hold_is_settled_in_parts_until_nothing_is_left(dsns: Dsns, world: World) -> None:
    await opened(world)
    await post_settlement(world.context, "test", draft(15_000))
    assert await standing(dsns) == ((85_000, 45_000), 15_000, ("placed", 15_000))
    with pytest.raises(HoldNotOpen, match="45000"):
        await post_settlement(world.context, "test", draft(45_001))
    fee = Leg(Held(ORDER), Place(PLATFORM, "fees"), Amount(1, EUR))
    await post_settlement(world.context, "test", draft(44_999, legs=(fee,)))
    assert await standing(dsns) == ((40_000, 0), 59_999, ("settled", 60_000))
    with pytest.raises(HoldNotOpen):
        await post_settlement(world.context, "test", draft(1))
    await proven(dsns.books)


async def test_a_settlement_that_fails_elsewhere_leaves_the_hold_as_it_was(dsns: Dsns, world: World) -> None:
    await opened(world)
    with pytest.raises(Refusal, match="needed"):
        await post_settlement(world.context, "test", draft(15_000, btc=10**10))
    assert await standing(dsns) == ((100_000, 60_000), 0, ("placed", 0))
    await proven(dsns.books)


async def test_led_01_of_64_settlements_of_the_same_hold_over_two_instances_one_wins(
    dsns: Dsns, world: World, tmp_path: Path
) -> None:
    await opened(world)
    async with second_instance(world, dsns, tmp_path) as other:
        contexts = (world.context, other.context)
        attempts = [post_settlement(contexts[number % 2], "test", draft(60_000)) for number in range(64)]
        ends = await asyncio.gather(*attempts, return_exceptions=True)
    assert Counter(type(end) for end in ends) == {Committed: 1, HoldNotOpen: 63}
    assert await standing(dsns) == ((40_000, 0), 60_000, ("settled", 60_000))
    await proven(dsns.books)


async def test_many_fills_of_one_order_in_a_batch_share_its_hold(dsns: Dsns, world: World) -> None:
    """130 fills of 5.00, of which 120 fit: they are accepted in one go, also those behind one that is refused."""
    await opened(world)
    fills = [draft(500, btc=10**10 if number in (3, 77) else 1_000) for number in range(130)]
    ends = await post_settlements(world.context, "test", fills)
    assert [number for number, end in enumerate(ends) if not isinstance(end, Committed)] == [3, 77, *range(122, 130)]
    assert {type(end) for end in ends[122:]} == {HoldNotOpen}
    assert await standing(dsns) == ((40_000, 0), 60_000, ("settled", 60_000))
    await proven(dsns.books)


async def test_two_hundred_settlements_at_once_each_take_their_part_of_one_hold(
    dsns: Dsns, world: World, tmp_path: Path
) -> None:
    await opened(world)
    async with second_instance(world, dsns, tmp_path) as other:
        contexts = (world.context, other.context)
        single = [post_settlement(contexts[number % 2], "test", draft(100)) for number in range(150)]
        bulk = [post_settlements(contexts[number % 2], "test", [draft(100) for _ in range(10)]) for number in range(5)]
        done, in_bulk = await asyncio.gather(asyncio.gather(*single), asyncio.gather(*bulk))
    assert {type(end) for end in [*done, *[end for ends in in_bulk for end in ends]]} == {Committed}
    assert await standing(dsns) == ((80_000, 40_000), 20_000, ("placed", 20_000))
    await proven(dsns.books)


async def test_i10_a_hold_of_another_platform_does_not_exist(dsns: Dsns, world: World) -> None:
    await opened(world)
    with pytest.raises(NotFound):
        await post_settlement(world.context, "test", draft(1, platform=OTHER))
    (end,) = await post_settlements(world.context, "test", [draft(1, platform=OTHER)])
    assert isinstance(end, NotFound)
    assert await standing(dsns) == ((100_000, 60_000), 0, ("placed", 0))


@pytest.mark.parametrize(
    ("target", "asset"),
    [(Place(ANN, "balance"), EUR), (Place(BEN, "balance"), BTC)],
    ids=["its owner", "another asset"],
)
async def test_a_hold_pays_somebody_else_and_in_its_own_asset(world: World, target: Place, asset: Asset) -> None:
    await opened(world)
    with pytest.raises(NotAllowed):
        await post_settlement(world.context, "test", draft(1, legs=(Leg(Held(ORDER), target, Amount(1, asset)),)))


async def test_an_expired_hold_pays_nothing_even_before_it_is_released(dsns: Dsns, world: World) -> None:
    await opened(world, expires_s=0)
    with pytest.raises(HoldNotOpen):
        await post_settlement(world.context, "test", draft(1))
    assert await standing(dsns) == ((100_000, 60_000), 0, ("placed", 0))


async def test_holds_that_are_voided_and_expire_leave_books_that_prove(dsns: Dsns, world: World) -> None:
    await opened(world)
    context, asked = world.context, [Request(PLATFORM, "hold", str(number), b"test") for number in range(4)]
    ends = context.clock.now() + timedelta(seconds=0.3)
    ten = Amount(1_000, EUR)
    kept = await place_hold(context, "test", PLATFORM, ANN, ten, None, None, asked[0])
    await place_hold(context, "test", PLATFORM, ANN, ten, ends, None, asked[1])
    await void_hold(context, "test", PLATFORM, str(kept.result["id"]), asked[2])
    await context.clock.sleep((ends - context.clock.now()).total_seconds() + 0.01)
    assert await expire_holds(context) == 1
    assert (await posted_and_held(dsns.books, ANN, EUR)) == (100_000, 60_000)
    await proven(dsns.books)
