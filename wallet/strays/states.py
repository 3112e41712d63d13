"""The states of a stray, and who may follow whom."""

from enum import StrEnum


class State(StrEnum):
    SEEN = "seen"
    RECOVERING = "recovering"
    RECOVERED = "recovered"
    CREDITED = "credited"
    ORPHANED = "orphaned"


MOVABLE = frozenset({State.SEEN, State.ORPHANED})
"""A reorg may move these to another block, or out of all."""

GONE_BACK = frozenset({State.RECOVERING, State.RECOVERED})
"""Sent back, or about to be: no deposit, however it is seen again."""
