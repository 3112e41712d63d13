"""A payout that the receiving bank sends back: a new movement in, linked to the withdrawal that it ends.

    withdrawal final ──▶ returned     in the Change that credits the deposit in which the money came

What this prevents: a payout that comes back twice in the books (each withdrawal returns once), and money given back for one
that was never booked as paid. What does not fit (an unknown payout, more than was sent, a second return) waits for a person.
"""

from dataclasses import replace

from msgspec import structs
from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.customers.viewers import viewers_of
from wallet.journal.change import Change, EventKind, Update
from wallet.money import format_units
from wallet.ports import Incoming, Network
from wallet.withdrawals.states import ENDED, Reason, State, follow
from wallet.withdrawals.view import withdrawal_view

RETURNED_PAYOUT = "returned_payout"
"""The reason of a deposit that came back, and that nobody knows whose it is."""


async def find_returned(context: Context, network: Network, incoming: Incoming) -> Record | None:
    """The withdrawal that this brings back."""
    if incoming.returns is None or incoming.doubt != RETURNED_PAYOUT:
        return None
    row = await _withdrawal(context, incoming.returns)
    if row is None or (row["network"], row["asset"]) != (network.id, incoming.amount.asset.symbol):
        return None
    may_come_back = row["state"] not in ENDED or row["state"] == State.FINAL
    return row if may_come_back and incoming.amount.units <= row["units"] else None


def believed(incoming: Incoming) -> Incoming:
    """Known for what it is: no doubt is left."""
    return replace(incoming, doubt=None) if incoming.doubt == RETURNED_PAYOUT else incoming


class NotPaidYet(Exception):
    """The books do not have this withdrawal as paid yet: the return waits."""


class NotReturnable(Exception):
    """It has come back before, or was never paid: a person looks at it."""


async def ending_withdrawal(context: Context, deposit: Record, credit: Change) -> Change:
    """The credit of a deposit, as the end of the withdrawal that it returns. Raises `NotPaidYet`, `NotReturnable`."""
    row = await _withdrawal(context, deposit["returns"])
    if row is None or (row["state"] in ENDED and row["state"] != State.FINAL):
        raise NotReturnable
    if row["state"] != State.FINAL:
        raise NotPaidYet
    after = follow(State.FINAL, State.RETURNED)
    values = {"state": after.value, "reason": Reason.RETURNED_BY_BANK.value, "returned_by": deposit["id"]}
    decimals = context.asset(row["asset"]).decimals
    view = withdrawal_view({**row, **values}, decimals)
    return structs.replace(
        credit,
        kind=EventKind.WITHDRAWAL_RETURNED,
        data={**view, "returned": format_units(deposit["units"], decimals)},
        writes=(*credit.writes, Update("withdrawals", row["id"], row["version"], values)),
        viewers=await viewers_of(context, row["owner"], deposit["owner"]),
    )


async def _withdrawal(context: Context, name: str) -> Record | None:
    return await context.one(select(schema.withdrawals).where(schema.withdrawals.c.id == name))
