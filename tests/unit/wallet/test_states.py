from itertools import pairwise, product

import pytest

from wallet.treasury import states as submissions
from wallet.withdrawals.states import ENDED, FOLLOWS, State, follow


def test_every_state_says_what_may_follow_and_ends_have_no_way_out() -> None:
    assert set(FOLLOWS) == set(State)
    assert {state for state, following in FOLLOWS.items() if not following} == ENDED - {State.FINAL}
    assert FOLLOWS[State.FINAL] == {State.FAILED, State.RETURNED}, "only a reorg below what was final, or a bank"


def test_every_state_can_be_reached_and_every_way_ends() -> None:
    reached, edge = {State.REQUESTED}, {State.REQUESTED}
    while edge:
        edge = {then for now in edge for then in FOLLOWS[now]} - reached
        reached |= edge
    assert reached == set(State)
    for state in set(State) - ENDED:
        assert FOLLOWS[state]


@pytest.mark.parametrize(("now", "then"), list(product(State, State)))
def test_a_step_that_the_machine_does_not_have_is_never_taken(now: State, then: State) -> None:
    if then in FOLLOWS[now]:
        assert follow(now, then) is then
    else:
        with pytest.raises(AssertionError):
            follow(now, then)


def test_money_goes_back_only_before_signing_or_when_provably_dead() -> None:
    """From signed on, no way leads to cancelled or rejected."""
    after_signing, edge = {State.SIGNED}, {State.SIGNED}
    while edge:
        edge = {then for now in edge for then in FOLLOWS[now]} - after_signing
        after_signing |= edge
    assert after_signing.isdisjoint({State.CANCELLED, State.REJECTED, State.REQUESTED})


def test_each_step_of_a_submission_is_a_step_of_its_withdrawals() -> None:
    steps = [submissions.State.RESERVED, *list(submissions.OPEN)[1:], submissions.State.FINAL]
    states = [State.REQUESTED, *(submissions.WITHDRAWAL_STATES[step] for step in steps)]
    for now, then in pairwise(states):
        assert then in FOLLOWS[now]
