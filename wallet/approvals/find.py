"""The queue of withdrawals that wait for people, oldest first, and how each is shown."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from wallet import schema
from wallet.approvals.act import Act, act_of, destination_of
from wallet.context import Context, Record
from wallet.errors import NotFound, NotWaiting
from wallet.journal.body import time_text
from wallet.money import format_units
from wallet.withdrawals.states import State

LISTED_MAX = 500
_WITHDRAWALS, _DEMANDS = schema.withdrawals, schema.demands
_OPEN = _WITHDRAWALS.c.state == State.REQUESTED.value

Asked = tuple[Record, Record]
"""A withdrawal and the demand for its approval."""


async def waiting_withdrawals(context: Context) -> list[Asked]:
    """Those for which somebody must still say yes."""
    missing: ColumnElement[bool] = _WITHDRAWALS.c.approvals_missing > 0
    return await _asked(
        context, select(_WITHDRAWALS).where(_OPEN, missing).order_by(_WITHDRAWALS.c.id).limit(LISTED_MAX)
    )


async def open_demands(context: Context) -> list[Asked]:
    """All that are not begun, those that have enough approvals as well."""
    return await _asked(context, select(_WITHDRAWALS).where(_OPEN, _WITHDRAWALS.c.approvals_missing.is_not(None)))


async def _asked(context: Context, wanted: Select[Any]) -> list[Asked]:
    rows = await context.all(wanted)
    demands = await demands_of(context, [row["id"] for row in rows])
    return [(row, demands[row["id"]]) for row in rows if row["id"] in demands]


async def demands_of(context: Context, withdrawals: Sequence[str]) -> dict[str, Record]:
    """By withdrawal; those that nobody must approve are left out."""
    found = await context.all(select(_DEMANDS).where(_DEMANDS.c.id.in_(withdrawals)))
    return {row["id"]: row for row in found}


async def find_asked(context: Context, withdrawal: str) -> Asked:
    """Also one that has ended. Raises `NotFound`."""
    row = await context.one(select(_WITHDRAWALS).where(_WITHDRAWALS.c.id == withdrawal))
    demands = await demands_of(context, [withdrawal])
    if row is None or withdrawal not in demands:
        raise NotFound("withdrawal that waits for approval", withdrawal)
    return row, demands[withdrawal]


async def find_waiting(context: Context, withdrawal: str) -> Asked:
    """One that nobody has begun to pay. Raises `NotFound`, `NotWaiting`."""
    row, demand = await find_asked(context, withdrawal)
    if row["state"] != State.REQUESTED:
        raise NotWaiting(withdrawal, row["state"])
    return row, demand


def asked_view(row: Record, demand: Record, decimals: int, now: datetime) -> dict[str, object]:
    """Without what is personal: a bank account is shown one at a time, to who is to answer for it."""
    return {
        "withdrawal": row["id"],
        "customer": row["owner"],
        "network": row["network"],
        "asset": row["asset"],
        "amount": format_units(row["units"], decimals),
        "network_fee": format_units(row["fee_units"], decimals),
        "destination": row["destination"],
        "status": row["state"],
        "needed": demand["needed"],
        "missing": row["approvals_missing"] or 0,
        "approved_by": sorted(demand["approvals"]),
        "because": list(demand["because"]),
        "outcome": demand["outcome"],
        "requested_at": time_text(row["created_at"]),
        "age_s": int((now - row["created_at"]).total_seconds()),
    }


async def shown(context: Context, row: Record, demand: Record) -> dict[str, object]:
    """All that an approver must see: the act in words, its content and its digest. Raises as `act_of`."""
    act, destination = await act_of(context, row), await destination_of(context, row)
    view = asked_view(row, demand, context.asset(row["asset"]).decimals, context.clock.now())
    return {
        **view,
        "destination": destination.address,
        "name": destination.name,
        "sentence": sentence(act, view),
        "act": dict(act.content),
        "digest": act.digest.hex(),
        "words": act.words,
    }


def sentence(act: Act, view: Mapping[str, object]) -> str:
    paid = f"{view['amount']} {view['asset']} on {act.content['network']}"
    return f"pay {paid} to {act.content['destination']} for customer {view['customer']}, withdrawal {act.withdrawal}"
