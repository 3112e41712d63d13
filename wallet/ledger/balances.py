"""Reading balances, now and at any past moment. Posted is settled, held is promised, available is what may be spent.

Each transfer keeps posted and held after it for both of its accounts. So a past balance is one look for the account's last
transfer up to a place in the order: the same few pages of two indexes, however many transfers there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Text, TextClause, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from wallet import schema
from wallet.context import Context
from wallet.ids import CustomerId
from wallet.ledger.accounts import COLLECTED_CODES
from wallet.ledger.transfers import Move, moved_by
from wallet.ledger.walk import SEQ_MAX, in_order, within
from wallet.money import format_units

_CODES = ("balance", "receivable", *COLLECTED_CODES)

_SIDE = """
    (SELECT seq, ordinal, '{side}' AS side, move, units, {side}_posted_after AS posted, {side}_held_after AS held
     FROM transfers WHERE {within} AND seq {bound} ORDER BY {order} FETCH FIRST ROW WITH TIES)
"""  # ties are the same Change's
_NEAREST = """
LEFT JOIN LATERAL (
    SELECT * FROM ({debit} UNION ALL {credit}) AS sides {wanted} ORDER BY seq {order}, ordinal {order} LIMIT 1
) AS {name} ON true
"""


def _nearest(name: str, *, order: str, low: str, high: str, bound: str, wanted: str = "") -> str:
    """The account's transfer that is nearest to the place, on either side of the ledger."""
    debit, credit = [
        _SIDE.format(side=side, within=within(side, "a.id", low, high), bound=bound, order=in_order(side, order))
        for side in ("debit", "credit")
    ]
    return _NEAREST.format(name=name, debit=debit, credit=credit, order=order, wanted=wanted)


_PAST = f"""
SELECT a.owner, a.code, a.asset, (a.credits_posted - a.debits_posted)::text AS posted_now, a.debits_pending::text AS held_now,
       last.posted::text AS posted, last.held::text AS held, next.side AS next_side, next.move AS next_move,
       next.units::text AS next_units, next.posted::text AS next_posted, next.held::text AS next_held
FROM accounts AS a
{_nearest("last", order="DESC", low="0", high=":seq", bound="<= :seq")}
{_nearest("next", order="ASC", low=":seq + 1", high=str(SEQ_MAX), bound="> :seq", wanted="WHERE last.seq IS NULL")}
WHERE a.owner = ANY(:owners) AND a.code = ANY(:codes)
"""  # noqa: S608 (parts of this file, no values)


@dataclass(frozen=True, slots=True)
class Standing:
    """An account's figures at one place in the order, in base units. Where nothing has moved yet both are zero."""

    posted: int = 0
    held: int = 0

    @property
    def available(self) -> int:
        return self.posted - self.held


Standings = Mapping[tuple[str, str], Standing]
"""Those of one owner, by code and asset."""


async def standings(context: Context, owner: CustomerId) -> Standings:
    """What a customer's accounts stand at now."""
    table = schema.accounts
    rows = await context.all(select(table).where(table.c.owner == owner, table.c.code.in_(_CODES)))
    return {
        (row["code"], row["asset"]): Standing(row["credits_posted"] - row["debits_posted"], row["debits_pending"])
        for row in rows
    }


async def past_standings(context: Context, owner: CustomerId, seq: int) -> Standings:
    """What they stood at after the Change `seq`, which is not in an archive (`moments` sees to that)."""
    found = await past_standings_of(context, [owner], seq)
    return {(code, asset): standing for (_, code, asset), standing in found.items()}


async def past_standings_of(
    context: Context, owners: Sequence[str], seq: int
) -> Mapping[tuple[str, str, str], Standing]:
    """Those of several customers, by owner, code and asset. The caller bounds how many."""
    rows = await context.all(past_statement(owners, seq))
    return {(row["owner"], row["code"], row["asset"]): _past(row) for row in rows}


def past_statement(owners: Sequence[str], seq: int) -> TextClause:
    """A row for each account, with the transfer that leads to its figures."""
    return text(_PAST).bindparams(
        bindparam("seq", seq, BigInteger),
        bindparam("owners", list(owners), ARRAY(Text)),
        bindparam("codes", _CODES, ARRAY(Text)),
    )


def _past(row: Mapping[str, Any]) -> Standing:
    """After the last transfer. Without one up to there it is what the next one found: of an account that has long been
    silent the last transfer may be in an archive. Without any it is as now."""
    if row["posted"] is not None:
        return Standing(int(row["posted"]), int(row["held"]))
    if row["next_side"] is None:
        return Standing(int(row["posted_now"]), int(row["held_now"]))
    posted, held = moved_by(Move(row["next_move"]), int(row["next_units"]), is_credit=row["next_side"] == "credit")
    return Standing(int(row["next_posted"]) - posted, int(row["next_held"]) - held)


async def balances(context: Context, owner: CustomerId) -> list[dict[str, str]]:
    """One item per listed asset, also where nothing has ever arrived."""
    return balance_views(context, await standings(context, owner))


def balance_views(context: Context, found: Standings) -> list[dict[str, str]]:
    """What the customer has of each listed asset, and what they owe the house beside it."""
    return [_view(symbol, asset.decimals, found) for symbol, asset in sorted(context.assets.items())]


def _view(symbol: str, decimals: int, found: Standings) -> dict[str, str]:
    standing, owed = found.get(("balance", symbol), Standing()), found.get(("receivable", symbol), Standing())
    figures = {
        "posted": standing.posted,
        "held": standing.held,
        "available": standing.available,
        "receivable": -owed.posted,
    }
    return {"asset": symbol, **{name: format_units(units, decimals) for name, units in figures.items()}}


def collected_views(context: Context, found: Standings) -> list[dict[str, str]]:
    """What a platform has collected, apart from its balance: one item for each account that was ever used."""
    return [
        {"account": code, "asset": asset, "amount": format_units(standing.posted, context.asset(asset).decimals)}
        for (code, asset), standing in sorted(found.items())
        if code in COLLECTED_CODES
    ]
