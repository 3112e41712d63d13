"""What the writer remembers between batches, so that it need not ask the database again.

The image counts only while the head is the one that it was left at: any other head means that somebody else has written.
`last` is the batch written last, or still under way: its effects stand here before the database shows them, so that the
next batch can be judged meanwhile. If that batch fails, everything is forgotten and the epoch moves on.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from wallet.journal.head import Head
from wallet.journal.judge import Known, RowKey, Totals
from wallet.journal.remembered import Remembered, RequestKey

ACCOUNTS_MAX = 200_000  # accounts whose totals are kept
ROWS_MAX = 50_000  # rows whose versions are kept: those that decisions rest on again and again, such as an asset's


@dataclass(slots=True)
class Image:
    """Totals of accounts and versions of rows, as they are at `head`; None: nothing is known."""

    head: Head | None = None
    epoch: int = 0
    totals: dict[str, Totals] = field(default_factory=dict)
    versions: dict[RowKey, int] = field(default_factory=dict)
    last: Known = field(default_factory=Known)
    last_answers: dict[RequestKey, Remembered] = field(default_factory=dict)

    def forget(self) -> None:
        self.head, self.epoch = None, self.epoch + 1
        self.totals.clear()
        self.versions.clear()
        self.last, self.last_answers = Known(), {}

    def advance(
        self, head: Head, known: Known, answers: dict[RequestKey, Remembered], required: Iterable[RowKey]
    ) -> None:
        """A batch has been judged; it left the books at `head`."""
        self.head, self.last, self.last_answers = head, known, answers
        self.totals.update(known.totals)
        if len(self.totals) > ACCOUNTS_MAX:
            self.totals = dict(known.totals)
        for key in (*required, *(known.versions.keys() & self.versions.keys())):
            version = known.versions[key]
            if version is not None:
                self.versions[key] = version
        if len(self.versions) > ROWS_MAX:
            self.versions.clear()  # `last` has those that the database may not show yet
