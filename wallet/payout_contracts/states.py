"""The states of a payout contract, and what there is to do with one."""

from enum import StrEnum


class State(StrEnum):
    MAKING = "making"
    READY = "ready"
    SUSPENDED = "suspended"


class Act(StrEnum):
    DEPLOY = "deploy"
    ALLOW = "allow"  # withdrawals of an asset go through it; a token must let it move what the hot address has
    REVOKE = "revoke"
