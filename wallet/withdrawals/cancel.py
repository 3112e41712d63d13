"""Cancel a withdrawal, which is possible only until the node has begun to sign it."""

from msgspec.structs import replace
from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record, amount_of
from wallet.customers.viewers import viewers_of
from wallet.errors import NotCancellable, NotFound, Stale
from wallet.ids import CustomerId, HoldId, NetworkId
from wallet.journal.change import Change, Committed, EventKind, Request, Update
from wallet.journal.recall import repeatable
from wallet.ledger import templates
from wallet.ledger.transfers import Entry
from wallet.withdrawals.states import Reason, State, follow
from wallet.withdrawals.view import withdrawal_view


async def cancel_withdrawal(
    context: Context, actor: str, owner: CustomerId, withdrawal: str, request: Request
) -> Committed:
    """End the hold and give the money back. Raises `NotFound`, `NotCancellable`."""
    return await repeatable(context.journal, request, lambda: _decide(context, actor, owner, withdrawal, request))


def released(context: Context, row: Record) -> Entry:
    """The entry that gives a withdrawal's money back to its owner."""
    amount, fee = amount_of(context, row), amount_of(context, row, "fee_units")
    holds = (HoldId(row["hold"]), HoldId(row["fee_hold"]))
    return templates.withdrawal_released(CustomerId(row["owner"]), NetworkId(row["network"]), amount, fee, *holds)


async def cancel_newest_unsigned(context: Context, actor: str, owner: CustomerId, asset: str, reason: Reason) -> bool:
    """The node takes back what a customer has asked for last and nobody has begun to sign. False when there is none left."""
    table = schema.withdrawals
    mine = select(table).where(table.c.owner == owner, table.c.asset == asset)
    unsigned = mine.where(table.c.state == State.REQUESTED.value).order_by(table.c.id.desc()).limit(1)
    row = await context.one(unsigned)
    if row is None:
        return False
    try:
        await context.journal.commit(await _cancelled(context, actor, row, reason))
    except Stale:
        return True  # it has moved on meanwhile: look again
    return True


async def _cancelled(context: Context, actor: str, row: Record, reason: Reason) -> Change:
    values = {"state": follow(State(row["state"]), State.CANCELLED).value, "reason": reason.value}
    view = withdrawal_view({**row, **values}, context.asset(row["asset"]).decimals)
    return Change(
        actor=actor,
        kind=EventKind.WITHDRAWAL_CANCELLED,
        data=view,
        entry=released(context, row),
        writes=(Update("withdrawals", row["id"], row["version"], values),),
        viewers=await viewers_of(context, row["owner"]),
        result=view,
    )


async def _decide(context: Context, actor: str, owner: CustomerId, withdrawal: str, request: Request) -> Change:
    table = schema.withdrawals
    row = await context.one(select(table).where(table.c.id == withdrawal, table.c.owner == owner))
    if row is None:
        raise NotFound("withdrawal", withdrawal)
    if row["state"] != State.REQUESTED:
        raise NotCancellable(withdrawal, row["state"])
    change = await _cancelled(context, actor, row, Reason.CANCELLED_BY_OWNER)
    return replace(change, requires=request.standing, request=request)
