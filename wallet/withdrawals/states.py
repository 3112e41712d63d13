"""The states of a withdrawal, and which may follow which."""

from enum import StrEnum


class State(StrEnum):
    REQUESTED = "requested"  # the money is held
    APPROVED = "approved"  # policy said yes; nonce or inputs are reserved, signing is under way
    SIGNED = "signed"  # the signed bytes are durable
    SUBMITTED = "submitted"  # they have left
    INCLUDED = "included"  # the network shows them in a block or statement
    FINAL = "final"  # they cannot be taken back
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    FAILED = "failed"


ENDED = frozenset({State.FINAL, State.CANCELLED, State.REJECTED, State.FAILED})

FOLLOWS: dict[State, frozenset[State]] = {
    State.REQUESTED: frozenset({State.APPROVED, State.CANCELLED, State.REJECTED}),
    State.APPROVED: frozenset({State.SIGNED}),
    State.SIGNED: frozenset({State.SUBMITTED, State.INCLUDED, State.FINAL, State.FAILED}),
    State.SUBMITTED: frozenset({State.INCLUDED, State.FINAL, State.FAILED}),
    State.INCLUDED: frozenset({State.SUBMITTED, State.FINAL, State.FAILED}),
    State.FINAL: frozenset({State.FAILED}),  # a reorg below what was final, and something else was paid instead
    State.CANCELLED: frozenset(),
    State.REJECTED: frozenset(),
    State.FAILED: frozenset(),
}


def follow(now: State, then: State) -> State:
    """The next state; a step that the machine does not have is a mistake of ours and raises."""
    if then not in FOLLOWS[now]:
        raise AssertionError(f"a withdrawal does not go from {now} to {then}")
    return then
