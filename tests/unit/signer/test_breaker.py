"""The breaker: too much within an hour stops by itself, durably, whoever asks; two people reset it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chains.signer.judging.policy import PolicyMalformed, read_policy
from chains.signer.local import LocalSigner
from chains.signer.memory.memory import Memory
from tests.unit.signer.scene import (
    DEPOSIT,
    ETHER,
    HOT,
    KEYS,
    NETWORKS,
    NOW,
    evm_address,
    evm_payload,
    evm_request,
    open_memory,
)
from tests.unit.signer.test_stops import ANN, BEN, OPERATORS, agree
from wallet.ports import Ground, Purpose, Signed, SignerRefused, SignRequest

GAS, PRICE = 21_000, 2 * 10**9
FEE = GAS * PRICE


def written(**ether: str) -> dict[str, dict[str, object]]:
    assets = {"ETH": {"decimals": 18, "submission_max": "2", "window_max": "50", **ether}}
    return {"ethereum": {**NETWORKS["ethereum"], "window_s": 86_400, "fee_window_max": "5", "assets": assets}}


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    memory = open_memory(tmp_path)
    yield memory
    memory.close()


def signer_over(memory: Memory, clock: Clock, most: int | None = None, hour_max: str = "4") -> LocalSigner:
    policy = read_policy(written(hour_max=hour_max))
    return LocalSigner(KEYS, policy, memory, clock, operators=OPERATORS, withdrawals_hour_max=most)


def request(number: int, units: int = ETHER) -> SignRequest:
    payload = evm_payload(units=units, nonce=number, gas_limit=GAS, max_fee=PRICE)
    return evm_request(payload, submission=f"sub_{number}", references=(f"wdr_{number}",))


async def drained(signer: LocalSigner, numbers: range, units: int = ETHER) -> int:
    outcomes = [await signer.sign_many([request(number, units)]) for number in numbers]
    return sum(isinstance(one, Signed) for (one,) in outcomes)


async def test_wdr_17_what_leaves_within_an_hour_is_bounded_and_the_asset_is_stopped(
    memory: Memory, clock: Clock
) -> None:
    signer = signer_over(memory, clock)
    assert await drained(signer, range(20)) == 3  # the fourth would pass 4 ETH with the fees
    (stop,) = (await signer.status()).stops
    assert (stop.scope, stop.by) == ("asset:ETH", "breaker")
    clock.now += 7200
    assert await drained(signer, range(20, 30)) == 0, "an hour later it is as stopped as before"


async def test_wdr_17_the_trip_is_there_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    memory = open_memory(tmp_path)
    await drained(signer_over(memory, clock), range(5))
    memory.close()
    memory = open_memory(tmp_path)
    assert await drained(signer_over(memory, clock), range(5, 8), 1) == 0
    memory.close()


async def test_wdr_17_a_dry_run_that_would_pass_the_bound_trips_it_too(memory: Memory, clock: Clock) -> None:
    """Or whoever asks first, as the node does, would drain up to the bound each hour and never trip anything."""
    signer = signer_over(memory, clock)
    await drained(signer, range(3))
    with pytest.raises(SignerRefused, match="within an hour") as refused:
        await signer.check(request(9))
    assert refused.value.ground is Ground.STOPPED
    assert (await signer.status()).stops


async def test_wdr_17_withdrawals_of_all_assets_together_are_counted(memory: Memory, clock: Clock) -> None:
    signer = signer_over(memory, clock, most=10)
    assert await drained(signer, range(20), 1) == 10
    assert [one.scope for one in (await signer.status()).stops] == ["all"]


async def test_wdr_17_two_people_reset_it_and_it_counts_anew(memory: Memory, clock: Clock) -> None:
    signer = signer_over(memory, clock)
    await drained(signer, range(5))
    agree(signer, ANN, "asset:ETH")
    assert await drained(signer, range(5, 7)) == 0
    agree(signer, BEN, "asset:ETH")
    assert await drained(signer, range(7, 20)) == 3


async def test_what_left_an_hour_ago_no_longer_counts(memory: Memory, clock: Clock) -> None:
    signer = signer_over(memory, clock)
    assert await drained(signer, range(3)) == 3
    clock.now += 3600
    assert await drained(signer, range(3, 6)) == 3
    assert not (await signer.status()).stops


async def test_key_06_network_fees_count_as_an_exit(memory: Memory, clock: Clock) -> None:
    signer, dear = signer_over(memory, clock, hour_max="2"), 10**16 // GAS
    wide = replace(request(0), payload=evm_payload(units=1, nonce=0, gas_limit=GAS, max_fee=dear))
    await signer.sign(wide)
    assert memory.controls.outflow("ethereum", "ETH", NOW) == 1 + GAS * dear


async def test_key_06_a_fee_that_alone_would_pass_the_hours_bound_trips_it(memory: Memory, clock: Clock) -> None:
    signer = signer_over(memory, clock, hour_max="2")
    with pytest.raises(SignerRefused, match="within an hour"):
        await signer.sign(request(0, 2 * ETHER))  # to the unit what may leave, and its fee besides
    assert (await signer.status()).stops


async def test_key_06_gas_for_our_own_addresses_has_a_window_of_its_own(memory: Memory, clock: Clock) -> None:
    networks = {"ethereum": {**written()["ethereum"], "gas_funding_window_max": "0.1"}}
    signer = LocalSigner(KEYS, read_policy(networks), memory, clock)
    payload = [evm_payload(evm_address(DEPOSIT), ETHER // 50, nonce=n, gas_limit=GAS, max_fee=PRICE) for n in range(8)]
    outcomes = await signer.sign_many(
        [
            evm_request(one, submission=f"sub_{n}", purpose=Purpose.GAS_FUNDING, references=(), paths=(HOT, DEPOSIT))
            for n, one in enumerate(payload)
        ]
    )
    assert [isinstance(one, Signed) for one in outcomes] == [True] * 5 + [False] * 3


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 2 * ETHER)), min_size=1, max_size=30))
async def test_wdr_17_whatever_the_pace_no_hour_lets_more_out_than_its_bound(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int]]
) -> None:
    memory, clock, left = open_memory(tmp_path_factory.mktemp("memory")), Clock(), list[tuple[int, int]]()
    signer = signer_over(memory, clock)
    for number, (wait, units) in enumerate(steps):
        clock.now += wait
        if await drained(signer, range(number, number + 1), units):
            left.append((clock.now, units + FEE))
    memory.close()
    for end, _ in left:
        assert sum(units for at, units in left if end - 3600 < at <= end) <= 4 * ETHER


def test_the_bound_is_an_amount_or_a_share_of_the_window_and_half_of_it_where_nothing_is_said() -> None:
    for hour, most in (({"hour_max": "4"}, 4), ({"hour_max": "20%"}, 10), ({}, 25)):
        assert read_policy(written(**hour))["ethereum"].limits["ETH"].hour_max == most * ETHER


@pytest.mark.parametrize("hour", ["1", "2%", "0%", "101%", "-4", "many"])
def test_a_bound_that_one_submission_would_pass_or_that_is_none_is_refused(hour: str) -> None:
    with pytest.raises(PolicyMalformed):
        read_policy(written(hour_max=hour))
