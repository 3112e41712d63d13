"""Who sees a Change: its viewers, and whoever owns an account that it moves.

What the transfers tell already is not written down again, for it would be a tenth of all that a payment costs the database.
"""

from collections.abc import Collection, Iterable

# {viewer}, {after} and {limit} are parameters: the sequences of what a viewer sees, the lowest first.
_SEEN_BY = """
SELECT seq FROM (
    (SELECT seq FROM journal_viewers WHERE viewer = {viewer} AND seq > {after} ORDER BY seq LIMIT {limit})
    UNION
    SELECT moved.seq FROM accounts a CROSS JOIN LATERAL (
        (SELECT seq FROM transfers WHERE debit_account = a.id AND seq > {after} ORDER BY seq LIMIT {limit})
        UNION ALL
        (SELECT seq FROM transfers WHERE credit_account = a.id AND seq > {after} ORDER BY seq LIMIT {limit})
    ) moved WHERE a.owner = {viewer}
) seen ORDER BY seq LIMIT {limit}
"""


def seen_by(viewer: str, after: str, limit: str) -> str:
    """SQL for what a viewer sees after a sequence; the arguments are the names of its parameters."""
    return _SEEN_BY.format(viewer=viewer, after=after, limit=limit)


def seen_beside(viewers: Iterable[str], owners: Collection[str]) -> list[str]:
    """Of the viewers of a Change those who own none of the accounts that it moves, each once: the only ones for whom the
    table of viewers has a row."""
    return [viewer for viewer in dict.fromkeys(viewers) if viewer not in owners]
