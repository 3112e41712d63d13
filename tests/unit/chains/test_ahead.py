"""Several questions at once, answered in the order in which they were to be asked."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial

import pytest

from chains.ahead import in_order


class Asked:
    """Later questions are answered sooner; `most` is how many were under way at once, `given_up` how many were cancelled."""

    def __init__(self) -> None:
        self.begun = self.under_way = self.most = self.given_up = 0

    async def question(self, number: int) -> int:
        self.begun += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            for _ in range(20 - number):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        finally:
            self.under_way -= 1
        if number == 13:
            raise ValueError("unlucky")
        return number

    def questions(self, count: int) -> list[Callable[[], Awaitable[int]]]:
        return [partial(self.question, number) for number in range(count)]


@pytest.mark.parametrize("at_once", [1, 3, 50])
async def test_answers_come_in_order_and_few_are_under_way(at_once: int) -> None:
    asked = Asked()
    assert [answer async for answer in in_order(asked.questions(12), at_once)] == list(range(12))
    assert asked.most == min(at_once, 12)


async def test_an_error_comes_in_its_turn() -> None:
    asked, answers = Asked(), []
    with pytest.raises(ValueError, match="unlucky"):
        answers += [answer async for answer in in_order(asked.questions(18), 4)]
    assert asked.under_way == 0
    assert asked.begun <= 17


async def test_who_stops_gives_up_what_is_under_way() -> None:
    asked, never = Asked(), Asked()
    questions = asked.questions(1)
    questions += [partial(never.question, -1_000_000) for _ in range(8)]
    async with aclosing(in_order(questions, 4)) as answers:
        assert await anext(answers) == 0
    assert (never.under_way, never.given_up) == (0, 3)
