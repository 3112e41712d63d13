"""The transfers of accounts in the order of the books, either way, by keyset: a page at any depth costs what the first does.

Each account stands in the books on two sides, so a page merges one bounded walk per account and side, each along the index
of that side (`ledger.walk`).

Pages are cut between transfers. From a cut one can walk to older ones or to newer ones, so that the same cut leads back.

A filter looks at `SCAN_MAX` transfers for one page and no more. A page may then be short or empty and still have a next
one: that is how a filter that matches nothing in a million transfers stays cheap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, TextClause, bindparam, text

from wallet.context import Context
from wallet.journal.body import time_text
from wallet.ledger.walk import SEQ_MAX, in_order, within
from wallet.movements.movement import Movement, movement_of, object_of

SCAN_MAX = 2_000  # transfers that one filtered page looks at: some ten milliseconds
_ORDINAL_MAX = 2**15 - 1

Cut = tuple[int, int]
"""Between two transfers: after this sequence and ordinal. Never shown to customers."""

# Ties: all of one sequence, so that the index alone gives the order and nothing is sorted but the few rows at the top.
_BRANCH = """(SELECT '{side}' AS side, {side}_account AS account, seq, ordinal, move, debit_account, credit_account, asset,
        units, hold, {side}_posted_after AS posted_after, {side}_held_after AS held_after
 FROM transfers WHERE {within} AND seq {bound} AND (seq <> :cut_seq OR ordinal {past} :cut_ordinal)
 ORDER BY {order} FETCH FIRST (:scan) ROWS WITH TIES)"""
_PAGE = """
WITH walk AS MATERIALIZED (
    SELECT * FROM ({branches}) AS sides ORDER BY seq {order}, ordinal {order} LIMIT :scan
), last AS (
    SELECT seq, ordinal FROM walk ORDER BY seq {order}, ordinal {order} OFFSET :scan - 1
)
SELECT found.*, last.seq AS last_seq, last.ordinal AS last_ordinal
FROM (SELECT) AS one LEFT JOIN last ON true LEFT JOIN LATERAL (
    SELECT w.side, w.account, w.seq, w.ordinal, w.move, w.debit_account, w.credit_account, w.asset, w.hold,
           w.units::text AS units, w.posted_after::text AS posted_after, w.held_after::text AS held_after,
           j.at, j.kind, j.body
    FROM walk AS w CROSS JOIN LATERAL (SELECT at, kind, body FROM journal WHERE journal.seq = w.seq OFFSET 0) AS j
    WHERE {wanted}
    ORDER BY w.seq {order}, w.ordinal {order} LIMIT :limit
) AS found ON true
ORDER BY found.seq {order}, found.ordinal {order}
"""
_KIND = "j.kind = :kind"
_COUNTERPARTY = (
    "split_part(CASE w.side WHEN 'debit' THEN w.credit_account ELSE w.debit_account END, ':', 1) = :counterparty"
    " AND (j.kind = ANY(CAST(:told_kinds AS text[])) OR :told_all)"
)


@dataclass(frozen=True, slots=True)
class PageWanted:
    """Which transfers. `low` and `high` are sequences, both included. `counterparty` is an owner, and counts only in events
    of `told_kinds`, where these are given: who asks is not told the others' counterparty."""

    accounts: Sequence[str]
    low: int = 0
    high: int = SEQ_MAX
    kind: str | None = None
    counterparty: str | None = None
    told_kinds: Sequence[str] | None = None

    @property
    def is_filtered(self) -> bool:
        return self.kind is not None or self.counterparty is not None


@dataclass(frozen=True, slots=True)
class Page:
    """`items` in the order walked; `end` is the cut where the walk goes on, or None where it is over."""

    items: list[Movement]
    end: Cut | None


async def read_page(context: Context, wanted: PageWanted, start: Cut | None, limit: int, *, ascending: bool) -> Page:
    """Up to `limit` transfers from `start` on (from the beginning without it), to newer ones or to older ones."""
    if not wanted.accounts:
        return Page([], None)
    rows = await context.all(page_statement(wanted, start, limit, ascending=ascending))
    found = [_movement(row) for row in rows if row["seq"] is not None]
    if len(found) > limit:
        last = found[limit - 1]
        return Page(found[:limit], _cut_beyond(last.seq, last.ordinal, ascending=ascending))
    if not wanted.is_filtered or rows[0]["last_seq"] is None:
        return Page(found, None)
    return Page(found, _cut_beyond(rows[0]["last_seq"], rows[0]["last_ordinal"], ascending=ascending))


def page_statement(wanted: PageWanted, start: Cut | None, limit: int, *, ascending: bool) -> TextClause:
    """One more than `limit`, and the last that was looked at if there may be more; at least one row in any case."""
    scan = SCAN_MAX if wanted.is_filtered else limit + 1
    counts = {**_bounds(wanted, start, ascending=ascending), "scan": scan, "limit": limit + 1}
    numbers = [bindparam(name, number, BigInteger) for name, number in counts.items()]
    return text(_words(wanted, ascending=ascending)).bindparams(*numbers, **_names(wanted))


def _words(wanted: PageWanted, *, ascending: bool) -> str:
    order, past, bound = ("ASC", ">", ">= :low") if ascending else ("DESC", "<=", "<= :high")
    branches = [
        _BRANCH.format(
            side=side,
            within=within(side, f":account_{n}", ":low", ":high"),
            order=in_order(side, order),
            past=past,
            bound=bound,
        )
        for n in range(len(wanted.accounts))
        for side in ("debit", "credit")
    ]
    conditions = [_KIND] * (wanted.kind is not None) + [_COUNTERPARTY] * (wanted.counterparty is not None)
    return _PAGE.format(branches="\nUNION ALL\n".join(branches), wanted=" AND ".join(conditions) or "true", order=order)


def _bounds(wanted: PageWanted, start: Cut | None, *, ascending: bool) -> dict[str, int]:
    """Where the walk begins and may go. The cut narrows the walk along the index too."""
    low, high = wanted.low, wanted.high
    cut_seq, cut_ordinal = start or ((low, -1) if ascending else (high, _ORDINAL_MAX))
    if ascending:
        low = max(low, cut_seq)
    else:
        high = min(high, cut_seq)
    return {"low": low, "high": high, "cut_seq": cut_seq, "cut_ordinal": cut_ordinal}


def _names(wanted: PageWanted) -> dict[str, Any]:
    """The other values of the statement."""
    names: dict[str, Any] = {f"account_{n}": account for n, account in enumerate(wanted.accounts)}
    if wanted.kind is not None:
        names["kind"] = wanted.kind
    if wanted.counterparty is not None:
        told = wanted.told_kinds
        names |= {"counterparty": wanted.counterparty, "told_kinds": list(told or ()), "told_all": told is None}
    return names


def _cut_beyond(seq: int, ordinal: int, *, ascending: bool) -> Cut:
    """The cut on the far side of this transfer."""
    return (seq, ordinal) if ascending else (seq, ordinal - 1)


def _movement(row: Any) -> Movement:
    figures = int(row["posted_after"]), int(row["held_after"])
    return movement_of(row, row["side"], figures, time_text(row["at"]), row["kind"], object_of(bytes(row["body"])))
