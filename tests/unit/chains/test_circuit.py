"""A provider that fails is left alone for a while and tried once; questions a second stay below what was promised."""

import asyncio

import pytest

from chains.rpc.circuit import ASKED_PAUSE_MAX_MS, FAILURES_MAX, PAUSE_LEAST_MS, PAUSE_MAX_MS, Circuit
from chains.rpc.pace import Pace
from wallet.ports import NetworkError, NetworkRateLimited, NetworkUnreachable
from wallet.ports.providers import CircuitState


class Clock:
    def __init__(self) -> None:
        self.ms = 0

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuit(clock: Clock) -> Circuit:
    return Circuit(clock, between=lambda _, most: most)


def fail(circuit: Circuit, times: int) -> None:
    for _ in range(times):
        circuit.enter("host")
        circuit.failed()


def refused(circuit: Circuit) -> type[NetworkError] | None:
    try:
        circuit.enter("host")
    except NetworkError as error:
        return type(error)
    return None


def test_rpc_05_a_provider_that_fails_in_a_row_is_left_alone_then_tried_once(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, FAILURES_MAX - 1)
    assert circuit.state is CircuitState.CLOSED
    fail(circuit, 1)
    assert (circuit.state, refused(circuit)) == (CircuitState.OPEN, NetworkUnreachable)
    clock.ms += PAUSE_LEAST_MS
    assert refused(circuit) is None
    assert (circuit.state, refused(circuit)) == (CircuitState.TRYING, NetworkUnreachable)
    circuit.answered()
    assert (circuit.state, refused(circuit), refused(circuit)) == (CircuitState.CLOSED, None, None)


def test_rpc_05_pauses_grow_to_a_bound_and_one_answer_ends_them(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, FAILURES_MAX)
    pauses = []
    for _ in range(8):
        before = clock.ms
        while refused(circuit) is not None:
            clock.ms += 100
        pauses.append(clock.ms - before)
        circuit.failed()
    assert pauses[:4] == [1_000, 2_000, 4_000, 8_000]
    assert set(pauses[4:]) == {PAUSE_MAX_MS}
    clock.ms += PAUSE_MAX_MS
    assert refused(circuit) is None
    circuit.answered()
    fail(circuit, FAILURES_MAX - 1)
    assert circuit.state is CircuitState.CLOSED


def test_pauses_are_uneven(clock: Clock) -> None:
    drawn: list[tuple[int, int]] = []
    circuit = Circuit(clock, 1, between=lambda least, most: drawn.append((least, most)) or least)  # type: ignore[func-returns-value]
    fail(circuit, 1)
    assert drawn == [(PAUSE_LEAST_MS // 2, PAUSE_LEAST_MS)]


@pytest.mark.parametrize(("asked", "waited"), [(0, 1_000), (7_000, 7_000), (10**9, ASKED_PAUSE_MAX_MS)])
def test_rpc_08_a_provider_that_asks_for_a_pause_gets_it_at_once(
    circuit: Circuit, clock: Clock, asked: int, waited: int
) -> None:
    circuit.enter("host")
    circuit.failed(asked)
    assert refused(circuit) is NetworkRateLimited
    clock.ms += waited - 1
    assert refused(circuit) is NetworkRateLimited
    clock.ms += 1
    assert refused(circuit) is None


async def test_rpc_08_no_more_calls_a_second_than_were_promised() -> None:
    pace, loop = Pace(1_000), asyncio.get_running_loop()
    started = loop.time()
    await asyncio.gather(*(pace.turn(100) for _ in range(15)))
    took_s = loop.time() - started
    assert 0.4 < took_s < 5  # 1,500 calls of which one second's worth may go at once


async def test_without_a_promise_nobody_waits() -> None:
    pace, loop = Pace(None), asyncio.get_running_loop()
    started = loop.time()
    for _ in range(1_000):
        await pace.turn(1_000_000)
    assert loop.time() - started < 5
