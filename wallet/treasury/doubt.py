"""A submission that the network included and of which nobody can say whether it paid: a token that moved without a word, say.

    submitted, included ──▶ doubted ──▶ included   (a person has looked, and says whether it paid: then it is settled so)

Uncertain is not failed: the money stays held and the asset stops, until an operator has looked at the chain. Their word and
their reason are on record, and the submission is settled by it as any other.

What this prevents: a customer who is paid and refunded, by a token that does not tell what it does.
"""

from dataclasses import replace

from sqlalchemy import select

from wallet import schema
from wallet.assets.pause import pausing
from wallet.context import Context, Record
from wallet.errors import NotAllowed, NotFound
from wallet.journal.change import Change, Committed, EventKind, Update
from wallet.ports import Status
from wallet.treasury.record import record
from wallet.treasury.states import State
from wallet.treasury.submissions import paid_by

PAID, UNPAID = "paid", "unpaid"


async def doubted(context: Context, row: Record, withdrawals: list[Record], doubt: str) -> None:
    """It waits for a person from now on, and its asset with it."""
    why = f"whether {row['id']} paid is not certain ({doubt}): look at its tx, then say so with `coffer withdrawal decide`"
    stop = await pausing(context, row["asset"], why)
    await record(context, row, withdrawals, State.DOUBTED, {"reason": doubt}, writes=stop)


def by_verdict(row: Record, status: Status) -> Status:
    """As a person has decided what the network leaves open: of a submission that surely paid some, only the others are that."""
    if status.doubt is None or row["verdict"] is None:
        return status
    if row["verdict"] == PAID:
        return replace(status, doubt=None, succeeded=True, failed=())
    return replace(status, doubt=None, succeeded=status.succeeded and bool(status.failed))


async def decide_doubted(context: Context, actor: str, name: str, reason: str, *, paid: bool) -> Committed:
    """A person's word on the submission that pays this withdrawal. Raises `NotFound`, `NotAllowed`, `Stale`."""
    if not reason.strip():
        raise NotAllowed("it is decided with a reason: it goes on record")
    row = await _submission(context, name)
    if row["state"] != State.DOUBTED:
        raise NotAllowed(f"{row['id']} is {row['state']}: nobody doubts it")
    verdict = PAID if paid else UNPAID
    withdrawals = await paid_by(context, row["id"])
    names = [w["id"] for w in withdrawals]
    result = {"submission": row["id"], "withdrawals": names, "verdict": verdict, "reason": reason}
    change = Change(
        actor=actor,
        kind=EventKind.SUBMISSION_DECIDED,
        data=result,
        writes=(Update("submissions", row["id"], row["version"], {"state": State.INCLUDED.value, "verdict": verdict}),),
        result=result,
    )
    return await context.journal.commit(change)


async def doubted_submissions(context: Context) -> list[Record]:
    """Those that wait for a person's word, the oldest first."""
    table = schema.submissions
    return await context.all(select(table).where(table.c.state == State.DOUBTED.value).order_by(table.c.id))


async def _submission(context: Context, name: str) -> Record:
    links, table = schema.submission_withdrawals, schema.submissions
    mine = select(links.c.submission).where(links.c.withdrawal == name)
    rows = await context.all(
        select(table).where((table.c.id == name) | table.c.id.in_(mine)).order_by(table.c.id.desc())
    )
    if not rows:
        raise NotFound("submission of", name)
    return rows[0]
