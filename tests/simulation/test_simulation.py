"""A few seeds of the simulation (`make sim` runs more), and that a seed decides everything."""

from pathlib import Path

import pytest

from node.database import Dsns
from tests.databases import FreshDatabases
from tests.simulation.deposits import DepositPlan, DepositSimulation
from tests.simulation.run import Plan, Simulation
from tests.simulation.withdrawals import WithdrawalPlan, WithdrawalSimulation


@pytest.fixture(autouse=True)
def _plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulation's line to a given server speaks no TLS."""
    monkeypatch.setenv("PGSSLMODE", "disable")


@pytest.fixture
async def second_dsns(databases: FreshDatabases) -> Dsns:
    return await databases.migrated()


@pytest.mark.parametrize("lives", [1, pytest.param(2, marks=pytest.mark.whole)])
def test_a_seed_decides_everything_and_every_invariant_holds(
    dsns: Dsns, second_dsns: Dsns, tmp_path: Path, lives: int
) -> None:
    first = Simulation(Plan(4, lives), dsns, tmp_path / "one").run()
    again = Simulation(Plan(4, lives), second_dsns, tmp_path / "two").run()
    assert first == again
    assert first.changes > 100
    assert first.crashes > 0
    assert first.repeated > 0
    assert {"reorg", "line"} <= set(first.faults)


@pytest.mark.whole
@pytest.mark.parametrize("seed", range(5, 16))
def test_the_books_are_exact_whatever_the_world_and_the_process_do(dsns: Dsns, tmp_path: Path, seed: int) -> None:
    outcome = Simulation(Plan(seed), dsns, tmp_path).run()
    assert outcome.changes > 100
    assert outcome.faults


def test_dpe_09_whatever_providers_say_and_wherever_the_node_dies_each_deposit_is_credited_once(
    dsns: Dsns, tmp_path: Path
) -> None:
    outcome = DepositSimulation(DepositPlan(seed=2, deposits=100), dsns, tmp_path).run()
    assert (outcome.missed, outcome.double) == (0, 0)
    assert outcome.crashes >= 10
    assert outcome.reorgs > 0
    assert outcome.taken_back > 0
    assert outcome.lies > 0


@pytest.mark.whole
def test_wdr_01_wherever_the_node_dies_each_withdrawal_is_paid_once_or_given_back(dsns: Dsns, tmp_path: Path) -> None:
    outcome = WithdrawalSimulation(WithdrawalPlan(seed=1, withdrawals=60), dsns, tmp_path).run()
    assert (outcome.twice, outcome.lost, outcome.stuck) == (0, 0, 0)
    assert outcome.faults["dead at a point"] > 20
    assert {"lose", "deny", "reject", "reorg", "silent"} <= set(outcome.faults)
