"""What the books know of an address: nothing for certain while a submission of ours is on its way, or on its way again."""

from typing import Any

import pytest

from wallet.growth.flows import Flows
from wallet.treasury.states import FOLLOWED, State


def sweep(state: State) -> dict[str, Any]:
    return {"state": state.value, "height": 7, "source": "deposit", "target": "hot"}


@pytest.mark.parametrize("state", FOLLOWED)
def test_dpe_05_what_a_sweep_under_way_leaves_is_no_growth(state: State) -> None:
    """A sweep that a reorg took back has its height still, and its value lies at the deposit address again."""
    assert Flows([], [sweep(state)]).busy(9) == {"deposit", "hot"}


def test_a_sweep_that_is_final_is_known() -> None:
    assert Flows([], [sweep(State.FINAL)]).busy(9) == set()
    assert Flows([], [sweep(State.FINAL)]).busy(6) == {"deposit", "hot"}
