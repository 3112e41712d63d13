"""The states of a deposit, and which may follow which."""

from enum import StrEnum


class State(StrEnum):
    DETECTED = "detected"  # seen in a block, or announced
    CONFIRMING = "confirming"  # another block lies on top
    CREDITED = "credited"  # final by policy: its owner has the money
    UPROOTED = "uprooted"  # credited, and its block is gone: the new branch is looked through
    CHARGED_BACK = "charged_back"  # its network has taken it away: out of the books again
    ORPHANED = "orphaned"  # its block is gone, or what was shown of it; nothing was credited
    QUARANTINED = "quarantined"  # there, and not believed or nobody's


DETECTED, CONFIRMING, CREDITED = State.DETECTED.value, State.CONFIRMING.value, State.CREDITED.value
UPROOTED, CHARGED_BACK = State.UPROOTED.value, State.CHARGED_BACK.value
ORPHANED, QUARANTINED = State.ORPHANED.value, State.QUARANTINED.value
ONE_PROVIDER = "one_provider"
"""The reason of a deposit that is more than one provider's word is worth: a person looks elsewhere, and accepts it."""
WRONG_NETWORK = "wrong_network"  # the address was handed out on another network of the same keys (`adopt`)
MOVABLE = frozenset({DETECTED, CONFIRMING, ORPHANED, QUARANTINED, CHARGED_BACK})  # these may be seen in another block
SETTLED = frozenset({CREDITED, CHARGED_BACK})  # the books have taken it in, and out again
BOOKED = SETTLED | {UPROOTED}  # … or have it in while the chain does not show it

FOLLOWS: dict[State, frozenset[State]] = {
    State.DETECTED: frozenset({State.DETECTED, State.CONFIRMING, State.ORPHANED, State.QUARANTINED}),
    State.CONFIRMING: frozenset({State.DETECTED, State.CREDITED, State.ORPHANED, State.QUARANTINED}),
    State.CREDITED: frozenset({State.UPROOTED, State.CHARGED_BACK}),
    State.UPROOTED: frozenset({State.CREDITED, State.CHARGED_BACK}),
    State.CHARGED_BACK: frozenset({State.DETECTED, State.QUARANTINED}),
    State.ORPHANED: frozenset({State.DETECTED, State.QUARANTINED, State.ORPHANED}),
    State.QUARANTINED: frozenset({State.DETECTED, State.ORPHANED, State.QUARANTINED}),
}
"""A state that follows itself is the same arrival in another block, or the reason that one is gone, told later."""


def follow(now: State, then: State) -> State:
    """The next state; a step that the machine does not have is a mistake of ours and raises."""
    if then not in FOLLOWS[now]:
        raise AssertionError(f"a deposit does not go from {now} to {then}")
    return then
