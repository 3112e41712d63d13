"""One explanation: found, cut to what its reader may see, and told in sentences as well as in fields."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.errors import NotFound
from wallet.explain.accounts import account_rows, account_view, last_seqs, open_holds
from wallet.explain.changes import Behind, Happened, behind, happened
from wallet.explain.evidence import Evidence
from wallet.explain.subjects import Subject, find_subject
from wallet.explain.viewer import Viewer, seen_among
from wallet.explain.words import account_words, change_words, evidence_words, told
from wallet.journal.body import time_text
from wallet.ledger.accounts import HOUSE, owner_of
from wallet.money import format_units
from wallet.movements.movement import TOLD_KINDS

_NOT_WHOLE = "The account moved too often in that time to look at all of it: there may be more."

Explanation = dict[str, Any]


async def explain_object(context: Context, name: str, viewer: Viewer) -> Explanation:
    """A payment, deposit, withdrawal, hold or settlement; for operators also a submission, a statement, a break, or a position
    of the journal. Raises `NotFound`, also for what the viewer may not see."""
    subject = await find_subject(context, name)
    if not viewer.is_operator and not await seen_among(context, viewer, subject.owners):
        raise NotFound(subject.noun, name)
    found = await _changes(context, subject)
    if subject.position is not None and not found.changes:
        raise NotFound(subject.noun, name)
    views = await _seen(context, viewer, found.changes)
    evidence = [_evidence_view(one, viewer) for one in subject.evidence]
    return {
        "id": subject.id,
        "noun": subject.noun,
        "words": told(
            [
                subject.story,
                [evidence_words(one) for one in evidence],
                *[change_words(view) for view in views],
                [] if views else [await _why_nothing(context)],
                [] if found.is_whole else [_NOT_WHOLE],
            ]
        ),
        "accounts": [],
        "changes": views,
        "evidence": [asdict(one) for one in evidence],
        "related": [one for one in subject.related if viewer.is_operator or not one.startswith("sub_")],
    }


async def _why_nothing(context: Context) -> str:
    archived = await context.one(select(schema.archives.c.id).limit(1))
    if archived is None:
        return "No entry in the journal moves money for it."
    return "No entry in the database moves money for it; if it is old, its archive tells of it."


async def _changes(context: Context, subject: Subject) -> Behind:
    if subject.position is None:
        return await behind(context, subject.walks)
    seq, ordinal = subject.position
    found = await happened(context, [seq])
    if ordinal is None:
        return Behind(found)
    return Behind([_only(c, ordinal) for c in found if any(move["ordinal"] == ordinal for move in c.moves)])


def _only(change: Happened, ordinal: int) -> Happened:
    kept = tuple([move for move in change.moves if move["ordinal"] == ordinal])
    fields = {name: getattr(change, name) for name in Happened.__slots__}
    return Happened(**{**fields, "moves": kept})


async def explain_customer(context: Context, owner: str, viewer: Viewer) -> Explanation:
    """Why a customer's balances are what they are. The caller has seen to it that the viewer may see them."""
    rows, holds = await account_rows(context, owner), await open_holds(context, owner)
    accounts = [account_view(context, row, holds) for row in rows]
    seqs = {seq for row in rows for seq in await last_seqs(context, row["id"])}
    views = await _seen(context, viewer, await happened(context, sorted(seqs)))
    return {
        "id": owner,
        "noun": "customer",
        "words": told(
            [
                *[account_words(account) for account in accounts],
                ["The last entries that led there:" if views else "Nothing has ever moved here."],
                *[change_words(view) for view in views],
            ]
        ),
        "accounts": accounts,
        "changes": views,
        "evidence": [],
        "related": list(dict.fromkeys(hold["object"] for hold in holds)),
    }


def _evidence_view(evidence: Evidence, viewer: Viewer) -> Evidence:
    """Which file a bank's statement came in is the operators' business."""
    if viewer.is_operator or evidence.statement is None:
        return evidence
    return Evidence(evidence.network, evidence.tx, evidence.height, evidence.block, None, evidence.digest)


# ── what may be seen of a Change ─────────────────────────────────────────────────────────────────────────────────────


async def _seen(context: Context, viewer: Viewer, changes: Sequence[Happened]) -> list[dict[str, Any]]:
    owners = {owner_of(move[f"{side}_account"]) for c in changes for move in c.moves for side in ("debit", "credit")}
    seen = await seen_among(context, viewer, owners - {HOUSE})
    return [_change_view(context, viewer, seen, change) for change in changes]


def _change_view(context: Context, viewer: Viewer, seen: frozenset[str], change: Happened) -> dict[str, Any]:
    """Positions, batches and actors are for operators: a sequence tells of everybody's business."""
    batch = None if change.first_seq is None else {"first": change.first_seq, "last": change.last_seq}
    mine = [move for move in change.moves if viewer.is_operator or seen & set(_owners(move))]
    return {
        "position": change.seq if viewer.is_operator else None,
        "batch": batch if viewer.is_operator else None,
        "actor": change.actor if viewer.is_operator else None,
        "at": time_text(change.at),
        "kind": change.kind,
        "hash": change.hash,
        "key": change.key,
        "transfers": [_move_view(context, viewer, seen, change.kind, move) for move in mine],
    }


def _move_view(context: Context, viewer: Viewer, seen: frozenset[str], kind: str, move: Record) -> dict[str, Any]:
    decimals = context.asset(move["asset"]).decimals
    shown = [side for side in ("debit", "credit") if viewer.is_operator or owner_of(move[f"{side}_account"]) in seen]
    return {
        "move": move["move"],
        "asset": move["asset"],
        "amount": format_units(move["units"], decimals),
        "from": _told_account(viewer, seen, kind, move["debit_account"]),
        "to": _told_account(viewer, seen, kind, move["credit_account"]),
        "after": [
            {
                "account": move[f"{side}_account"],
                "posted": format_units(int(move[f"{side}_posted_after"]), decimals),
                "held": format_units(int(move[f"{side}_held_after"]), decimals),
            }
            for side in shown
        ],
    }


def _told_account(viewer: Viewer, seen: frozenset[str], kind: str, account: str) -> str | None:
    """The account itself, where it may be seen; the house without its places; who has paid whom; else nobody's name."""
    owner = owner_of(account)
    if viewer.is_operator or owner in seen:
        return account
    return owner if owner == HOUSE or kind in TOLD_KINDS else None


def _owners(move: Record) -> Iterable[str]:
    return (owner_of(move["debit_account"]), owner_of(move["credit_account"]))
