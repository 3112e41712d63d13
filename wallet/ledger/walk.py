"""The SQL by which one account is walked through the transfers, on one side of them, in the order of the books.

Rows are compared and ordered, (account, sequence), since only the index of that side has this order. With an equality the
planner may walk the whole journal in search of an account that has not moved for a year; with a condition on both sides it
reads everything and sorts it. The bare bound on the sequence is for partitions: on both ends it would look like few rows to a
planner that knows no values.
"""

SEQ_MAX = 2**63 - 1


def within(side: str, account: str, low: str, high: str) -> str:
    """The transfers of one side from a sequence to another, both included. `account`, `low` and `high` are SQL."""
    return f"({side}_account, seq) >= ({account}, {low}) AND ({side}_account, seq) <= ({account}, {high})"


def in_order(side: str, order: str = "ASC") -> str:
    return f"{side}_account {order}, seq {order}"
