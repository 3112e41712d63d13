"""Withdrawals that wait for people: the queue, each act in words, and operators' signatures; and whose keys count."""

from functools import partial
from typing import Any

from pydantic import Field

from api.operator.proposals import Digest, ProposalView, Reason, proposed
from api.routes import Answer, Call, Idempotency, any_of, route
from api.schema import ULID, AmountText, AssetSymbol, Closed, CustomerName, Moment, NetworkName, Nothing, Shown
from wallet.access.keys import Scope
from wallet.approvals.approve import approve_withdrawal
from wallet.approvals.approvers import approver_view, draft_enrolment, list_approvers, revoke_approver
from wallet.approvals.find import asked_view, find_asked, shown, waiting_withdrawals
from wallet.approvals.reject import reject_withdrawal
from wallet.proposals.approve import ActSignature
from wallet.withdrawals.states import State

_PATH = "/v1/operator/approvals"
_ANSWERS = ("not_found", "not_allowed", "not_waiting", "changed_meanwhile")


class AskedView(Shown):
    """`because` are the rules that ask for people, `missing` how many more it takes. A bank account is null in lists."""

    withdrawal: str
    customer: CustomerName
    network: NetworkName
    asset: AssetSymbol
    amount: AmountText
    network_fee: AmountText
    destination: str | None
    status: State
    needed: int
    missing: int
    approved_by: list[str]
    because: list[str]
    outcome: str | None
    requested_at: Moment
    age_s: int


class ActView(AskedView):
    """`act` is what is signed, `digest` its name, `words` the digest's beginning for people to compare aloud."""

    name: str | None
    sentence: str
    act: dict[str, str]
    digest: str
    words: str


class AskedList(Shown):
    items: list[AskedView]


class SignedBody(Closed):
    """An Ed25519 signature in hex over the 32 bytes of the digest, by an enrolled approval key of the operator who asks."""

    digest: Digest
    key: str = Field(pattern="^[0-9a-f]{64}$")
    signature: str = Field(pattern="^[0-9a-f]{128}$")


class DeclineBody(Closed):
    """The customer reads the reason."""

    reason: Reason


class EnrolmentBody(Closed):
    operator: str = Field(pattern=f"^opr_{ULID}$")
    key: str = Field(pattern="^[0-9a-f]{64}$", description="The public half, in hex.")
    reason: Reason


class ApproverView(Shown):
    key: str
    operator: str
    enrolled_at: Moment
    revoked_at: Moment | None


class ApproverList(Shown):
    items: list[ApproverView]


@route("GET", _PATH, access=any_of(Scope.OPERATE_READ), answer=AskedList)
async def list_all(call: Call[Nothing, Nothing]) -> Answer:
    """Withdrawals that wait for operators, oldest first"""
    context, now = call.context, call.context.clock.now()
    asked = [
        asked_view(row, demand, context.asset(row["asset"]).decimals, now)
        for row, demand in await waiting_withdrawals(context)
    ]
    return Answer(AskedList(items=[AskedView.model_validate(view) for view in asked]))


@route(
    "GET",
    f"{_PATH}/{{withdrawal}}",
    access=any_of(Scope.OPERATE),
    answer=ActView,
    refuses=("not_found", "not_allowed", "customer_erased"),
)
async def show(call: Call[Nothing, Nothing]) -> Answer:
    """One of them: the exact act that is signed, and its digest"""
    row, demand = await find_asked(call.context, call.path["withdrawal"])
    return Answer(ActView.model_validate(await shown(call.context, row, demand)))


@route(
    "POST",
    f"{_PATH}/{{withdrawal}}/approve",
    access=any_of(Scope.OPERATE),
    answer=AskedView,
    refuses=(*_ANSWERS, "own_withdrawal", "other_act", "customer_erased"),
)
async def approve(call: Call[SignedBody, Nothing]) -> Answer:
    """Approve the very withdrawal that has this digest"""
    sent = call.body
    signed = ActSignature(sent.key, sent.signature)
    done = await approve_withdrawal(call.context, call.principal, call.path["withdrawal"], sent.digest, signed)
    return Answer(AskedView.model_validate(done.result), replayed=done.replayed)


@route(
    "POST",
    f"{_PATH}/{{withdrawal}}/reject",
    access=any_of(Scope.OPERATE),
    answer=AskedView,
    refuses=_ANSWERS,
)
async def reject(call: Call[DeclineBody, Nothing]) -> Answer:
    """Decline a withdrawal; the money goes back"""
    done = await reject_withdrawal(call.context, call.principal, call.path["withdrawal"], call.body.reason)
    return Answer(AskedView.model_validate(done.result))


@route("GET", "/v1/operator/approvers", access=any_of(Scope.OPERATE_READ), answer=ApproverList)
async def approvers(call: Call[Nothing, Nothing]) -> Answer:
    """The keys with which operators approve, also those that were revoked"""
    views = [approver_view(row) for row in await list_approvers(call.context)]
    return Answer(ApproverList(items=[ApproverView.model_validate(view) for view in views]))


@route(
    "POST",
    "/v1/operator/proposals/approvers",
    access=any_of(Scope.OPERATE),
    answer=ProposalView,
    statuses=(201,),
    idempotency=Idempotency.ACCEPTED,
    refuses=("not_allowed", "not_found", "idempotency_key_reused"),
)
async def propose_approver(call: Call[EnrolmentBody, Nothing]) -> Answer:
    """Propose to enrol an operator's approval key"""
    sent: Any = call.body
    drafting = partial(draft_enrolment, call.context, sent.operator, sent.key, sent.reason)
    return await proposed(call, "proposal.enrol_approver", drafting)


@route(
    "POST",
    "/v1/operator/approvers/{key}/revoke",
    access=any_of(Scope.OPERATE),
    answer=ApproverView,
    refuses=("not_found", "changed_meanwhile"),
)
async def revoke(call: Call[Nothing, Nothing]) -> Answer:
    """Revoke an approval key; what it has approved and is not begun waits again"""
    done = await revoke_approver(call.context, call.principal, call.path["key"])
    return Answer(ApproverView.model_validate(done.result), replayed=done.replayed)


ROUTES = (list_all, approvers, propose_approver, show, approve, reject, revoke)
