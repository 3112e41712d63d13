"""A small bank for development, clearly apart from the product: it reads payout files and answers with statements.

It stands for somebody else's machine: it shares with the product only the folder and the published schemas. It moves no
money. Its state survives a kill: a statement is written into the state together with the balance that it tells, and is
delivered from there.
"""

import asyncio
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from lxml import etree

from node.devnet.bank_statement import Line, Page, render

POLL_S = 0.2
_SCHEMA = Path(__file__).parents[2] / "chains/sepa/vendor/pain.001.001.09.xsd"
_NAMES = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}


@dataclass(frozen=True, slots=True)
class Books:
    """The bank's whole state. `undelivered` are statements by file name; `executed` are message ids, for ever."""

    balance_units: int = 0
    sequence: int = 0
    references: int = 0
    executed: frozenset[str] = frozenset()
    undelivered: dict[str, str] = field(default_factory=dict)


class DevelopmentBank:
    """`folder` is the one that the product uses (`in/` and `out/`), `private` the bank's own. Several objects, also in
    several processes, may serve the same account: each step is taken under a file lock. `version` is that of the statements
    (camt.053.001): "02", "03" or "08"; with `batch` a payout file is booked as one entry."""

    def __init__(
        self,
        folder: Path,
        private: Path,
        *,
        iban: str,
        version: str = "08",
        batch: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._arriving = folder / "in"
        self._leaving = folder / "out"
        self._private = private
        self._iban = iban
        self._version = version
        self._batch = batch
        self._now = now
        for part in (self._arriving, self._leaving, private / "executed", private / "rejected"):
            part.mkdir(parents=True, exist_ok=True)

    async def run(self) -> None:
        """Until cancelled: execute payout files as they appear."""
        while True:
            await asyncio.to_thread(self.work)
            await asyncio.sleep(POLL_S)

    def work(self) -> None:
        """One look at what has been left undone and what has arrived."""
        with self._open():
            pass
        for path in sorted(self._leaving.glob("*.xml")):
            self._execute(path)

    def pay_in(self, name: str, iban: str, units: int, reference: str, *, booked: bool = True) -> str:
        """Somebody pays us: a statement with one credit (pending where not `booked`). Returns the bank's reference."""
        with self._open() as drawer:
            return drawer.state([Line(units, credit=True, name=name, iban=iban, text=reference, booked=booked)])

    def book(self, announced: str, name: str, iban: str, units: int, reference: str) -> None:
        """Book what `pay_in` announced as pending under the bank's reference `announced`."""
        line = Line(units, credit=True, name=name, iban=iban, text=reference, servicer_reference=announced)
        with self._open() as drawer:
            drawer.state([line])

    def send_back(self, end_to_end: str, name: str, iban: str, units: int, reason: str = "AC04") -> None:
        """A payment of ours comes back: the account of whom we paid is closed, say."""
        with self._open() as drawer:
            line = Line(units, True, name, iban, reason, end_to_end, family="RRTN")
            drawer.state([line])

    def charge(self, units: int) -> None:
        """The bank takes a charge."""
        with self._open() as drawer:
            drawer.state([Line(units, credit=False, text="Account charge", family="CHRG")])

    def _execute(self, path: Path) -> None:
        """A file that is no lawful payout file is put aside; one that was executed before has no effect."""
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return
        order = read_order(raw)
        with self._open() as drawer:
            fits = order is not None and order.iban == self._iban and order.units <= drawer.books.balance_units
            if fits and order is not None and order.message_id not in drawer.books.executed:
                drawer.state(order.lines, batch=order.message_id if self._batch else None, executes=order.message_id)
            folder = "executed" if fits or self._was_executed(order, drawer) else "rejected"
            if path.exists():
                path.replace(self._private / folder / path.name)

    def _was_executed(self, order: "Order | None", drawer: "_Drawer") -> bool:
        return order is not None and order.message_id in drawer.books.executed

    @contextmanager
    def _open(self) -> Iterator["_Drawer"]:
        """The books, under the lock; then what must be delivered is."""
        with (self._private / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            drawer = _Drawer(self._private / "books.json", self._iban, self._version, self._now)
            yield drawer
            for name, xml in drawer.books.undelivered.items():
                _write_whole(self._arriving / name, xml.encode())
            if drawer.books.undelivered:
                drawer.save(replace(drawer.books, undelivered={}))


class _Drawer:
    """The books while the lock is held."""

    def __init__(self, path: Path, iban: str, version: str, now: Callable[[], datetime]) -> None:
        self._path = path
        self._iban = iban
        self._version = version
        self._now = now
        self.books = msgspec.json.decode(path.read_bytes(), type=Books) if path.exists() else Books()

    def save(self, books: Books) -> None:
        _write_whole(self._path, msgspec.json.encode(books))
        self.books = books

    def state(self, lines: Sequence[Line], *, batch: str | None = None, executes: str | None = None) -> str:
        """Book the lines and write the statement that tells of them; returns the reference of its first entry."""
        books = self.books
        moved = sum(line.units if line.credit else -line.units for line in lines if line.booked)
        page = Page(
            iban=self._iban,
            sequence=books.sequence + 1,
            opening_units=books.balance_units,
            closing_units=books.balance_units + moved,
            at=self._now(),
            lines=_numbered(lines, books.references),
            batch=batch,
        )
        name = f"statement-{page.sequence:06d}.xml"
        self.save(
            Books(
                balance_units=page.closing_units,
                sequence=page.sequence,
                references=books.references + len(lines),
                executed=books.executed | ({executes} if executes is not None else set()),
                undelivered={**books.undelivered, name: render(page, self._version).decode()},
            )
        )
        return page.lines[0].servicer_reference


def _numbered(lines: Sequence[Line], used: int) -> tuple[Line, ...]:
    return tuple(
        line if line.servicer_reference else replace(line, servicer_reference=f"DEV{used + place:010d}")
        for place, line in enumerate(lines, start=1)
    )


# ── payout files ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Order:
    message_id: str
    iban: str
    lines: tuple[Line, ...]

    @property
    def units(self) -> int:
        return sum(line.units for line in self.lines)


def read_order(raw: bytes) -> Order | None:
    """A schema-valid payout file in EUR whose count and sum are right; None for all else."""
    try:
        root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError:
        return None
    if not etree.XMLSchema(etree.parse(_SCHEMA)).validate(root):
        return None
    lines = tuple(_line(node) for node in root.iterfind(".//p:CdtTrfTxInf", _NAMES))
    order = Order(_text(root, ".//p:GrpHdr/p:MsgId"), _text(root, ".//p:DbtrAcct/p:Id/p:IBAN"), lines)
    total, count = _cents(_text(root, ".//p:GrpHdr/p:CtrlSum")), int(_text(root, ".//p:GrpHdr/p:NbOfTxs"))
    return order if (total, count) == (order.units, len(lines)) else None


def _line(node: etree._Element) -> Line:
    return Line(
        units=_cents(_text(node, "p:Amt/p:InstdAmt")),
        credit=False,
        name=_text(node, "p:Cdtr/p:Nm"),
        iban=_text(node, "p:CdtrAcct/p:Id/p:IBAN"),
        end_to_end=_text(node, "p:PmtId/p:EndToEndId"),
    )


def _text(node: etree._Element, path: str) -> str:
    return node.findtext(path, default="", namespaces=_NAMES).strip()


def _cents(text: str) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(2, "0")[:2])


def _write_whole(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
