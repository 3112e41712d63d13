"""The states of a proposal, and what there is to propose."""

from enum import StrEnum

from wallet.proposals.digest import RECOVERY_KIND


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
    RECOVER_STRAY = RECOVERY_KIND  # the signer computes its digest too
    CREDIT_STRAY = "stray.credit"
    ADOPT_DEPOSIT = "deposit.adopt"
    SET_UP_PAYOUTS = "payouts.set_up"
    CHANGE_POLICY = "policy.change"
    ENROL_APPROVER = "approver.enrol"
