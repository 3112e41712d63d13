"""What is asked for one by one is read together, and never before it was asked for."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from wallet.gathered import GatheredReads, Row


class Table:
    """Rows that can change, behind a question that lasts until it is let go."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {"a": {"n": 1}, "b": {"n": 1}}
        self.asked: list[list[str]] = []
        self.sent, self.let_go = asyncio.Event(), asyncio.Event()

    async def fetch(self, names: Sequence[str]) -> Mapping[str, Row]:
        self.asked.append(sorted(names))
        found = {name: self.rows[name] for name in names if name in self.rows}
        self.sent.set()
        await self.let_go.wait()
        if "broken" in names:
            raise ConnectionError("the line was lost")
        return found


async def test_what_is_asked_at_once_is_one_question() -> None:
    table = Table()
    reads = GatheredReads(table.fetch)
    table.let_go.set()
    assert await asyncio.gather(*(reads.one(name) for name in ("a", "b", "a", "none"))) == [
        *({"n": 1}, {"n": 1}, {"n": 1}),
        None,
    ]
    assert table.asked == [["a", "b", "none"]]


async def test_who_asks_while_a_question_is_under_way_is_told_what_is_true_after_it() -> None:
    table = Table()
    reads = GatheredReads(table.fetch)
    first = asyncio.create_task(reads.one("a"))
    await table.sent.wait()
    table.rows["a"] = {"n": 2}
    later = [asyncio.create_task(reads.one(name)) for name in ("a", "b")]
    table.let_go.set()
    assert await first == {"n": 1}
    assert await asyncio.gather(*later) == [{"n": 2}, {"n": 1}]
    assert table.asked == [["a"], ["a", "b"]]


async def test_a_question_that_fails_fails_for_those_who_asked_it_alone() -> None:
    table = Table()
    reads = GatheredReads(table.fetch)
    lost = [asyncio.create_task(reads.one(name)) for name in ("a", "broken")]
    await table.sent.wait()
    later = asyncio.create_task(reads.one("a"))
    table.let_go.set()
    assert [type(end) for end in await asyncio.gather(*lost, return_exceptions=True)] == [ConnectionError] * 2
    assert await later == {"n": 1}


async def test_who_goes_away_takes_the_answer_from_nobody() -> None:
    table = Table()
    reads = GatheredReads(table.fetch)
    gone, stays = asyncio.create_task(reads.one("a")), asyncio.create_task(reads.one("a"))
    await table.sent.wait()
    gone.cancel()
    table.let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await stays == {"n": 1}
