"""The versions: the one in force, those before it, and how the next one comes: two operators agree on its whole text."""

from collections.abc import Sequence

from sqlalchemy import select

from wallet import schema
from wallet.context import ACTOR_NODE, Context, Record
from wallet.errors import NotAllowed
from wallet.journal.body import time_text
from wallet.journal.change import Change, EventKind, Insert, Requirement, Update
from wallet.policy.rules import Policy, read_policy
from wallet.policy.words import changes_in_words
from wallet.proposals.end import done
from wallet.proposals.propose import Draft
from wallet.proposals.states import Kind

_TABLE = schema.policies
_FIRST = "1"


async def current_version(context: Context) -> Record | None:
    return await context.one(select(_TABLE).where(_TABLE.c.ended_at.is_(None)))


def in_force(version: Record | None) -> Requirement:
    """What a decision under this version requires: that no other one came meanwhile."""
    if version is None:
        return Requirement("policies", _FIRST, None)
    return Requirement("policies", version["id"], version["version"])


def policy_of(context: Context, version: Record) -> Policy:
    return read_policy(version["body"], context.assets)


async def all_versions(context: Context) -> Sequence[Record]:
    """Newest first."""
    return await context.all(select(_TABLE).order_by(_TABLE.c.number.desc()))


async def draft_policy(context: Context, text: str, reason: str) -> Draft:
    """The whole text, which version it follows, and what it changes in words: all of that is what two people agree on. Raises
    `PolicyRefused`, and `NotAllowed` where it changes nothing."""
    after, current = read_policy(text, context.assets), await current_version(context)
    unknown = sorted({network for network, _ in after.rules} - set(context.networks))
    if unknown:
        raise NotAllowed(f"no network {', '.join(unknown)}")
    changes = changes_in_words(None if current is None else policy_of(context, current), after)
    if not changes:
        raise NotAllowed("this changes nothing of the policy in force")
    content = {"follows": _number(current), "changes": "\n".join(changes), "policy": text}
    return Draft(Kind.CHANGE_POLICY, "policy", content, reason)


async def adopt_policy(context: Context, proposal: Record) -> None:
    """In force from this Change on. Raises `NotAllowed` when another version came meanwhile, `Stale`."""
    content, current = proposal["content"], await current_version(context)
    if _number(current) != content["follows"]:
        raise NotAllowed(f"version {_number(current)} came meanwhile: propose again")
    read_policy(content["policy"], context.assets)
    now, number = context.clock.now(), int(content["follows"]) + 1
    row = {
        "id": str(number),
        "number": number,
        "body": content["policy"],
        "proposal": proposal["id"],
        "created_at": now,
        "ended_at": None,
    }
    ended = () if current is None else (Update("policies", current["id"], current["version"], {"ended_at": now}),)
    writes = (Insert("policies", row), *ended, done(context, proposal, f"version {number}"))
    change = Change(
        ACTOR_NODE, EventKind.POLICY_CHANGED, {"version": number, "digest": proposal["digest"]}, writes=writes
    )
    await context.journal.commit(change)


def version_view(row: Record) -> dict[str, object]:
    return {
        "version": row["number"],
        "policy": row["body"],
        "proposal": row["proposal"],
        "in_force_from": time_text(row["created_at"]),
        "ended_at": time_text(row["ended_at"]) if row["ended_at"] else None,
    }


def _number(version: Record | None) -> str:
    return "0" if version is None else str(version["number"])
