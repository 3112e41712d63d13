"""Proposals: what needs two operators. One proposes an exact act, another approves that very act."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from api.idempotency import optional_request_of
from api.routes import Answer, Call, Handle, Idempotency, Route, any_of, route
from api.schema import ULID, AmountText, AssetSymbol, Closed, Line, Moment, NetworkName, Nothing, Shown
from wallet.access.keys import Scope
from wallet.deposits.adopt import draft_adoption
from wallet.errors import NotAllowed
from wallet.journal.change import Committed
from wallet.listings.draft import Wish, draft_listing, draft_resuming
from wallet.proposals.approve import ActSignature, approve_proposal, reject_proposal, sign_proposal
from wallet.proposals.find import find_proposal, list_proposals, proposal_view
from wallet.proposals.propose import REASON_MAX, Drafting, edit_proposal, propose
from wallet.proposals.states import State
from wallet.strays.credit import draft_credit
from wallet.strays.recover import draft_recovery

_PROPOSERS = any_of(Scope.OPERATE)
_REFUSES = ("not_allowed", "not_found", "network_unavailable", "idempotency_key_reused")
_ANSWERS = ("not_found", "not_allowed", "proposal_ended", "proposal_changed", "changed_meanwhile")
Reason = Annotated[
    str, Line, Field(min_length=1, max_length=REASON_MAX, description="It goes on record.", examples=["asked for"])
]
Digest = Annotated[
    str, Field(pattern="^[0-9a-f]{64}$", examples=["ab" * 32], description="The digest of the act that is meant.")
]


class ListingBody(Closed):
    """The contract's decimals and code are read from the chain. `scale` is the ledger's, where it differs from them."""

    network: NetworkName
    contract: str = Field(pattern="^0x[0-9a-fA-F]{40}$")
    symbol: AssetSymbol
    scale: int | None = Field(default=None, ge=0, le=36)
    deposit_min: AmountText = "0"
    withdrawal_min: AmountText = "0"
    sweep_min: AmountText = Field(examples=["5"], description="Gas is spent on no less; more than nothing.")
    reason: Reason
    edits: str | None = Field(
        default=None, pattern="^prp_", description="An open proposal of yours that this replaces."
    )


class ResumingBody(Closed):
    network: NetworkName
    symbol: AssetSymbol
    reason: Reason


class DepositBody(Closed):
    """A deposit that came over the wrong network (`dep_…`), or a stray whose token is listed by now (`str_…`)."""

    deposit: str = Field(pattern=f"^(dep|str)_{ULID}$", examples=["dep_01kbrnaj54fsmfz5xvscqf6q2v"])
    reason: Reason


class RecoveryBody(Closed):
    """`address` is where the stray's owner wants it, outside of this node."""

    stray: str = Field(pattern=f"^str_{ULID}$", examples=["str_01kbrnaj54fsmfz5xvscqf6q2v"])
    address: Line = Field(min_length=1, max_length=100)
    reason: Reason


class ApprovalBody(Closed):
    """`key` and `signature`: an Ed25519 signature in hex over the 32 bytes of the digest, where a signer asks for one."""

    digest: Digest
    key: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    signature: str | None = Field(default=None, pattern="^[0-9a-f]{128}$")


class SignatureBody(Closed):
    digest: Digest
    key: str = Field(pattern="^[0-9a-f]{64}$")
    signature: str = Field(pattern="^[0-9a-f]{128}$")


class RejectionBody(Closed):
    reason: Reason


class ProposalQuery(Closed):
    status: str | None = Field(default=None, pattern=f"^({'|'.join(State)})$")


class ProposalView(Shown):
    """`content` is the whole act, `digest` its name, `words` the digest's beginning for two people to compare aloud.
    `approvals` are operators with the time at which they approved."""

    id: str
    kind: str
    subject: str
    content: dict[str, str]
    digest: str
    words: str
    reason: str
    proposer: str
    status: State
    approvals: dict[str, str]
    signed_by: list[str]
    outcome: str | None
    created_at: Moment
    expires_at: Moment
    ended_at: Moment | None


class ProposalList(Shown):
    items: list[ProposalView]


@route("GET", "/v1/operator/proposals", access=any_of(Scope.OPERATE_READ), answer=ProposalList)
async def list_all(call: Call[Nothing, ProposalQuery]) -> Answer:
    """Proposals, newest first"""
    status = call.query.status
    rows = await list_proposals(call.context, [] if status is None else [status])
    return Answer(ProposalList(items=[ProposalView.model_validate(proposal_view(row)) for row in rows]))


@route(
    "GET",
    "/v1/operator/proposals/{proposal}",
    access=any_of(Scope.OPERATE_READ),
    answer=ProposalView,
    refuses=("not_found",),
)
async def show(call: Call[Nothing, Nothing]) -> Answer:
    """One proposal"""
    row = await find_proposal(call.context, call.path["proposal"])
    return Answer(ProposalView.model_validate(proposal_view(row)))


def _proposing(noun: str, *refuses: str) -> Callable[[Handle], Route]:
    return route(
        "POST",
        f"/v1/operator/proposals/{noun}",
        access=_PROPOSERS,
        answer=ProposalView,
        statuses=(201,),
        idempotency=Idempotency.ACCEPTED,
        refuses=(*_REFUSES, *refuses),
    )


@_proposing("listings", "proposal_ended", "changed_meanwhile")
async def propose_listing(call: Call[ListingBody, Nothing]) -> Answer:
    """Propose to list a token"""
    sent = call.body
    wish = Wish(
        sent.network, sent.contract, sent.symbol, sent.scale, sent.deposit_min, sent.withdrawal_min, sent.sweep_min
    )
    drafting = partial(draft_listing, call.context, wish, sent.reason)
    if sent.edits is not None:
        return _made(await edit_proposal(call.context, call.principal, sent.edits, await drafting()))
    return await proposed(call, "proposal.list_token", drafting)


@_proposing("resumings")
async def propose_resuming(call: Call[ResumingBody, Nothing]) -> Answer:
    """Propose to go on with a suspended token as what it is now"""
    sent = call.body
    drafting = partial(draft_resuming, call.context, sent.network, sent.symbol, sent.reason)
    return await proposed(call, "proposal.resume_token", drafting)


@_proposing("credits")
async def propose_credit(call: Call[DepositBody, Nothing]) -> Answer:
    """Propose to credit what came wrongly to its owner"""
    sent = call.body
    draft = draft_credit if sent.deposit.startswith("str_") else draft_adoption
    return await proposed(call, "proposal.credit", partial(draft, call.context, sent.deposit, sent.reason))


@_proposing("recoveries", "destination_refused")
async def propose_recovery(call: Call[RecoveryBody, Nothing]) -> Answer:
    """Propose to send a stray to an address that its owner names"""
    sent = call.body
    drafting = partial(draft_recovery, call.context, sent.stray, sent.address, sent.reason)
    return await proposed(call, "proposal.recover", drafting)


def _answering(verb: str, *refuses: str) -> Callable[[Handle], Route]:
    path = f"/v1/operator/proposals/{{proposal}}/{verb}"
    return route("POST", path, access=_PROPOSERS, answer=ProposalView, refuses=(*_ANSWERS, *refuses))


@_answering("approve", "own_proposal")
async def approve(call: Call[ApprovalBody, Nothing]) -> Answer:
    """Approve the very act that has this digest"""
    sent = call.body
    done = await approve_proposal(call.context, call.principal, call.path["proposal"], sent.digest, _signed(sent))
    return Answer(ProposalView.model_validate(done.result))


def _signed(sent: ApprovalBody) -> ActSignature | None:
    """Half a signature is refused: an approval without one would fail at the signer, and only then."""
    if sent.key is None and sent.signature is None:
        return None
    if sent.key is None or sent.signature is None:
        raise NotAllowed("key and signature go together")
    return ActSignature(sent.key, sent.signature)


@_answering("sign")
async def sign(call: Call[SignatureBody, Nothing]) -> Answer:
    """Add a signature for a signer that asks for it; approves nothing"""
    signed = ActSignature(call.body.key, call.body.signature)
    done = await sign_proposal(call.context, call.principal, call.path["proposal"], call.body.digest, signed)
    return Answer(ProposalView.model_validate(done.result))


@_answering("reject")
async def reject(call: Call[RejectionBody, Nothing]) -> Answer:
    """End a proposal without doing anything"""
    done = await reject_proposal(call.context, call.principal, call.path["proposal"], call.body.reason)
    return Answer(ProposalView.model_validate(done.result))


async def proposed(call: Call[Any, Nothing], operation: str, drafting: Drafting) -> Answer:
    request = optional_request_of(call, operation, call.body.model_dump())
    return _made(await propose(call.context, call.principal, drafting, request))


def _made(done: Committed) -> Answer:
    view = ProposalView.model_validate(done.result)
    return Answer(view, 201, done.replayed, location=f"/v1/operator/proposals/{view.id}")


ROUTES = (list_all, propose_listing, propose_resuming, propose_credit, propose_recovery, show, approve, sign, reject)
