"""The keys with which operators approve: two enrol one, any one revokes one.

A key is one operator's for ever. The signer has a list of its own, in its own file; this one keeps out whoever holds an
operator's API key alone, and tells people from keys.
"""

import re
from datetime import datetime

from sqlalchemy import select

from wallet import schema
from wallet.access.keys import Principal
from wallet.approvals.find import open_demands
from wallet.context import ACTOR_NODE, Context, Record
from wallet.errors import NotAllowed, NotFound, Stale
from wallet.journal.body import time_text
from wallet.journal.change import Change, Committed, EventKind, Insert, Update
from wallet.journal.recall import ATTEMPTS_MAX
from wallet.proposals.end import done
from wallet.proposals.propose import Draft
from wallet.proposals.states import Kind

_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TABLE = schema.approval_keys


async def draft_enrolment(context: Context, operator: str, key: str, reason: str) -> Draft:
    """`key` is the public one, in hex. Raises `NotFound`, and `NotAllowed` for a key that is none or is enrolled already."""
    found = await context.one(select(schema.operators).where(schema.operators.c.id == operator))
    if found is None:
        raise NotFound("operator", operator)
    _check_key(key)
    await _refuse_enrolled(context, key)
    content = {"operator": operator, "handle": found["handle"], "key": key}
    return Draft(Kind.ENROL_APPROVER, key, content, reason)


async def enrol_approver(context: Context, proposal: Record) -> None:
    """In force from this Change on. Raises as the draft; `Stale`."""
    content = proposal["content"]
    await _refuse_enrolled(context, content["key"])
    row = {
        "id": content["key"],
        "operator": content["operator"],
        "proposal": proposal["id"],
        "created_at": context.clock.now(),
        "revoked_at": None,
    }
    writes = (Insert("approval_keys", row), done(context, proposal, "enrolled"))
    await context.journal.commit(Change(ACTOR_NODE, EventKind.APPROVER_ENROLLED, approver_view(row), writes=writes))


async def revoke_approver(context: Context, by: Principal, key: str) -> Committed:
    """From the commit on the key approves nothing, and what it has approved and is not paid yet waits again. Revoking again
    changes nothing. Raises `NotFound`."""
    for _ in range(ATTEMPTS_MAX):
        try:
            return await _revoked(context, by, key)
        except Stale as stale:
            last = stale
    raise last


async def _revoked(context: Context, by: Principal, key: str) -> Committed:
    row = await context.one(select(_TABLE).where(_TABLE.c.id == key))
    if row is None:
        raise NotFound("approval key", key)
    if row["revoked_at"] is not None:
        return Committed(0, row["revoked_at"], approver_view(row), replayed=True)
    values = {"revoked_at": context.clock.now()}
    view = approver_view({**row, **values})
    writes = (Update("approval_keys", key, row["version"], values), *await _voided(context, key))
    change = Change(by.key, EventKind.APPROVER_REVOKED, view, requires=(by.standing,), writes=writes, result=view)
    return await context.journal.commit(change)


async def _voided(context: Context, key: str) -> tuple[Update, ...]:
    """Approvals by this key end with it."""
    writes: list[Update] = []
    for withdrawal, demand in await open_demands(context):
        left = {by: given for by, given in demand["approvals"].items() if given["key"] != key}
        if len(left) < len(demand["approvals"]):
            missing = max(demand["needed"] - len(left), 0)
            writes.append(Update("demands", demand["id"], demand["version"], {"approvals": left}))
            writes.append(
                Update("withdrawals", withdrawal["id"], withdrawal["version"], {"approvals_missing": missing})
            )
    return tuple(writes)


async def list_approvers(context: Context) -> list[Record]:
    """All keys that were ever enrolled, oldest first."""
    return await context.all(select(_TABLE).order_by(_TABLE.c.created_at, _TABLE.c.id))


async def standing_key(context: Context, operator: str, key: str, before: datetime) -> Record:
    """The row of this key, if it may speak for this operator about something that was asked for at `before`: whoever became
    an approver later was perhaps made one for it. Raises `NotAllowed`."""
    of_operator = await context.all(select(_TABLE).where(_TABLE.c.operator == operator))
    found = next((row for row in of_operator if row["id"] == key and row["revoked_at"] is None), None)
    if found is None:
        raise NotAllowed("this is no approval key of yours that stands: two operators enrol one")
    if not any(_stood(row, before) for row in of_operator):
        raise NotAllowed("this was requested before you were an approver: somebody else approves it")
    return found


def _stood(row: Record, at: datetime) -> bool:
    enrolled: bool = row["created_at"] <= at
    return enrolled and (row["revoked_at"] is None or row["revoked_at"] > at)


def approver_view(row: Record) -> dict[str, object]:
    return {
        "key": row["id"],
        "operator": row["operator"],
        "enrolled_at": time_text(row["created_at"]),
        "revoked_at": time_text(row["revoked_at"]) if row["revoked_at"] else None,
    }


def _check_key(key: str) -> None:
    if not _KEY.fullmatch(key):
        raise NotAllowed("an approval key is an Ed25519 key of 64 hexadecimal digits in lower case")


async def _refuse_enrolled(context: Context, key: str) -> None:
    if await context.one(select(_TABLE.c.id).where(_TABLE.c.id == key)) is not None:
        raise NotAllowed("this key was enrolled before: make another, so that each stands for one person and one time")
