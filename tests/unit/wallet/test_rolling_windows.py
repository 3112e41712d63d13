"""Rolling windows beside the plainest way of reckoning them."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from wallet.limits.exits import Left
from wallet.limits.windows import DAY, fits_at

BEGAN = datetime(2026, 3, 28, 23, 0, tzinfo=UTC)  # the night in which Europe loses an hour
EXITS = st.lists(st.tuples(st.integers(0, 86_399), st.integers(1, 100)), min_size=1, max_size=20)


def spent(exits: list[Left], at: datetime) -> int:
    return sum(one.units for one in exits if one.at > at - DAY)


@given(EXITS, st.integers(1, 300), st.integers(1, 400))
def test_wdr_12_what_does_not_fit_fits_at_the_very_moment_that_is_named(
    drawn: list[tuple[int, int]], most: int, units: int
) -> None:
    exits = [Left(BEGAN + timedelta(seconds=second), n) for second, n in sorted(drawn)]
    now = BEGAN + timedelta(seconds=86_399)
    if spent(exits, now) + units <= most:
        return
    fits = fits_at(exits, DAY, most, units)
    if units > most:
        assert fits is None
        return
    assert fits is not None
    assert spent(exits, fits) + units <= most
    assert spent(exits, fits - timedelta(microseconds=1)) + units > most
