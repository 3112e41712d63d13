"""CRS-01 without named points: a short run of the soak, on networks that go on by themselves."""

from pathlib import Path

import pytest

from tests.conftest import say
from tests.soak.random_kills import Plan, run_soak


@pytest.mark.whole
async def test_crs_01_killed_at_random_while_money_moves_nothing_is_lost_or_made(tmp_path: Path) -> None:
    result = await run_soak(Plan(kills=2, seed=7), tmp_path, say)
    assert result["ok"], result
    assert result["withdrawals"] > 0
    assert result["payments"] > 0
