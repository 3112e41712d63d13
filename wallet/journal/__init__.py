"""The Journal: the only committer of the books.

Everything that changes money or rows is a `Change`. The writer takes all that has queued while the last commit ran and
writes it in one database transaction, in one total order, sealed into a hash chain in that same transaction.

    change   what a caller hands in                    store    the few SQL statements of a batch
    body     its canonical bytes                       writer   the loop: lock, look up, judge, write, seal, commit, answer
    chain    the hash that links them                  read     following by cursor
    judge    what is accepted, decided on values       verify   replaying everything and comparing bit for bit

What this prevents: lost updates (one head row is locked in a statement of its own before anything is read), double
payment on retry (a request's outcome is stored in the same transaction), silent tampering (the chain), and answers that
a crash takes back (callers are answered after the commit, never before).
"""

from wallet.journal.change import Change, Committed, EventKind, Insert, Request, Requirement, Update
from wallet.journal.writer import Journal

__all__ = [
    "Change",
    "Committed",
    "EventKind",
    "Insert",
    "Journal",
    "Request",
    "Requirement",
    "Update",
]
