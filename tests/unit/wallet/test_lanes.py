"""Who goes into the next batch: people first, in order, half of many, and never more than a transaction takes."""

import asyncio

import pytest

from wallet.journal.lanes import BATCH_MAX, BULK_BESIDE, HALVED_FROM, QUEUE_MAX, Lane, Lanes


def filled(people: int, bulk: int) -> Lanes[str]:
    lanes: Lanes[str] = Lanes()
    for n in range(people):
        lanes.put(f"p{n}", Lane.INTERACTIVE)
    for n in range(bulk):
        lanes.put(f"b{n}", Lane.BULK)
    return lanes


def shares(taken: list[str]) -> tuple[int, int]:
    people = sum(name.startswith("p") for name in taken)
    return people, len(taken) - people


@pytest.mark.parametrize(
    ("people", "bulk", "under_way", "expected"),
    [
        (0, 0, 0, (0, 0)),
        (1, 0, 0, (1, 0)),
        (HALVED_FROM, 0, 0, (HALVED_FROM, 0)),
        (HALVED_FROM + 2, 0, 0, (HALVED_FROM, 0)),  # half would be fewer than are worth a transaction
        (2 * HALVED_FROM + 1, 0, 0, (HALVED_FROM + 1, 0)),  # the odd one goes with this half
        (200, 0, 100, (150, 0)),
        (200, 0, 101, (151, 0)),
        (100, 0, 300, (100, 0)),
        (2 * BATCH_MAX + 50, 0, 0, (BATCH_MAX, 0)),
        (0, 2 * BATCH_MAX + 50, 0, (0, BATCH_MAX)),
        (0, 10, 0, (0, 10)),
        (10, 10, 0, (10, 10)),
        (10, 5_000, 0, (10, BULK_BESIDE)),
        (1_900, 50, 0, (925, 50)),
        (1_900, 200, 0, (900, 100)),  # however many people wait, bulk goes on
        (900, 1_000, 0, (855, 95)),
    ],
)
def test_what_the_next_batch_takes(people: int, bulk: int, under_way: int, expected: tuple[int, int]) -> None:
    lanes = filled(people, bulk)
    taken = lanes.take(under_way)
    assert shares(taken) == expected
    assert len(lanes) == people + bulk - len(taken)


def test_order_is_kept_within_a_lane_and_nothing_is_lost() -> None:
    lanes, taken = filled(170, 130), list[str]()
    for _ in range(20):
        taken += lanes.take()
    assert len(lanes) == 0
    assert [name for name in taken if name[0] == "p"] == [f"p{n}" for n in range(170)]
    assert [name for name in taken if name[0] == "b"] == [f"b{n}" for n in range(130)]


@pytest.mark.parametrize("lane", list(Lane))
def test_a_lane_is_full_by_itself(lane: Lane) -> None:
    lanes = filled(*((QUEUE_MAX - 1, 0) if lane is Lane.INTERACTIVE else (0, QUEUE_MAX - 1)))
    assert not lanes.is_full(lane)
    lanes.put("last", lane)
    assert [lanes.is_full(each) for each in Lane] == [each is lane for each in Lane]


async def arrives(lanes: Lanes[str]) -> bool:
    """Whether waiting ends at once."""
    waiting = asyncio.ensure_future(lanes.arrived())
    for _ in range(3):
        await asyncio.sleep(0)
    done = waiting.done()
    waiting.cancel()
    return done


async def test_waiting_ends_while_something_is_there_or_when_woken() -> None:
    lanes: Lanes[str] = Lanes()
    assert not await arrives(lanes)
    lanes.put("one", Lane.BULK)
    assert await arrives(lanes)
    assert lanes.take() == ["one"]
    assert not await arrives(lanes)
    lanes.wake()
    assert await arrives(lanes)


async def test_what_is_left_behind_is_taken_without_a_new_arrival() -> None:
    lanes = filled(2 * BATCH_MAX + 50, 0)
    lanes.take()
    assert await arrives(lanes)


def test_where_nothing_is_judged_beside_it_a_batch_takes_all_up_to_its_limit() -> None:
    lanes = filled(people=300, bulk=0)
    assert len(lanes.take_all()) == 300
    assert len(filled(people=BATCH_MAX + 1, bulk=0).take_all()) == BATCH_MAX


def test_half_is_of_what_waits_where_nothing_is_under_way() -> None:
    assert len(filled(people=2 * HALVED_FROM + 2, bulk=0).take()) == HALVED_FROM + 1


def test_at_an_end_nobody_is_left_waiting() -> None:
    lanes = filled(people=BATCH_MAX + 1, bulk=BULK_BESIDE + 1)
    assert shares(lanes.empty()) == (BATCH_MAX + 1, BULK_BESIDE + 1)
    assert len(lanes) == 0
