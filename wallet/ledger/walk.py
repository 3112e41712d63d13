"""The SQL by which one account is walked through the transfers, on one side of them, in the order of the books.

The index of each side is over a hash of the account and the sequence: an account's name has forty characters, and twice for
each transfer they cost more than all that is remembered of it. Rows are compared and ordered as that index is, (hash,
sequence), since nothing else has this order; with an equality instead the planner may walk the whole journal in search of an
account that has not moved for a year, and with a condition on both sides it reads everything and sorts it. That two accounts
may share a hash is what the last condition is for; it is no equality either, as far as the planner can see. The bare bound on
the sequence is for partitions: on both ends it would look like few rows to a planner that knows no values.
"""

SEQ_MAX = 2**63 - 1


def within(side: str, account: str, low: str, high: str) -> str:
    """The transfers of one side from a sequence to another, both included. `account`, `low` and `high` are SQL."""
    place, name = _hashed(f"{side}_account"), _hashed(account)
    same = f"coalesce({side}_account = {account}, false)"
    return f"({place}, seq) >= ({name}, {low}) AND ({place}, seq) <= ({name}, {high}) AND {same}"


def in_order(side: str, order: str = "ASC") -> str:
    return f"{_hashed(f'{side}_account')} {order}, seq {order}"


def _hashed(name: str) -> str:
    return f"hashtextextended({name}, 0)"
