"""One table: stable code → HTTP status and what may be said. Answers are problem details (RFC 9457).

What this prevents: a status that depends on where a refusal was raised, and errors that tell of the inside (tables,
accounts, hosts, the reason an operator paused an asset). A member of a refusal's detail is shown only if it stands here.

    400  what was sent makes no sense            409  it does, but not in the present state
    401  no valid key        403  not with it    413  415  408  the body: too large, not JSON, too slow
    404  nothing here that you may see           422  the Idempotency-Key was used for something else
    500  our mistake                             503  try again, under the same Idempotency-Key
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from wallet.errors import JournalUnavailable, OutcomeUnknown, Refusal, RememberedRefusal, Stale
from wallet.ports import NetworkError, SignerUnavailable
from wallet.vault.items import PersonErased

RETRY_AFTER_S = "1"
MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Rule:
    """`detail` replaces the refusal's own message where that would say too much; `members` are shown beside it."""

    status: int
    title: str
    detail: str | None = None
    members: tuple[str, ...] = ()
    field: str | None = None


RULES: dict[str, Rule] = {
    "invalid_request": Rule(400, "The request is not valid"),
    "idempotency_key_required": Rule(400, "An Idempotency-Key is required"),
    "invalid_cursor": Rule(400, "The cursor is not valid", field="cursor"),
    "amount_refused": Rule(400, "The amount is refused", field="amount"),
    "hold_end_refused": Rule(400, "The end of the hold is refused", field="expires_at"),
    "destination_refused": Rule(400, "The destination is refused", field="destination"),
    "quote_refused": Rule(400, "The quote is for something else", field="quote"),
    "policy_refused": Rule(400, "This is no policy", field="policy"),
    "period_refused": Rule(400, "The period is not valid"),
    "handle_malformed": Rule(400, "The handle is not valid", field="handle"),
    "moment_to_come": Rule(400, "This moment has not come yet", field="at"),
    "position_to_come": Rule(400, "The journal has not come to this position yet", field="position"),
    "unauthorized": Rule(401, "A valid API key is required"),
    "not_allowed": Rule(403, "Not allowed"),
    "own_proposal": Rule(403, "Nobody approves their own proposal", members=("proposal",)),
    "own_withdrawal": Rule(403, "Nobody approves what they could have asked for", members=("withdrawal",)),
    "scope_missing": Rule(403, "This API key lacks the scope", members=("scope",)),
    "not_found": Rule(404, "Not found", members=("noun", "id")),
    "method_not_allowed": Rule(405, "This method is not offered here"),
    "request_timeout": Rule(408, "The body did not arrive in time"),
    "insufficient_funds": Rule(409, "Insufficient funds", members=("asset", "needed", "available")),
    "account_frozen": Rule(409, "The account is frozen", "this account is frozen"),
    "account_closed": Rule(409, "The account is closed", "this account is closed"),
    "account_not_empty": Rule(409, "The account is not empty", "there is money on this account"),
    "balance_overflow": Rule(409, "The balance would be too large", "a balance above 2^256 - 1 units does not exist"),
    "hold_not_open": Rule(409, "The hold has ended, or less of it is left", "this much is not held any more"),
    "duplicate_reference": Rule(
        409, "The client_reference was used before", "this client_reference was used before", field="client_reference"
    ),
    "beyond_observed": Rule(
        409, "Not seen on the network yet", "the network does not show this much of the asset yet", ("asset",)
    ),
    "already_exists": Rule(409, "Already exists", "this already exists"),
    "handle_taken": Rule(409, "The handle is taken", "this handle is taken", field="handle"),
    "asset_paused": Rule(
        409, "The asset is paused", "this asset is paused: an operator is looking into it", ("asset",)
    ),
    "network_halted": Rule(
        409, "The network is halted", "this network is halted: an operator is looking into it", ("network",)
    ),
    "break_stands": Rule(409, "The difference is still there", members=("id", "asset", "missing")),
    "destination_not_saved": Rule(409, "Not a saved destination", field="destination"),
    "destination_not_yet_usable": Rule(
        409, "The destination cannot be used yet", members=("destination", "usable_at"), field="destination"
    ),
    "limit_exceeded": Rule(
        409,
        "A limit would be exceeded",
        members=("asset", "limit", "set_by", "most", "left", "fits_at"),
        field="amount",
    ),
    "too_many_destinations": Rule(409, "Too many saved destinations", members=("most",)),
    "not_reversible": Rule(409, "This is not reversed"),
    "already_reversed": Rule(409, "Reversed already", "this entry is reversed already"),
    "quote_expired": Rule(409, "The quote does not hold any more", field="quote"),
    "period_open": Rule(409, "The period is not over"),
    "moment_archived": Rule(409, "The books of that time are in an archive"),
    "proposal_ended": Rule(409, "The proposal has ended", members=("proposal", "state")),
    "proposal_changed": Rule(409, "The proposal is another act now", members=("proposal",)),
    "not_waiting": Rule(409, "It waits for nobody", members=("withdrawal", "state")),
    "other_act": Rule(409, "This is another act", members=("withdrawal",)),
    "not_cancellable": Rule(409, "Too late to cancel", members=("withdrawal", "state")),
    "not_replaceable": Rule(409, "Not to be replaced", members=("submission", "state")),
    "address_kind_unknown": Rule(422, "Unknown kind of address", members=("network", "kind")),
    "customer_closed": Rule(409, "The customer is closed", "this customer is closed"),
    "customer_erased": Rule(409, "The customer is erased", "this customer's personal data was erased on request"),
    "body_too_large": Rule(413, "The body is too large"),
    "unsupported_media_type": Rule(415, "The body is not JSON"),
    "idempotency_key_reused": Rule(422, "The Idempotency-Key was used for another request"),
    "refused": Rule(409, "Refused", "this was refused"),
    "internal_error": Rule(500, "Something went wrong on our side"),
    "outcome_unknown": Rule(503, "The outcome is not known yet"),
    "unavailable": Rule(503, "Temporarily unavailable"),
    "changed_meanwhile": Rule(503, "Changed meanwhile"),
    "network_unavailable": Rule(503, "The network does not answer"),
}

MOVE_REFUSALS = (
    "amount_refused",
    "limit_exceeded",
    "not_allowed",
    "not_found",
    "insufficient_funds",
    "account_frozen",
    "account_closed",
    "asset_paused",
    "balance_overflow",
    "duplicate_reference",
    "idempotency_key_reused",
)
"""How a request to move money between accounts may be refused, beyond what any request may be."""

_RETRY = {"Retry-After": RETRY_AFTER_S}
_REPEAT = "nothing is lost: repeat the request with the same Idempotency-Key to learn what became of it"


class Problem(Exception):
    """An answer that says no. `code` is a key of `RULES`; `blame` names the field that is wrong."""

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        blame: str | None = None,
        members: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail
        self.members = dict(members or {})
        self.headers = dict(headers or {})
        self.field = blame

    @property
    def rule(self) -> Rule:
        return RULES[self.code]

    @property
    def status(self) -> int:
        return self.rule.status

    def content(self) -> dict[str, object]:
        """The members of RFC 9457, with `code` for programs and `detail` for people."""
        content: dict[str, object] = {
            "type": f"/problems/{self.code}",
            "title": self.rule.title,
            "status": self.rule.status,
            "code": self.code,
        }
        optional = {"detail": self.rule.detail or self.detail, "field": self.field or self.rule.field}
        return {**content, **{name: text for name, text in optional.items() if text}, **self.members}


@dataclass(frozen=True, slots=True)
class _Trouble:
    """What the world does to us, told without its own words."""

    code: str
    detail: str
    errors: tuple[type[Exception], ...] = field(default=())


_TROUBLES = (
    _Trouble("outcome_unknown", _REPEAT, (OutcomeUnknown,)),
    _Trouble("changed_meanwhile", "others were faster, and nothing was done: try again", (Stale,)),
    _Trouble("unavailable", "nothing was done: try again", (JournalUnavailable, SignerUnavailable)),
    _Trouble("network_unavailable", "nothing was done: try again when the network answers", (NetworkError,)),
    _Trouble(
        "unavailable",
        "try again, with the same Idempotency-Key where there is one",
        (
            InterfaceError,
            OperationalError,
            PoolTimeout,
            ConnectionError,
            TimeoutError,
            asyncpg.PostgresConnectionError,
            asyncpg.OperatorInterventionError,
            asyncpg.InsufficientResourcesError,
            asyncpg.LockNotAvailableError,
            asyncpg.TargetServerAttributeNotMatched,
        ),
    ),
)
# SQLSTATE classes of what happens to the database, not of what we asked it: lines, rollbacks, a standby that takes no writes,
# resources (the disk), locks, an operator, the system below it.
_OF_THE_DATABASE = ("08", "25", "40", "53", "55", "57", "58", "XX")


def problem_of(error: Exception) -> Problem | None:
    """The answer to an exception that is known here; None for a mistake of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Refusal):
        return _refused(error)
    if isinstance(error, PersonErased):
        return Problem("customer_erased")
    for trouble in _TROUBLES:
        if isinstance(error, trouble.errors):
            return Problem(trouble.code, trouble.detail, headers=_RETRY)
    if isinstance(error, DBAPIError) and _is_trouble(error):
        return Problem(_TROUBLES[-1].code, _TROUBLES[-1].detail, headers=_RETRY)
    return None


def _is_trouble(error: DBAPIError) -> bool:
    return error.connection_invalidated or str(getattr(error.orig, "sqlstate", "")).startswith(_OF_THE_DATABASE)


def _refused(refusal: Refusal) -> Problem:
    code = _public_code(refusal)
    members = {name: refusal.detail[name] for name in RULES[code].members if name in refusal.detail}
    headers = {"Idempotent-Replayed": "true"} if isinstance(refusal, RememberedRefusal) else {}
    return Problem(code, refusal.message, members=members, headers=headers)


def _public_code(refusal: Refusal) -> str:
    """What is unique is refused, and remembered, by the Journal as what it is to a table."""
    code = refusal.stable_code
    if code == "already_exists" and refusal.detail.get("table") == "customers":
        return "handle_taken"
    if code == "already_exists" and refusal.detail.get("table") == "reversals":
        return "already_reversed"
    if code == "already_exists" and "client_reference" in refusal.detail.get("columns", ""):
        return "duplicate_reference"
    return code if code in RULES else "refused"
