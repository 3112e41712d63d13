"""The books as the journal alone tells them: bodies in order, applied to nothing. Pure; `verify` feeds and compares it.

What the tables must say is written down as PostgreSQL's COPY would write it, so that whole blocks are compared as bytes and
nothing of a sound table is ever taken apart. Where a block differs, `compare` looks closer and names the row.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from wallet.journal.change import ALL_BUT_METERED
from wallet.ledger.accounts import HOUSE, Account
from wallet.money import Asset
from wallet.proofs.broken import BooksBroken
from wallet.schema import ROWS, written_columns

Wire = tuple[str, str, str, str, str, str | None]  # a transfer in a body: move, debit, credit, asset, units, hold
_MASK = int(ALL_BUT_METERED)
UNCLEAR = "\\"  # where COPY's text would be ambiguous: no sound block contains it, so the closer look decides

COLUMNS = {name: tuple(column.name for column in written_columns(table)) for name, table in ROWS.items()}
_PLACES = {name: {column: place for place, column in enumerate(columns)} for name, columns in COLUMNS.items()}
_encode = msgspec.json.Encoder(order="sorted").encode
_decode_row = msgspec.json.Decoder(list[Any]).decode


class Body(msgspec.Struct, gc=False):
    """Of a journal row, what replaying needs."""

    entry: list[Wire]
    flags: list[list[Any]]  # account, flags, and their mask where it is not that of a freeze
    vault: list[tuple[str, str, str, str]]
    writes: list[tuple[str, str, dict[str, Any]]]


read_body = msgspec.json.Decoder(Body).decode


def row_line(table: str, row: dict[str, Any]) -> bytes:
    """A row as a JSON array in the order of the columns; what it does not name is null."""
    return _encode(list(map(row.get, COLUMNS[table])))


def row_values(table: str, line: bytes) -> dict[str, Any]:
    return dict(zip(COLUMNS[table], _decode_row(line), strict=True))


@dataclass(slots=True)
class Replay:
    """Per account [debits pending, debits posted, credits pending, credits posted]; per hold debit, credit, asset, units
    and what remains; rows by table and id, packed by `row_line`."""

    totals: dict[str, list[int]] = field(default_factory=dict)
    flags: dict[str, int] = field(default_factory=dict)
    holds: dict[str, list[Any]] = field(default_factory=dict)
    rows: dict[str, dict[str, bytes]] = field(default_factory=lambda: {name: {} for name in ROWS})
    vault: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    transfers: int = 0

    def apply(self, seq: int, body: Body, lines: list[str]) -> None:
        """One journal row. Adds to `lines` what the table of transfers must say of it. Raises `BooksBroken`."""
        if body.entry:
            self._apply_entry(seq, body.entry, lines)
        for write in body.writes:
            self._apply_write(seq, *write)
        for account, flags, *mask in body.flags:
            self._opened(account)
            told = mask[0] if mask else _MASK
            self.flags[account] = self.flags_of(account) & ~told | flags & told
        for item, person, kind, commitment in body.vault:
            self.vault[item] = (person, kind, commitment)

    def _apply_entry(self, seq: int, entry: list[Wire], lines: list[str]) -> None:
        totals = self.totals
        for ordinal, (move, debit, credit, asset, units_text, hold) in enumerate(entry):
            units = int(units_text)
            one = totals.get(debit) or self._opened(debit)
            two = totals.get(credit) or self._opened(credit)
            if move == "post":
                one[1] += units
                two[3] += units
            else:
                self._apply_hold(move, units, (debit, credit, asset, hold))
                pending, posted = (units, 0) if move == "hold" else (-units, units if move == "settle" else 0)
                one[0], one[1], two[2], two[3] = one[0] + pending, one[1] + posted, two[2] + pending, two[3] + posted
            lines.append(
                f"{seq}\t{ordinal}\t{move}\t{debit}\t{credit}\t{asset}\t{units_text}\t{_text_or_null(hold)}\t"
                f"{one[3] - one[1]}\t{one[0]}\t{two[3] - two[1]}\t{two[0]}\n"
            )
        self.transfers += len(entry)

    def flags_of(self, account: str) -> int:
        """As they are by now: those of an account that nobody has flagged are those of its code."""
        found = self.flags.get(account)
        if found is None:
            owner, code, symbol = account.split(":")
            found = int(Account(owner or HOUSE, code, Asset(symbol, 0)).opening_flags)
        return found

    def _opened(self, account: str) -> list[int]:
        return self.totals.setdefault(account, [0, 0, 0, 0])

    def _apply_hold(self, move: str, units: int, of: tuple[str, str, str, str | None]) -> None:
        debit, credit, asset, hold = of
        if hold is not None:
            kept = self.holds.setdefault(hold, [debit, credit, asset, units, 0])
            kept[4] += units if move == "hold" else -units

    def _apply_write(self, seq: int, verb: str, table: str, row: dict[str, Any]) -> None:
        rows, row_id = self.rows[table], row["id"]
        told = rows.get(row_id)
        if verb == "insert":
            if told is not None:
                raise BooksBroken(f"journal row {seq} inserts {table} {row_id} a second time")
            rows[row_id] = row_line(table, row)
            return
        places = _PLACES[table]
        values = [] if told is None else _decode_row(told)
        if not values or values[places["version"]] != row["version"] - 1:
            raise BooksBroken(f"journal row {seq} updates {table} {row_id} out of order")
        for column, value in row.items():
            values[places[column]] = value
        rows[row_id] = _encode(values)


def is_clear(text: str, rows: int, columns: int) -> bool:
    """Whether a text can only be COPY's for so many rows, each of so many columns."""
    return UNCLEAR not in text and text.count("\n") == rows and text.count("\t") == rows * (columns - 1)


def _text_or_null(text: str | None) -> str:
    """NULL is asked for as nothing at all; an empty text then is unclear."""
    return "" if text is None else text or UNCLEAR
