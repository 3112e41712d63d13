"""Rolling windows as the database reckons them, beside the plainest way of reckoning them."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from node.database import Dsns
from tests.fakes.world import World
from tests.integration.wallet.changes import connected
from wallet.ids import CustomerId
from wallet.limits.exits import fits_at, used_within
from wallet.limits.windows import DAY, WEEK

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)  # half a day after Europe lost an hour
MICROSECOND = timedelta(microseconds=1)
INSERT = (
    "INSERT INTO withdrawals (id, version, owner, network, asset, state, hold, fee_hold, units, fee_units, created_at)"
    " VALUES ($1, 1, $2, 'sepa', 'EUR', $3, 'h', 'f', $4, 0, $5)"
)
Exits = list[tuple[datetime, int]]


async def exits_of(dsns: Dsns, owner: str, seed: int) -> Exits:
    """Some at one and the same moment, some that did not leave and so do not count."""
    chance, counted = random.Random(seed), []
    async with connected(dsns.owner) as connection:
        for number in range(30):
            at = NOW - timedelta(seconds=chance.choice([chance.randrange(2 * 86_400), 3600]))
            state, units = (
                chance.choice(["final", "requested", "cancelled", "rejected", "failed"]),
                chance.randrange(1, 99),
            )
            await connection.execute(INSERT, f"wdr_{owner}_{number}", owner, state, units, at)
            if state in ("final", "requested"):
                counted.append((at, units))
    return counted


def spent(exits: Exits, at: datetime, window: timedelta = DAY) -> int:
    return sum(units for moment, units in exits if at - window < moment <= NOW)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_wdr_12_what_does_not_fit_fits_at_the_very_moment_that_is_named(
    world: World, dsns: Dsns, seed: int
) -> None:
    owner, context = CustomerId(f"cus_{seed}"), world.context
    exits = await exits_of(dsns, owner, seed)
    day, week = await used_within(context, owner, "EUR", NOW, [DAY, WEEK], payments=False)
    assert (day.units, week.units) == (spent(exits, NOW), spent(exits, NOW, WEEK))
    assert day.first_at == min(moment for moment, _ in exits if moment > NOW - DAY)
    named = 0
    for most in range(day.units // 3, day.units, 17):
        for units in (1, most // 2 + 1, most):
            fits = await fits_at(context, owner, "EUR", NOW, DAY, most, units, payments=False)
            assert fits is not None
            assert spent(exits, fits) + units <= most < spent(exits, fits - MICROSECOND) + units
            named += 1
        assert await fits_at(context, owner, "EUR", NOW, DAY, most, most + 1, payments=False) is None
    assert named > 10
