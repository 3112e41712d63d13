"""The Journal: the only committer of the books.

Everything that changes money or rows is a `Change`. The writer takes all that has queued while the last commit ran and
writes it in one database transaction, in one total order, sealed into a hash chain in that same transaction.

    change      what a caller hands in                    lanes       what waits, people before bulk
    body        its canonical bytes                       lookups     what a batch must know, by key
    judge       what is accepted, decided on values       batch       a batch: judged, sealed, signed
    chain       the hash that links them                  image       what is remembered between batches
    receipts    proofs for those who were answered        store       a batch as one SQL statement
    sealing     what a batch claims, until it is signed   recent_receipts  those of the last batches
    remembered  how requests ended                        writer      the loop: prepare, lock, write, commit, answer
    sql         many parts as one statement               events      following by cursor
    head, connection, tail                                seen        who sees a Change
    recall      deciding again, answering retries         forget_requests, begin_day: time that passes

`wallet/proofs` replays and compares what is written here.

What this prevents: lost updates (a batch counts only on the very head that it was judged on), double
payment on retry (a request's outcome is stored in the same transaction), silent tampering (the chain), and answers that
a crash takes back (callers are answered after the commit, never before).
"""

from wallet.journal.change import Change, Committed, EventKind, Insert, Request, Requirement, Update
from wallet.journal.lanes import Lane
from wallet.journal.writer import Journal

__all__ = [
    "Change",
    "Committed",
    "EventKind",
    "Insert",
    "Journal",
    "Lane",
    "Request",
    "Requirement",
    "Update",
]
