"""A Change: the unit of commit. Transfers, row writes and the event that tells of them, all or nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from wallet.ledger.accounts import Account, Flags
from wallet.ledger.transfers import Entry
from wallet.vault.items import SealedItem

if TYPE_CHECKING:  # a receipt is made of Changes
    from wallet.journal.receipts import Receipt

Row = Mapping[str, Any]
"""Column values: str, int (money too), bool, bytes, aware datetime, tuple of str, JSON mapping, or None. Money becomes a digit
string in the body, so that no reader rounds it."""


class EventKind(StrEnum):
    """Facts in the past tense. The catalogue is public: platforms follow it over `/v1/events`."""

    NETWORK_OPENED = "network.opened"
    NETWORK_KEYS_ADDED = "network.keys_added"
    NETWORK_REORGANISED = "network.reorganised"
    NETWORK_HALTED = "network.halted"
    NETWORK_RESUMED = "network.resumed"
    ASSET_LISTED = "asset.listed"
    ASSET_PAUSED = "asset.paused"
    ASSET_RESUMED = "asset.resumed"
    BALANCE_OBSERVED = "balance.observed"
    BREAK_OPENED = "break.opened"
    BREAK_RESOLVED = "break.resolved"
    OPERATOR_CREATED = "operator.created"
    BATCH_ACCEPTED = "batch.accepted"
    CUSTOMER_CREATED = "customer.created"
    CUSTOMERS_CREATED = "customers.created"
    CUSTOMER_FROZEN = "customer.frozen"
    CUSTOMER_UNFROZEN = "customer.unfrozen"
    CUSTOMER_CLOSED = "customer.closed"
    CUSTOMER_ERASED = "customer.erased"
    API_KEY_CREATED = "api_key.created"
    API_KEY_REVOKED = "api_key.revoked"
    ADDRESS_ASSIGNED = "address.assigned"
    ADDRESSES_RESERVED = "addresses.reserved"
    ADDRESSES_WATCHED = "addresses.watched"
    ADDRESS_GIVEN = "address.given"
    ADDRESSES_CERTIFIED = "addresses.certified"
    HOT_ADDRESS_ROTATED = "hot_address.rotated"
    HOT_ADDRESS_EMPTIED = "hot_address.emptied"
    STATEMENT_ACCEPTED = "statement.accepted"
    DEPOSIT_DETECTED = "deposit.detected"
    DEPOSIT_CONFIRMING = "deposit.confirming"
    DEPOSIT_CREDITED = "deposit.credited"
    DEPOSIT_UPROOTED = "deposit.uprooted"
    DEPOSIT_FOUND_AGAIN = "deposit.found_again"
    DEPOSIT_CHARGED_BACK = "deposit.charged_back"
    DEPOSIT_ORPHANED = "deposit.orphaned"
    DEPOSIT_QUARANTINED = "deposit.quarantined"
    DEPOSIT_ATTRIBUTED = "deposit.attributed"
    STRAY_SEEN = "stray.seen"
    STRAY_ORPHANED = "stray.orphaned"
    STRAY_RECOVERING = "stray.recovering"
    STRAY_RECOVERED = "stray.recovered"
    STRAY_CREDITED = "stray.credited"
    PROPOSAL_MADE = "proposal.made"
    PROPOSAL_EDITED = "proposal.edited"
    PROPOSAL_SIGNED = "proposal.signed"
    PROPOSAL_APPROVED = "proposal.approved"
    PROPOSAL_REJECTED = "proposal.rejected"
    PROPOSAL_EXPIRED = "proposal.expired"
    PROPOSAL_FAILED = "proposal.failed"
    POLICY_CHANGED = "policy.changed"
    APPROVER_ENROLLED = "approver.enrolled"
    APPROVER_REVOKED = "approver.revoked"
    TOKEN_SUSPENDED = "token.suspended"  # noqa: S105
    TOKEN_RESUMED = "token.resumed"  # noqa: S105
    DEPOSIT_ACCEPTED = "deposit.accepted"
    FUNDING_RECEIVED = "funding.received"
    OUTFLOW_BOOKED = "outflow.booked"
    PAYMENT_SENT = "payment.sent"
    SETTLEMENT_POSTED = "settlement.posted"
    ENTRY_REVERSED = "entry.reversed"
    HOLD_PLACED = "hold.placed"
    HOLD_VOIDED = "hold.voided"
    HOLD_EXPIRED = "hold.expired"
    RULES_SET = "rules.set"
    RULES_LOOSENED = "rules.loosened"
    RULES_LOOSENING_CANCELLED = "rules.loosening_cancelled"
    LIMITS_SET = "limits.set"
    DESTINATION_SAVED = "destination.saved"
    DESTINATION_REMOVED = "destination.removed"
    WITHDRAWAL_REQUESTED = "withdrawal.requested"
    WITHDRAWAL_AWAITS_APPROVAL = "withdrawal.awaits_approval"
    WITHDRAWAL_APPROVAL_GIVEN = "withdrawal.approval_given"
    WITHDRAWAL_APPROVED = "withdrawal.approved"
    WITHDRAWAL_SIGNED = "withdrawal.signed"
    WITHDRAWAL_SUBMITTED = "withdrawal.submitted"
    WITHDRAWAL_INCLUDED = "withdrawal.included"
    WITHDRAWAL_FINAL = "withdrawal.final"
    WITHDRAWAL_UPROOTED = "withdrawal.uprooted"
    WITHDRAWAL_CANCELLED = "withdrawal.cancelled"
    WITHDRAWAL_REJECTED = "withdrawal.rejected"
    WITHDRAWAL_FAILED = "withdrawal.failed"
    WITHDRAWAL_RETURNED = "withdrawal.returned"
    SUBMISSION_RESERVED = "submission.reserved"
    SUBMISSION_SIGNED = "submission.signed"
    SUBMISSION_SUBMITTED = "submission.submitted"
    SUBMISSION_INCLUDED = "submission.included"
    SUBMISSION_FINAL = "submission.final"
    SUBMISSION_UPROOTED = "submission.uprooted"
    SUBMISSION_DEAD = "submission.dead"
    SUBMISSION_STOPPED = "submission.stopped"
    SUBMISSION_DOUBTED = "submission.doubted"
    SUBMISSION_DECIDED = "submission.decided"
    PAYOUTS_SET_UP = "payouts.set_up"
    SUBMISSION_REPLACING = "submission.replacing"
    SUBMISSION_REPLACED = "submission.replaced"
    WITHDRAWAL_REPLACED = "withdrawal.replaced"
    REPLACEMENT_REFUSED = "replacement.refused"
    SUBMISSION_CANCELLING = "submission.cancelling"
    SUBMISSION_URGED = "submission.urged"
    DAY_BEGUN = "day.begun"
    JOURNAL_KEY_LISTED = "journal.key_listed"
    REQUESTS_FORGOTTEN = "requests.forgotten"
    JOURNAL_ARCHIVED = "journal.archived"


class Requirement(msgspec.Struct, frozen=True, gc=False):
    """A row that the decision rested on, at the version that was read; None where there was none. If it has changed, the
    Change is stale."""

    table: str
    id: str
    version: int | None


class Request(msgspec.Struct, frozen=True, gc=False):
    """What makes a retry safe. The key belongs to the owner of the money, never to the credential that carried it; `digest`
    covers the meaning of the parsed request (`journal.body.request_digest`). `standing` is what must still be as it was
    when the request was admitted, such as its credential: the Change that is made of it requires that."""

    owner: str
    operation: str
    key: str
    digest: bytes
    standing: tuple[Requirement, ...] = ()


class Insert(msgspec.Struct, frozen=True, gc=False):
    """A new row, at version 1. `row` has the table's columns without `version`."""

    table: str
    row: Row


class Update(msgspec.Struct, frozen=True, gc=False):
    """New values for some columns of the row that was read at `version`; it becomes `version` + 1."""

    table: str
    id: str
    version: int
    values: Row


ALL_BUT_METERED = Flags.NO_OVERDRAFT | Flags.NO_OVERSPEND | Flags.FROZEN | Flags.CLOSED


class FlagChange(msgspec.Struct, frozen=True, gc=False):
    """`flags` of those in `mask`; the others stay as they are. Whoever freezes says nothing about limits, and the other way
    round."""

    account: Account
    flags: Flags
    mask: Flags = ALL_BUT_METERED


class Ceiling(msgspec.Struct, frozen=True, gc=False):
    """After the Change, what these places of the house hold together by the books is at most `units`: no more can be booked
    than a network itself states that there is. Judged like a balance, under the head lock; put on Changes that take value
    in, never on those that book a loss."""

    places: tuple[Account, ...]
    units: int

    def __post_init__(self) -> None:
        if len({place.asset for place in self.places}) != 1:
            raise ValueError("a ceiling is over places of one asset")


class Change(msgspec.Struct, frozen=True, gc=False):
    """`data` is the event's public content (JSON values, no personal data). `viewers` are the customers who may see it, beside
    those whose accounts it moves.
    After it the accounts in `empty` hold nothing and have promised nothing.
    `metered`: whoever has limits on the accounts that it debits was asked (`wallet.limits`), or it is no exit.
    `result` is what the caller gets back, and gets again on every retry."""

    actor: str
    kind: EventKind
    data: Mapping[str, object]
    entry: Entry = ()
    requires: tuple[Requirement, ...] = ()
    writes: tuple[Insert | Update, ...] = ()
    vault: tuple[SealedItem, ...] = ()
    flags: tuple[FlagChange, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()
    empty: tuple[Account, ...] = ()
    viewers: tuple[str, ...] = ()
    metered: bool = False
    request: Request | None = None
    result: Mapping[str, object] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Committed:
    """Where the Change stands in the journal. `replayed` says that it was accepted earlier, under the same key. `receipt`
    makes the proof of it; an earlier one's is made of what is stored (`journal.receipt_of`)."""

    seq: int
    at: datetime
    result: Mapping[str, object]
    replayed: bool = False
    receipt: "Callable[[], Receipt | None] | None" = field(default=None, compare=False, repr=False)
