"""Refusals: the ways in which the core says no. One class each, named for the refusal, holding what it rests on.

    Refusal                     a judgement; `code` is stable and documented, `detail` holds what a program needs
    ├── InsufficientFunds       ├── NotFound              ├── DestinationRefused
    ├── AccountFrozen           ├── HandleTaken           ├── AmountRefused
    ├── AccountClosed           ├── AlreadyExists         ├── AssetPaused
    ├── HoldNotOpen             ├── KeyReused             ├── NotCancellable
    ├── BalanceOverflow         ├── RememberedRefusal     ├── NotAllowed
    ├── BreakStands             ├── BeyondObserved        ├── NotReversible
    ├── AlreadyReversed         ├── PeriodRefused         ├── PeriodOpen
    ├── CustomerClosed          ├── AccountNotEmpty       ├── ProposalEnded
    ├── ProposalChanged         ├── OwnProposal           ├── NetworkHalted
    ├── PolicyRefused
    ├── NotWaiting              ├── OtherAct              ├── OwnWithdrawal
    ├── AddressKindUnknown      ├── TokenSuspended        ├── HoldEndRefused
    ├── DestinationNotSaved     ├── TooManyDestinations   ├── DestinationNotYetUsable
    ├── LimitExceeded
    └── NotReplaceable
    Stale                       a row changed under the decision: read again and decide again
    └── Unmetered               its owner's limits were not asked
    OutcomeUnknown              the commit was sent and not answered: look it up, never repeat blindly
    JournalUnavailable          nothing was written; try later

HTTP statuses are not known here: they stand in one table in `api/errors.py`.
"""

from datetime import datetime
from typing import ClassVar

from wallet.money import Amount, Asset, format_units


class Refusal(Exception):
    """A judgement that changes nothing. `remembered` refusals depend on state inside the Journal and are stored under the
    request's idempotency key: a retry gets the same answer for ever."""

    code: ClassVar[str] = "refused"
    detail: dict[str, str]

    def __init__(self, message: str, **detail: str) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail

    @property
    def stable_code(self) -> str:
        return self.code


class RememberedRefusal(Refusal):
    """The stored refusal of an earlier request with the same idempotency key, word for word."""

    def __init__(self, code: str, message: str, detail: dict[str, str]) -> None:
        super().__init__(message, **detail)
        self._code = code

    @property
    def stable_code(self) -> str:
        return self._code


class InsufficientFunds(Refusal):
    """The account does not cover the amount. `available_units` are base units; the message has whole amounts."""

    code = "insufficient_funds"

    def __init__(self, account: str, needed: Amount, available_units: int) -> None:
        available = format_units(available_units, needed.asset.decimals)
        super().__init__(
            f"{needed} needed, {available} {needed.asset.symbol} available",
            account=account,
            asset=needed.asset.symbol,
            needed=format_units(needed.units, needed.asset.decimals),
            available=available,
        )


class AccountFrozen(Refusal):
    code = "account_frozen"

    def __init__(self, account: str) -> None:
        super().__init__("this account is frozen", account=account)


class AccountClosed(Refusal):
    code = "account_closed"

    def __init__(self, account: str) -> None:
        super().__init__("this account is closed", account=account)


class AccountNotEmpty(Refusal):
    code = "account_not_empty"

    def __init__(self, account: str) -> None:
        super().__init__(f"there is money on the account {account}, or some is promised to it", account=account)


class HoldNotOpen(Refusal):
    code = "hold_not_open"

    def __init__(self, hold: str, remaining: str) -> None:
        super().__init__(f"hold {hold} has {remaining} base units left", hold=hold, remaining=remaining)


class BalanceOverflow(Refusal):
    code = "balance_overflow"

    def __init__(self, account: str) -> None:
        super().__init__("a balance above 2^256 - 1 base units does not exist", account=account)


class BeyondObserved(Refusal):
    """More would be booked at these places than the network itself states that there is. Base units."""

    code = "beyond_observed"

    def __init__(self, asset: Asset, booked_units: int, observed_units: int) -> None:
        booked, observed = format_units(booked_units, asset.decimals), format_units(observed_units, asset.decimals)
        super().__init__(
            f"{booked} {asset.symbol} would be booked where {observed} was observed",
            asset=asset.symbol,
            booked=booked,
            observed=observed,
        )


class AlreadyExists(Refusal):
    """A value that must be unique is taken: a handle, a deposit's identity."""

    code = "already_exists"

    def __init__(self, table: str, columns: str) -> None:
        super().__init__(f"{columns} already exists in {table}", table=table, columns=columns)


class AddressKindUnknown(Refusal):
    code = "address_kind_unknown"

    def __init__(self, network: str, kind: str, known: tuple[str, ...]) -> None:
        there = f"there are {', '.join(known)}" if known else "its addresses are all of one kind, which has no name"
        super().__init__(f"{network} gives no addresses of the kind {kind}: {there}", network=network, kind=kind)


class CustomerClosed(Refusal):
    code = "customer_closed"

    def __init__(self, customer: str) -> None:
        super().__init__("this customer is closed", customer=customer)


class HandleTaken(Refusal):
    code = "handle_taken"

    def __init__(self, handle: str) -> None:
        super().__init__(f"@{handle} is taken", handle=handle)


class NotFound(Refusal):
    code = "not_found"

    def __init__(self, noun: str, name: str) -> None:
        super().__init__(f"no {noun} {name}", noun=noun, id=name)


class KeyReused(Refusal):
    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key was used for a request with another meaning")


class AmountRefused(Refusal):
    code = "amount_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class HoldEndRefused(Refusal):
    """A hold that would be over before it is placed."""

    code = "hold_end_refused"

    def __init__(self) -> None:
        super().__init__("a hold ends in the future")


class DestinationRefused(Refusal):
    code = "destination_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class DestinationNotSaved(Refusal):
    """This customer's withdrawals go to saved destinations alone."""

    code = "destination_not_saved"

    def __init__(self) -> None:
        super().__init__("this is none of the saved destinations, and withdrawals go to those alone")


class DestinationNotYetUsable(Refusal):
    """Saved, and still within its delay. `usable_at` is in UTC."""

    code = "destination_not_yet_usable"

    def __init__(self, destination: str, usable_at: str) -> None:
        super().__init__(
            f"this destination can be used from {usable_at} on", destination=destination, usable_at=usable_at
        )


class LimitExceeded(Refusal):
    """A limit of the customer's own or of operators would be passed. `left` is what it still allows now; `fits_at` when all
    that was asked for will fit, in UTC, as far as is known now; absent where it never does."""

    code = "limit_exceeded"

    def __init__(
        self, asset: Asset, limit: str, by: str, most_units: int, left_units: int, fits_at: str | None
    ) -> None:
        most, left = format_units(most_units, asset.decimals), format_units(left_units, asset.decimals)
        later = "" if fits_at is None else f"; this fits from {fits_at} on"
        super().__init__(
            f"{limit} is at most {most} {asset.symbol}, and {left} {asset.symbol} of it are left{later}",
            asset=asset.symbol,
            limit=limit,
            set_by=by,
            most=most,
            left=left,
            **({} if fits_at is None else {"fits_at": fits_at}),
        )


class TooManyDestinations(Refusal):
    code = "too_many_destinations"

    def __init__(self, most: int) -> None:
        super().__init__(f"at most {most} destinations are saved for one customer: remove some", most=str(most))


class AssetPaused(Refusal):
    code = "asset_paused"

    def __init__(self, asset: str, reason: str) -> None:
        super().__init__(f"{asset} is paused: {reason}", asset=asset)


class TokenSuspended(AssetPaused):
    """Paused on one network alone: its contract there is not what was listed any more."""

    def __init__(self, asset: str, network: str, reason: str) -> None:
        super().__init__(f"{asset} on {network}", reason)
        self.detail = {"asset": asset}


class NetworkHalted(Refusal):
    code = "network_halted"

    def __init__(self, network: str, reason: str) -> None:
        super().__init__(f"{network} is halted: {reason}", network=network)


class QuoteRefused(Refusal):
    """It was made for another withdrawal, or not by this node."""

    code = "quote_refused"

    def __init__(self) -> None:
        super().__init__("this quote was not given for this network, asset, amount and fee")


class QuoteExpired(Refusal):
    code = "quote_expired"

    def __init__(self, at: datetime) -> None:
        super().__init__(f"this quote held until {at:%Y-%m-%dT%H:%M:%SZ}: ask for another")


class NotCancellable(Refusal):
    code = "not_cancellable"

    def __init__(self, withdrawal: str, state: str) -> None:
        super().__init__(
            f"withdrawal {withdrawal} is {state}: only a withdrawal that is not signed can be cancelled",
            withdrawal=withdrawal,
            state=state,
        )


class NotWaiting(Refusal):
    """Nobody is asked any more: it is on its way, or has ended."""

    code = "not_waiting"

    def __init__(self, withdrawal: str, state: str) -> None:
        super().__init__(f"withdrawal {withdrawal} is {state}: it waits for nobody", withdrawal=withdrawal, state=state)


class OtherAct(Refusal):
    """The digest that was meant is not that of this withdrawal."""

    code = "other_act"

    def __init__(self, withdrawal: str) -> None:
        super().__init__(f"withdrawal {withdrawal} is another act than the one with this digest", withdrawal=withdrawal)


class OwnWithdrawal(Refusal):
    """Four eyes: whoever could have asked for it does not approve it."""

    code = "own_withdrawal"

    def __init__(self, withdrawal: str) -> None:
        super().__init__(
            f"the API key that asked for {withdrawal} went through your hands: another operator approves it",
            withdrawal=withdrawal,
        )


class NotReplaceable(Refusal):
    code = "not_replaceable"

    def __init__(self, submission: str, state: str) -> None:
        super().__init__(
            f"submission {submission} is {state}: only what has been signed and is in no block gets a higher fee, on a chain",
            submission=submission,
            state=state,
        )


class PolicyRefused(Refusal):
    """This text is no policy; the message names the place."""

    code = "policy_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class NotAllowed(Refusal):
    code = "not_allowed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class BreakStands(Refusal):
    """The network still states less than the books: it is explained only when the difference is gone, or booked as a loss."""

    code = "break_stands"

    def __init__(self, name: str, missing: Amount) -> None:
        super().__init__(
            f"{missing} are still missing. Bring them back and resolve again, or let the house bear them: --book-loss",
            id=name,
            missing=format_units(missing.units, missing.asset.decimals),
            asset=missing.asset.symbol,
        )


class NotReversible(Refusal):
    """Undoing this entry makes no sense; the message says what does instead."""

    code = "not_reversible"

    def __init__(self, entry: str, instead: str) -> None:
        super().__init__(instead, entry=entry)


class AlreadyReversed(Refusal):
    code = "already_reversed"

    def __init__(self, entry: str) -> None:
        super().__init__(f"{entry} is reversed already", entry=entry)


class ProposalEnded(Refusal):
    """Done, rejected, failed or expired: nothing more is said to it."""

    code = "proposal_ended"

    def __init__(self, proposal: str, state: str) -> None:
        super().__init__(f"proposal {proposal} is not open any more ({state})", proposal=proposal, state=state)


class ProposalChanged(Refusal):
    """The digest that was meant is not the proposal's: it was edited, or never looked at."""

    code = "proposal_changed"

    def __init__(self, proposal: str) -> None:
        super().__init__(f"proposal {proposal} is another act than the one with this digest", proposal=proposal)


class OwnProposal(Refusal):
    """Four eyes: a second person approves."""

    code = "own_proposal"

    def __init__(self, proposal: str) -> None:
        super().__init__(f"{proposal} is yours: another operator approves it", proposal=proposal)


class PeriodRefused(Refusal):
    """A span of time that makes no sense."""

    code = "period_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class PeriodOpen(Refusal):
    """The Journal's own time has not come to the end of this period: something may still be booked in it."""

    code = "period_open"

    def __init__(self) -> None:
        super().__init__("this period is not over")


class Stale(Exception):
    """A row that the decision rested on has changed. Nothing was written; decide again on what is true now."""

    def __init__(self, table: str, row_id: str) -> None:
        super().__init__(f"{table} {row_id} has changed")
        self.table = table
        self.row_id = row_id


class Unmetered(Stale):
    """Money would leave a customer who has limits, and nobody asked for them. Nothing was written; ask, and decide again."""

    def __init__(self, owner: str) -> None:
        super().__init__("safeguards", owner)


class JournalUnavailable(Exception):
    """Nothing was written: the queue is full or the database cannot be reached."""


class OutcomeUnknown(Exception):
    """A commit was sent and neither confirmed nor refuted. Repeating the request under the same key is safe and tells."""
