"""The states of a proposal, and what there is to propose."""

from enum import StrEnum


class State(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"


OPEN = (State.PROPOSED, State.APPROVED)


class Kind(StrEnum):
    """Each has its content drafted, and is carried out, by the noun that it is about."""

    LIST_TOKEN = "token.list"  # noqa: S105
    RESUME_TOKEN = "token.resume"  # noqa: S105
    RECOVER_STRAY = "stray.recover"
    CREDIT_STRAY = "stray.credit"
    ADOPT_DEPOSIT = "deposit.adopt"
