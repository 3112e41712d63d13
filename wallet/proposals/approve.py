"""What another operator says to a proposal: yes to the very act, no, or a signature for a signer outside."""

from collections.abc import Mapping
from dataclasses import dataclass

from wallet.access.keys import Principal
from wallet.context import Context, Record
from wallet.errors import NotAllowed, OwnProposal, ProposalChanged, ProposalEnded
from wallet.journal.body import time_text
from wallet.journal.change import Change, Committed, EventKind, Update
from wallet.proposals.digest import is_signed
from wallet.proposals.find import find_proposal, proposal_view
from wallet.proposals.states import OPEN, State

SIGNATURES_MAX = 16  # more keys than any signer asks for


@dataclass(frozen=True, slots=True)
class ActSignature:
    """An operator's Ed25519 signature (RFC 8032) over the 32 bytes of an act's digest; both in hex."""

    key: str
    signature: str


async def approve_proposal(
    context: Context, by: Principal, name: str, digest: str, signed: ActSignature | None = None
) -> Committed:
    """Yes to the act with this digest. Repeating it changes nothing. Raises `NotFound`, `ProposalEnded`, `OwnProposal`,
    `ProposalChanged` when it has been edited since, `NotAllowed` for a signature that is none, and `Stale`."""
    row = await _open_proposal(context, name, digest)
    if row["proposer"] == by.owner:
        raise OwnProposal(name)
    approvals = {**row["approvals"]}
    approvals.setdefault(by.owner, time_text(context.clock.now()))
    values = {"state": State.APPROVED.value, "approvals": approvals, "signatures": _signatures(row, signed)}
    return await _committed(context, by, row, EventKind.PROPOSAL_APPROVED, values)


async def sign_proposal(context: Context, by: Principal, name: str, digest: str, signed: ActSignature) -> Committed:
    """A signature beside the approvals, by whoever proposed it too: a signer outside counts keys of its own. Raises as
    `approve_proposal`."""
    row = await _open_proposal(context, name, digest)
    return await _committed(context, by, row, EventKind.PROPOSAL_SIGNED, {"signatures": _signatures(row, signed)})


async def reject_proposal(context: Context, by: Principal, name: str, reason: str) -> Committed:
    """It ends here; its proposer may take it back in the same way. Raises `NotFound`, `ProposalEnded`, `Stale`."""
    row = await find_proposal(context, name)
    if row["state"] not in OPEN:
        raise ProposalEnded(name, row["state"])
    values = {"state": State.REJECTED.value, "outcome": reason, "ended_at": context.clock.now()}
    return await _committed(context, by, row, EventKind.PROPOSAL_REJECTED, values)


async def _open_proposal(context: Context, name: str, digest: str) -> Record:
    row = await find_proposal(context, name)
    if row["state"] not in OPEN or context.clock.now() >= row["expires_at"]:
        raise ProposalEnded(name, row["state"])
    if row["digest"] != digest:
        raise ProposalChanged(name)
    return row


def _signatures(row: Record, signed: ActSignature | None) -> dict[str, str]:
    """One for each key. Checked here so that what is kept is one; whether the key counts is the signer's judgement."""
    known = dict(row["signatures"])
    if signed is None:
        return known
    checked = verified(signed, bytes.fromhex(row["digest"]))
    if len(known) >= SIGNATURES_MAX:
        raise NotAllowed(f"a proposal carries at most {SIGNATURES_MAX} signatures")
    return {**known, checked.key: checked.signature}


def verified(signed: ActSignature, digest: bytes) -> ActSignature:
    """The same in its one spelling. Raises `NotAllowed` unless that key has signed exactly this digest."""
    if not is_signed(digest, signed.key, signed.signature):
        raise NotAllowed("this is no Ed25519 signature by that key over the act's digest")
    return ActSignature(bytes.fromhex(signed.key).hex(), bytes.fromhex(signed.signature).hex())


async def _committed(
    context: Context, by: Principal, row: Record, kind: EventKind, values: Mapping[str, object]
) -> Committed:
    view = proposal_view({**row, **values})
    update = Update("proposals", row["id"], row["version"], values)
    return await context.journal.commit(
        Change(by.key, kind, view, requires=(by.standing,), writes=(update,), result=view)
    )
