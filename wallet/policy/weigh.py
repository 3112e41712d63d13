"""What a policy must know of a withdrawal that is requested now, exactly: sums that no other request changes meanwhile.

Each request that is summed counts itself in a tally: a row for the customer, the destination or the house. Two that read the
same sum cannot both be written; the second one decides again. A policy that sums nothing costs nothing here.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select

from wallet import schema
from wallet.context import Context, Record
from wallet.journal.change import Insert, Requirement, Update
from wallet.policy.catch import Facts
from wallet.policy.rules import SUMS, Kind, Rule
from wallet.withdrawals.states import State

_TABLE = schema.withdrawals
NEVER_LEFT = (State.CANCELLED.value, State.REJECTED.value, State.FAILED.value)


@dataclass(frozen=True, slots=True)
class Weighed:
    """Facts, and what the Change requires and writes so that they are still so when it is judged."""

    facts: Facts
    requires: tuple[Requirement, ...] = ()
    writes: tuple[Insert | Update, ...] = ()


async def weigh(context: Context, row: Mapping[str, Any], rules: Sequence[Rule]) -> Weighed:
    """`row` is the withdrawal as it is about to be written."""
    kinds = sorted({rule.kind for rule in rules if rule.kind in SUMS})
    counted = [await _counted(context, _tally_of(kind, row)) for kind in kinds]
    sums = {
        (kind, hours): row["units"] + await _sum(context, kind, hours, row)
        for kind, hours in sorted({(rule.kind, rule.hours) for rule in rules if rule.kind in SUMS})
    }
    asks_for_new = any(rule.kind is Kind.NEW_DESTINATION for rule in rules)
    is_new = asks_for_new and not await _is_known(context, row)
    facts = Facts(row["network"], row["asset"], row["units"], is_new, sums)
    requires = tuple(need for needs, _ in counted for need in needs)
    return Weighed(facts, requires, tuple(write for _, write in counted))


async def _counted(context: Context, name: str) -> tuple[tuple[Requirement, ...], Insert | Update]:
    """The first one requires that there was none: then the loser of a race decides again instead of being refused."""
    tally = await context.one(select(schema.outflow_tallies).where(schema.outflow_tallies.c.id == name))
    if tally is None:
        return (Requirement("outflow_tallies", name, None),), Insert("outflow_tallies", {"id": name, "requests": 1})
    return (), Update("outflow_tallies", name, tally["version"], {"requests": tally["requests"] + 1})


def _tally_of(kind: Kind, row: Mapping[str, Any]) -> str:
    place = f"{row['network']}/{row['asset']}"
    if kind is Kind.HOUSE:
        return place
    if kind is Kind.CUSTOMER:
        return f"{place}/{row['owner']}"
    return f"{place}/to/{hashlib.sha256(_destination(row).encode()).hexdigest()}"


def _destination(row: Mapping[str, Any]) -> str:
    """Of a bank account the mark under its customer's key."""
    return str(row["mark"] if row["destination"] is None else row["destination"])


async def _sum(context: Context, kind: Kind, hours: int, row: Mapping[str, Any]) -> int:
    since = _TABLE.c.created_at > row["created_at"] - timedelta(hours=hours)
    summed = select(func.coalesce(func.sum(_TABLE.c.units), 0).label("units")).where(
        _TABLE.c.network == row["network"], _TABLE.c.asset == row["asset"], since, *_left_us(), *_of(kind, row)
    )
    found = await context.one(summed)
    return 0 if found is None else int(found["units"])


def _of(kind: Kind, row: Mapping[str, Any]) -> tuple[ColumnElement[bool], ...]:
    if kind is Kind.HOUSE:
        return ()
    return (_TABLE.c.owner == row["owner"],) if kind is Kind.CUSTOMER else _to_the_same(row)


def _to_the_same(row: Mapping[str, Any]) -> tuple[ColumnElement[bool], ...]:
    if row["destination"] is None:
        return (_TABLE.c.owner == row["owner"], _TABLE.c.mark == row["mark"])
    return (_TABLE.c.destination == row["destination"],)


def _left_us() -> tuple[ColumnElement[bool], ...]:
    """All that is on its way out or gone; what stayed in the house never was."""
    return (_TABLE.c.state.not_in(NEVER_LEFT), _TABLE.c.payment.is_(None))


async def _is_known(context: Context, row: Mapping[str, Any]) -> bool:
    """Something of this customer's was finally paid there."""
    paid = select(_TABLE.c.id).where(
        _TABLE.c.network == row["network"],
        _TABLE.c.owner == row["owner"],
        _TABLE.c.final_at.is_not(None),
        *_left_us(),
        *_to_the_same(row),
    )
    found: Record | None = await context.one(paid.limit(1))
    return found is not None
