"""Change a customer's own rules: what tightens holds at once, what loosens waits.

Nobody shortens the wait: neither the customer, nor whoever stole their key, nor an operator. What can be done at any time is to
cancel it. Raising and lowering in one request is taken apart.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from msgspec import structs
from sqlalchemy import select

from wallet import schema
from wallet.context import ACTOR_NODE, Context
from wallet.customers.create import find_open_customer
from wallet.customers.viewers import viewers_of
from wallet.errors import AlreadyExists, Stale
from wallet.ids import CustomerId
from wallet.journal.change import Change, Committed, EventKind, Insert, Requirement, Update
from wallet.journal.recall import ATTEMPTS_MAX
from wallet.safeguards.meter import meter_changes
from wallet.safeguards.read import SAFEGUARDS, Safeguards, read_row, safeguards_of
from wallet.safeguards.rules import Rules, caps_wire, rules_wire, tighter
from wallet.safeguards.view import safeguards_view

LOOSENED_AT_ONCE = 100  # a round of the worker; what is left waits for the next


async def set_rules(context: Context, actor: str, owner: CustomerId, wanted: Rules) -> Committed:
    """The rules shall be these. Asking again for what is on its way already leaves its moment as it is.

    Raises `NotFound`, `CustomerClosed`.
    """
    for _ in range(ATTEMPTS_MAX):
        try:
            return await _set(context, actor, owner, wanted)
        except (Stale, AlreadyExists) as lost:
            last = lost
    raise last


async def cancel_loosening(context: Context, actor: str, owner: CustomerId) -> Committed:
    """The rules stay as they are. Changes nothing where nothing is on its way."""
    for _ in range(ATTEMPTS_MAX):
        now = await safeguards_of(context, owner)
        if now.loosening is None:
            return Committed(0, await context.journal_time(), safeguards_view(context, now), replayed=True)
        after = replace(now, loosening=None, loosens_at=None)
        try:
            change = await changed(context, actor, EventKind.RULES_LOOSENING_CANCELLED, now, after)
            return await context.journal.commit(change)
        except Stale as lost:
            last = lost
    raise last


async def apply_loosenings(context: Context) -> int:
    """Let what has waited long enough hold; returns how many rows were looked at."""
    table = schema.safeguards
    due = select(table).where(table.c.loosens_at <= context.clock.now()).order_by(table.c.loosens_at)
    rows = await context.all(due.limit(LOOSENED_AT_ONCE))
    for row in rows:
        now = read_row(row)
        if now.loosening is None:
            raise AssertionError(f"{now.owner} loosens nothing, and at a moment")
        floor_s = context.safety_floor.loosening_s
        after = replace(now, rules=now.loosening, loosening=None, loosens_at=None, loosening_s=floor_s)
        try:
            await context.journal.commit(await changed(context, ACTOR_NODE, EventKind.RULES_LOOSENED, now, after))
        except Stale:
            continue  # an exit was counted, or it was cancelled: the next round looks again
    return len(rows)


async def _set(context: Context, actor: str, owner: CustomerId, wanted: Rules) -> Committed:
    customer = await find_open_customer(context, owner)
    now = await safeguards_of(context, owner)
    after = _after(context, now, wanted, await context.journal_time())
    if after == now:
        return Committed(0, await context.journal_time(), safeguards_view(context, now), replayed=True)
    change = await changed(context, actor, EventKind.RULES_SET, now, after)
    still_open = Requirement("customers", owner, customer["version"])
    return await context.journal.commit(_requiring(change, still_open))


def _after(context: Context, now: Safeguards, wanted: Rules, at: datetime) -> Safeguards:
    held, floor = tighter(now.rules, wanted), context.safety_floor
    since = now.delay_since if held.destination_delay_s <= now.rules.destination_delay_s else at
    floor_s = max(now.loosening_s, floor.loosening_s)
    after = replace(now, rules=held, delay_since=since, loosening=None, loosens_at=None, loosening_s=floor_s)
    if held == wanted:
        return after
    if now.loosening == wanted:
        return replace(after, loosening=wanted, loosens_at=now.loosens_at)
    wait_s = max(floor_s, floor.destination_delay_s, held.destination_delay_s)
    if wait_s == 0:
        return replace(after, rules=wanted)
    return replace(after, loosening=wanted, loosens_at=at + timedelta(seconds=wait_s))


async def changed(
    context: Context, actor: str, kind: EventKind, now: Safeguards, after: Safeguards, **told: object
) -> Change:
    """The Change that makes the one the other; `told` stands in its event beside what holds then."""
    view = safeguards_view(context, after)
    values = {
        "rules": rules_wire(after.rules),
        "loosening": None if after.loosening is None else rules_wire(after.loosening),
        "loosens_at": after.loosens_at,
        "delay_since": after.delay_since,
        "limits": caps_wire(after.limits),
        "loosening_s": after.loosening_s,
    }
    write: Insert | Update = Insert(SAFEGUARDS, {"id": now.owner, **values, "exits": 0})
    if now.version is not None:
        write = Update(SAFEGUARDS, now.owner, now.version, values)
    return Change(
        actor=actor,
        kind=kind,
        data={**view, **told},
        writes=(write,),
        flags=meter_changes(context, now, after),
        viewers=await viewers_of(context, now.owner),
        result=view,
    )


def _requiring(change: Change, need: Requirement) -> Change:
    return structs.replace(change, requires=(*change.requires, need))
