"""Cancel a withdrawal, which is possible only until the node has begun to sign it."""

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record, amount_of
from wallet.customers.viewers import viewers_of
from wallet.errors import NotCancellable, NotFound
from wallet.ids import CustomerId, HoldId, NetworkId
from wallet.journal.change import Change, Committed, EventKind, Request, Update
from wallet.journal.recall import repeatable
from wallet.ledger import templates
from wallet.ledger.transfers import Entry
from wallet.withdrawals.request import withdrawal_view
from wallet.withdrawals.states import State, follow


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


async def _decide(context: Context, actor: str, owner: CustomerId, withdrawal: str, request: Request) -> Change:
    table = schema.withdrawals
    row = await context.one(select(table).where(table.c.id == withdrawal, table.c.owner == owner))
    if row is None:
        raise NotFound("withdrawal", withdrawal)
    if row["state"] != State.REQUESTED:
        raise NotCancellable(withdrawal, row["state"])
    after = {**row, "state": follow(State(row["state"]), State.CANCELLED).value, "reason": "cancelled by its owner"}
    view = withdrawal_view(after, context.asset(row["asset"]).decimals)
    values = {"state": after["state"], "reason": after["reason"]}
    return Change(
        actor=actor,
        kind=EventKind.WITHDRAWAL_CANCELLED,
        data=view,
        entry=released(context, row),
        requires=request.standing,
        writes=(Update("withdrawals", withdrawal, row["version"], values),),
        viewers=await viewers_of(context, owner),
        request=request,
        result=view,
    )
