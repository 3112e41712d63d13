"""Give back what is left of a hold: because its platform says so, or because its time is over."""

from sqlalchemy import select

from wallet import schema
from wallet.context import ACTOR_NODE, Context, Record
from wallet.errors import HoldNotOpen, NotFound, Refusal, Stale
from wallet.holds.states import State, hold_view
from wallet.ids import CustomerId, HoldId
from wallet.journal.change import Change, Committed, EventKind, Request, Update
from wallet.journal.recall import repeatable
from wallet.ledger import templates
from wallet.money import Amount

EXPIRED_AT_ONCE = 500  # a round of the worker; what is left waits for the next
_TABLE = schema.placed_holds


async def void_hold(context: Context, actor: str, platform: CustomerId, hold: str, request: Request) -> Committed:
    """Raises `NotFound`, and `HoldNotOpen` for one that has ended. A retry under the same key returns the first answer."""

    async def decide() -> Change:
        row = await context.one(select(_TABLE).where(_TABLE.c.id == hold, _TABLE.c.platform == platform))
        if row is None:
            raise NotFound("hold", hold)
        if row["state"] != State.PLACED:
            raise HoldNotOpen(hold, "0")
        return _released(context, actor, row, State.VOIDED, EventKind.HOLD_VOIDED, request)

    return await repeatable(context.journal, request, decide)


async def expire_holds(context: Context) -> int:
    """End the holds whose time is over; returns how many. One that somebody else has just ended is left to them."""
    over = select(_TABLE).where(_TABLE.c.state == State.PLACED.value, _TABLE.c.expires_at <= context.clock.now())
    rows = await context.all(over.order_by(_TABLE.c.expires_at).limit(EXPIRED_AT_ONCE))
    ended = 0
    for row in rows:
        try:
            await context.journal.commit(
                _released(context, ACTOR_NODE, row, State.EXPIRED, EventKind.HOLD_EXPIRED, None)
            )
        except (Stale, Refusal):
            continue
        ended += 1
    return ended


def _released(
    context: Context, actor: str, row: Record, state: State, kind: EventKind, request: Request | None
) -> Change:
    asset = context.asset(row["asset"])
    left = Amount(row["units"] - row["settled_units"], asset)
    values = {"state": state.value, "ended_at": context.clock.now()}
    view = hold_view({**row, **values}, asset.decimals)
    return Change(
        actor=actor,
        kind=kind,
        data=view,
        entry=templates.hold_released(CustomerId(row["owner"]), left, HoldId(row["id"])),
        requires=() if request is None else request.standing,
        writes=(Update("placed_holds", row["id"], row["version"], values),),
        viewers=tuple(dict.fromkeys((row["platform"], row["owner"]))),
        request=request,
        result=view,
    )
