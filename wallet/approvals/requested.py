"""What a request is given on its way into the books: who asked, and how many people it takes."""

from msgspec.structs import replace

from wallet.journal.change import Change, Insert


def asked_by(change: Change) -> Change:
    """The same request, with the key that asked in the withdrawal's row: whose hands it went through is looked at later."""
    writes = tuple(
        Insert(write.table, {**write.row, "requested_by": change.actor, "approvals_missing": None})
        if isinstance(write, Insert) and write.table == "withdrawals"
        else write
        for write in change.writes
    )
    return replace(change, writes=writes)
