"""The states of a withdrawal, which may follow which, why one ended, and what one waits for: the public list of all.

Programs read these words; people read what stands beside them (`STATES`, `REASONS`, `WAITS`). The API shows both.
"""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    SIGNED = "signed"
    SUBMITTED = "submitted"
    INCLUDED = "included"
    FINAL = "final"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    FAILED = "failed"
    RETURNED = "returned"


STATES: Mapping[State, str] = {
    State.REQUESTED: "the amount and the network fee are held; it can be cancelled",
    State.APPROVED: "what pays it is reserved, and signing is under way",
    State.SIGNED: "the signed bytes are durable",
    State.SUBMITTED: "they have left",
    State.INCLUDED: "the network shows them in a block or statement",
    State.FINAL: "paid, and it cannot be taken back",
    State.CANCELLED: "taken back before anything was reserved for it; the money is free again",
    State.REJECTED: "it will not be paid: the reason says why; the money is free again",
    State.FAILED: "it was not paid and cannot be any more; the money is back",
    State.RETURNED: "it was paid, and the receiving bank sent it back; what came back is credited",
}

ENDED = frozenset({State.FINAL, State.CANCELLED, State.REJECTED, State.FAILED, State.RETURNED})

FOLLOWS: dict[State, frozenset[State]] = {
    State.REQUESTED: frozenset({State.APPROVED, State.CANCELLED, State.REJECTED}),
    State.APPROVED: frozenset({State.SIGNED, State.FAILED}),  # failed: the signer refused it late
    State.SIGNED: frozenset({State.SUBMITTED, State.INCLUDED, State.FINAL, State.FAILED}),
    State.SUBMITTED: frozenset({State.INCLUDED, State.FINAL, State.FAILED}),
    State.INCLUDED: frozenset({State.SUBMITTED, State.FINAL, State.FAILED}),
    # Failed: a reorg below what was final, and something else was paid instead. Returned: a bank's movement of its own.
    State.FINAL: frozenset({State.FAILED, State.RETURNED}),
    State.CANCELLED: frozenset(),
    State.REJECTED: frozenset(),
    State.FAILED: frozenset(),
    State.RETURNED: frozenset(),
}


class Reason(StrEnum):
    """Why a withdrawal ended otherwise than paid."""

    CANCELLED_BY_OWNER = "cancelled_by_owner"
    DEPOSIT_TAKEN_BACK = "deposit_taken_back"
    NOT_CARRIED = "not_carried"
    RECIPIENT_REFUSES = "recipient_refuses"
    COST_TOO_HIGH = "cost_too_high"
    NOT_ALLOWED = "not_allowed"
    DECLINED = "declined"
    REVERTED = "reverted"
    REPLACED = "replaced"
    RETURNED_BY_BANK = "returned_by_bank"
    OTHER = "other"


REASONS: Mapping[Reason, str] = {
    Reason.CANCELLED_BY_OWNER: "its owner cancelled it",
    Reason.DEPOSIT_TAKEN_BACK: "a network took back a deposit that was to pay for it",
    Reason.NOT_CARRIED: "the network does not carry this payment",
    Reason.RECIPIENT_REFUSES: "the contract at the destination, or the token's, would refuse this payment",
    Reason.COST_TOO_HIGH: "the contract at the destination would use more gas than is paid for a withdrawal",
    Reason.NOT_ALLOWED: "the signer's own policy does not allow it",
    Reason.DECLINED: "an operator declined it",
    Reason.REVERTED: "the network included it and nothing was paid: the recipient or the token refused",
    Reason.REPLACED: "what it was to spend was finally used by something else, so it can never be paid",
    Reason.RETURNED_BY_BANK: "the receiving bank sent it back",
    Reason.OTHER: "something else",
}


class Wait(StrEnum):
    """What a withdrawal that has not ended waits for."""

    TURN = "turn"
    APPROVAL = "approval"
    FUNDS = "funds"
    LIMIT = "limit"
    FEES = "fees"
    SIGNER = "signer"
    NETWORK = "network"
    NETWORK_HALTED = "network_halted"
    ASSET_PAUSED = "asset_paused"
    STOPPED = "stopped"
    ACCOUNT_FROZEN = "account_frozen"
    PERSON = "person"
    BLOCK = "block"
    FINALITY = "finality"


WAITS: Mapping[Wait, str] = {
    Wait.TURN: "its turn: it is begun within seconds",
    Wait.APPROVAL: "operators' approval",
    Wait.FUNDS: "funds at the address that pays: it keeps its place in line",
    Wait.LIMIT: "the limit of what may leave in a time: it moves on by itself",
    Wait.FEES: "lower network fees: now they are above what is paid",
    Wait.SIGNER: "the signer, which is locked, stopped or away",
    Wait.NETWORK: "the network, which does not answer",
    Wait.NETWORK_HALTED: "a person: the network is halted while they look into it",
    Wait.ASSET_PAUSED: "a person: the asset is paused while they look into it",
    Wait.STOPPED: "operators: it was stopped by operators, or by the breaker that stops by itself when too much leaves",
    Wait.ACCOUNT_FROZEN: "a person: the account is frozen",
    Wait.PERSON: "a person: what became of it is not certain, and nothing is booked or paid until they have looked",
    Wait.BLOCK: "the network to take it into a block or statement",
    Wait.FINALITY: "more blocks, until it cannot be taken back",
}

_IN_FULL: Mapping[str, Reason] = {
    "cancelled by its owner": Reason.CANCELLED_BY_OWNER,
    "this network does not carry this payment": Reason.NOT_CARRIED,
    "not allowed by the signer's policy": Reason.NOT_ALLOWED,
    "included and reverted: nothing was paid": Reason.REVERTED,
    "refused by the signer: its nonce was used up by a payment of nothing": Reason.NOT_ALLOWED,
    "a reorg took its block, and the new branch reverted it": Reason.REVERTED,
    "its nonce or an input was finally used by something else": Reason.REPLACED,
    "a reorg took its block, and something else was paid instead": Reason.REPLACED,
}
"""What is written of a submission, and was of withdrawals before there were codes."""


def reason_of(text: str | None) -> Reason | None:
    """The code of a reason as it is stored."""
    if text is None:
        return None
    if text in frozenset(Reason):
        return Reason(text)
    if text in _IN_FULL:
        return _IN_FULL[text]
    return Reason.DEPOSIT_TAKEN_BACK if "took back the deposit" in text else Reason.OTHER


def follow(now: State, then: State) -> State:
    """The next state; a step that the machine does not have is a mistake of ours and raises."""
    if then not in FOLLOWS[now]:
        raise AssertionError(f"a withdrawal does not go from {now} to {then}")
    return then
