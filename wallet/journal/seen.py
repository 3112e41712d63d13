"""Who sees a Change: its viewers, and whoever owns an account that it moves.

What the transfers tell already is not written down again, for it would be a tenth of all that a payment costs the database.
"""

from collections.abc import Collection, Iterable

from wallet.ledger.walk import SEQ_MAX, in_order, within


def seen_by(viewer: str, low: str, limit: str, high: str = str(SEQ_MAX)) -> str:
    """SQL for the sequences of what a viewer sees, from one to another, the lowest first. The arguments are SQL too: the names
    of parameters."""
    told = f"SELECT seq FROM journal_viewers WHERE viewer = {viewer} AND seq BETWEEN {low} AND {high}"  # noqa: S608
    debit, credit = [_moved(side, low, high, limit) for side in ("debit", "credit")]
    return (
        f"SELECT seq FROM (({told} ORDER BY seq LIMIT {limit}) UNION SELECT moved.seq FROM accounts a"  # noqa: S608
        f" CROSS JOIN LATERAL ({debit} UNION ALL {credit}) moved WHERE a.owner = {viewer}) seen ORDER BY seq LIMIT {limit}"
    )


def _moved(side: str, low: str, high: str, limit: str) -> str:
    asked = f"{within(side, 'a.id', low, high)} AND seq >= {low}"
    return f"(SELECT seq FROM transfers WHERE {asked} ORDER BY {in_order(side)} LIMIT {limit})"  # noqa: S608


def seen_beside(viewers: Iterable[str], owners: Collection[str]) -> list[str]:
    """Of the viewers of a Change those who own none of the accounts that it moves, each once: the only ones for whom the
    table of viewers has a row."""
    return [viewer for viewer in dict.fromkeys(viewers) if viewer not in owners]
