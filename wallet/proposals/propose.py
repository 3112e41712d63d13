"""Propose an act, and put right what was proposed. An edit is another act: nothing that was said of the first one counts."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from wallet.access.keys import Principal
from wallet.context import Context
from wallet.errors import NotAllowed, ProposalEnded
from wallet.journal.change import Change, Committed, EventKind, Insert, Request, Update
from wallet.journal.recall import repeatable
from wallet.proposals.digest import act_digest
from wallet.proposals.find import find_proposal, proposal_view
from wallet.proposals.states import OPEN, Kind, State

STANDS_FOR = timedelta(days=7)  # what nobody has approved in a week was not wanted, and the world has moved on
REASON_MAX = 500
CONTENT_MAX = 4_000  # characters: an act that nobody can read through is not approved, it is waved through

POLICY_MAX = 40_000  # a whole policy and its changes in words


@dataclass(frozen=True, slots=True)
class Draft:
    """An act as somebody means it. `subject` is what it is about: a stray's id, a network and contract. `content` is all that
    will be done, nothing less; texts, so that one act is spelled in one way."""

    kind: Kind
    subject: str
    content: Mapping[str, str]
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip() or len(self.reason) > REASON_MAX:
            raise NotAllowed(f"a proposal has a reason of at most {REASON_MAX} characters: it goes on record")
        longest = POLICY_MAX if self.kind is Kind.CHANGE_POLICY else CONTENT_MAX
        if sum(len(text) for item in self.content.items() for text in item) > longest:
            raise NotAllowed("this act is too long for anybody to check")


Drafting = Callable[[], Awaitable[Draft]]


async def propose(context: Context, by: Principal, drafting: Drafting, request: Request | None = None) -> Committed:
    """On record, with nothing done yet. A retry under the same key returns the first answer. Raises what drafting refuses."""

    async def decide() -> Change:
        draft = await drafting()
        now, name = context.clock.now(), context.new_id("prp")
        row = {
            "id": name,
            "kind": draft.kind.value,
            "subject": draft.subject,
            "content": dict(draft.content),
            "digest": act_digest(name, draft.kind, draft.content).hex(),
            "reason": draft.reason,
            "proposer": by.owner,
            "state": State.PROPOSED.value,
            "approvals": {},
            "signatures": {},
            "outcome": None,
            "created_at": now,
            "expires_at": now + STANDS_FOR,
            "ended_at": None,
        }
        view, kind = proposal_view(row), EventKind.PROPOSAL_MADE
        inserted = (Insert("proposals", row),)
        return Change(by.key, kind, view, requires=(by.standing,), writes=inserted, request=request, result=view)

    return await (
        context.journal.commit(await decide()) if request is None else repeatable(context.journal, request, decide)
    )


async def edit_proposal(context: Context, by: Principal, name: str, draft: Draft) -> Committed:
    """Another act about the same subject, by whoever proposed it. Raises `NotFound`, `ProposalEnded`, `NotAllowed`, `Stale`."""
    row = await find_proposal(context, name)
    if row["state"] not in OPEN or context.clock.now() >= row["expires_at"]:
        raise ProposalEnded(name, row["state"])
    if row["proposer"] != by.owner:
        raise NotAllowed("a proposal is edited by who made it; others reject it, or make their own")
    if (row["kind"], row["subject"]) != (draft.kind, draft.subject):
        raise NotAllowed("a proposal stays about what it is about: make another")
    values = {
        "content": dict(draft.content),
        "digest": act_digest(name, draft.kind, draft.content).hex(),
        "reason": draft.reason,
        "state": State.PROPOSED.value,
        "approvals": {},
        "signatures": {},
    }
    view = proposal_view({**row, **values})
    update = Update("proposals", name, row["version"], values)
    return await context.journal.commit(
        Change(by.key, EventKind.PROPOSAL_EDITED, view, requires=(by.standing,), writes=(update,), result=view)
    )
