"""What a policy would have asked people for, had it been in force: judged on the real past, and nothing is changed.

What was cancelled, rejected or failed since counts as never asked for: it let nothing out.
"""

from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, exists, or_, select, tuple_

from wallet import schema
from wallet.context import Context, Record
from wallet.journal.body import time_text
from wallet.money import format_units
from wallet.policy.catch import Caught, Facts, catch
from wallet.policy.rules import HOURS_MAX, SUMS, Kind, Policy
from wallet.policy.weigh import NEVER_LEFT

CHUNK = 2_000  # rows read at a time: no snapshot is held for long
LISTED_MAX = 1_000
DAYS_MAX = 400
_TABLE = schema.withdrawals

Progress = Callable[[int], None]
"""Told how many withdrawals were looked at so far."""


@dataclass(slots=True)
class _Window:
    """A running sum of what came within the last hours."""

    hours: int
    held: deque[tuple[datetime, int]] = field(default_factory=deque)
    units: int = 0

    def with_this(self, at: datetime, units: int) -> int:
        while self.held and self.held[0][0] <= at - timedelta(hours=self.hours):
            self.units -= self.held.popleft()[1]
        self.held.append((at, units))
        self.units += units
        return self.units


_Windows = defaultdict[str, dict[int, _Window]]


@dataclass(slots=True)
class Past:
    """`asked_really` is how many of those looked at did wait for people then."""

    looked_at: int = 0
    asked_really: int = 0
    caught: int = 0
    by_rule: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    listed: list[dict[str, object]] = field(default_factory=list)

    def view(self, context: Context) -> dict[str, object]:
        """For programs; amounts as decimal strings."""
        sums = {
            asset: format_units(units, context.asset(asset).decimals) for asset, units in sorted(self.units.items())
        }
        return {
            "looked_at": self.looked_at,
            "caught": self.caught,
            "asked_really": self.asked_really,
            "sums": sums,
            "by_rule": dict(self.by_rule.most_common()),
            "list": self.listed,
        }


async def try_policy(context: Context, policy: Policy, days: int, progress: Progress | None = None) -> Past:
    """Over what was requested in the last `days`. Windows reach further back, so that the first day is judged like the last."""
    start = context.clock.now() - timedelta(days=days)
    found, windows = Past(), _Windows(dict)
    seen = 0
    async for row in _requested_since(context, start - timedelta(hours=_hours(policy))):
        caught = catch(policy, _facts(policy, windows, row))
        if row["created_at"] > start:
            _count(context, found, row, caught)
        seen += 1
        if progress is not None and seen % CHUNK == 0:
            progress(seen)
    return found


def _hours(policy: Policy) -> int:
    return min(max((rule.hours for rules in policy.rules.values() for rule in rules), default=0), HOURS_MAX)


def _facts(policy: Policy, windows: _Windows, row: Record) -> Facts:
    rules = policy.rules.get((row["network"], row["asset"]), ())
    sums: dict[tuple[Kind, int], int] = {}
    for kind, hours in {(rule.kind, rule.hours) for rule in rules if rule.kind in SUMS}:
        of_key = windows[f"{row['network']}/{row['asset']}/{kind}/{_key(kind, row)}"]
        sums[kind, hours] = of_key.setdefault(hours, _Window(hours)).with_this(row["created_at"], row["units"])
    return Facts(row["network"], row["asset"], row["units"], row["is_new"], sums)


def _key(kind: Kind, row: Record) -> str:
    if kind is Kind.HOUSE:
        return ""
    if kind is Kind.CUSTOMER:
        return str(row["owner"])
    return str(row["destination"] or f"{row['owner']}/{row['mark']}")


def _count(context: Context, found: Past, row: Record, caught: Caught) -> None:
    found.looked_at += 1
    found.asked_really += row["approvals_missing"] is not None
    if not caught.needed:
        return
    found.caught += 1
    found.by_rule.update(caught.because)
    found.units[row["asset"]] += row["units"]
    if len(found.listed) < LISTED_MAX:
        found.listed.append(
            {
                "withdrawal": row["id"],
                "customer": row["owner"],
                "network": row["network"],
                "asset": row["asset"],
                "amount": format_units(row["units"], context.asset(row["asset"]).decimals),
                "requested_at": time_text(row["created_at"]),
                "needed": caught.needed,
                "because": list(caught.because),
            }
        )


async def _requested_since(context: Context, start: datetime) -> AsyncIterator[Record]:
    """In the order in which they were asked for, a chunk at a time."""
    after = (start, "")
    while rows := await context.all(_chunk(after)):
        for row in rows:
            yield row
        after = (rows[-1]["created_at"], rows[-1]["id"])


def _chunk(after: tuple[datetime, str]) -> Select[Any]:
    earlier = _TABLE.alias("earlier")
    same_place = or_(
        earlier.c.destination == _TABLE.c.destination,
        and_(_TABLE.c.destination.is_(None), earlier.c.mark == _TABLE.c.mark),
    )
    paid_before = exists().where(
        earlier.c.owner == _TABLE.c.owner,
        earlier.c.network == _TABLE.c.network,
        earlier.c.final_at <= _TABLE.c.created_at,
        earlier.c.payment.is_(None),
        same_place,
    )
    wanted = select(_TABLE, (~paid_before).label("is_new")).where(
        tuple_(_TABLE.c.created_at, _TABLE.c.id) > after, _TABLE.c.state.not_in(NEVER_LEFT), _TABLE.c.payment.is_(None)
    )
    return wanted.order_by(_TABLE.c.created_at, _TABLE.c.id).limit(CHUNK)
