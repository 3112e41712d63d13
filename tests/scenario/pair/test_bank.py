"""LED-02: the bank test, short. `make bank OPERATIONS=1000000` is the long one."""

import pytest

from tests.bank.run import Plan, run_bank
from tests.conftest import say
from tests.nodes.pair import NodePair


async def test_led_02_balances_always_sum_up_while_both_nodes_are_killed_in_turn(pair: NodePair) -> None:
    result = await run_bank(pair, Plan(operations=1_000, kills=2, seed=2, writers=8), lambda line: None)
    assert result["wrong"] == []
    assert result["kills"] == 2
    assert result["cuts"] > 0
    assert result["first_answers"]["unknown"] > 0, "no kill has met a payment under way"
    assert min(result[name] for name in ("payments", "looks_at_all", "looks_at_one")) > 100


@pytest.mark.whole
async def test_led_02_balances_always_sum_up_over_many_kills(pair: NodePair) -> None:
    result = await run_bank(pair, Plan(operations=20_000, kills=20, seed=3), say)
    assert result["wrong"] == []
    assert result["kills"] == 20
