"""Which entry is meant, and whether undoing it makes sense.

What moved between customers can be moved back. What a network did cannot: booking the opposite would make the books say what
the network does not. Each other kind has its own way back, and the refusal names it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.errors import NotFound, NotReversible
from wallet.journal.body import decode_body
from wallet.journal.change import EventKind
from wallet.journal.find_receipt import find_insert
from wallet.ledger.accounts import account_of
from wallet.ledger.transfers import Entry, Move, Transfer
from wallet.money import Amount

_POSITION = re.compile("[1-9][0-9]{0,17}", re.ASCII)
_MADE_BY = {"pay": (schema.payments, "payer"), "stl": (schema.settlements, "platform")}
"""By an id's prefix: the table of what may be reversed, and who sees the Change that made it."""

_INSTEAD = {
    "dep": "only a deposit's network takes it back; then `coffer deposit charge-back` lets its owner bear that",
    "wdr": "cancel a withdrawal before it is signed; after that only its receiver can send the money back",
    "hld": "void what is left of a hold; what was settled out of it is reversed by the settlement's id",
    "rev": "a reversal is not reversed: make the payment again",
    "brk": "a loss that turns up again is found as a surplus when the network is looked at",
    "net": "this tells of what has happened on a network; it is corrected by what happens there",
    "row": "no money moved",
}
_KINDS = {
    "dep": ("deposit.",),
    "wdr": ("withdrawal.",),
    "hld": ("hold.",),
    "rev": ("entry.",),
    "brk": ("break.",),
    "net": ("funding.", "outflow.", "submission.", "statement."),
}
_REVERSIBLE = (EventKind.PAYMENT_SENT.value, EventKind.SETTLEMENT_POSTED.value)


@dataclass(frozen=True, slots=True)
class PostedEntry:
    """What was posted at `seq`. `object` is the id by which its parties know it."""

    seq: int
    object: str
    entry: Entry


async def find_posted(context: Context, name: str) -> PostedEntry:
    """By the id of a payment or settlement, or by a journal position. Raises `NotFound`, `NotReversible`."""
    seq = int(name) if _POSITION.fullmatch(name) else await _seq_of(context, name)
    journal, transfers = schema.journal, schema.transfers
    row = await context.one(select(journal).where(journal.c.seq == seq))
    if row is None:
        raise NotFound("entry", name)
    if row["kind"] not in _REVERSIBLE:
        raise NotReversible(name, _instead(row["kind"]))
    moved = select(transfers).where(transfers.c.seq == seq).order_by(transfers.c.ordinal)
    told: Mapping[str, Any] = decode_body(bytes(row["body"]))["data"]
    return PostedEntry(seq, str(told["id"]), _entry(context, await context.all(moved)))


async def _seq_of(context: Context, name: str) -> int:
    prefix = name.partition("_")[0]
    if prefix not in _MADE_BY:
        raise NotReversible(name, _INSTEAD[prefix]) if prefix in _INSTEAD else NotFound("entry", name)
    table, viewer = _MADE_BY[prefix]
    row = await context.one(select(table).where(table.c.id == name))
    if row is None:
        raise NotFound("entry", name)
    async with context.reads.connect() as pooled:
        raw: Any = await pooled.get_raw_connection()
        seq = await find_insert(raw.driver_connection, row[viewer], table.name, name, row["created_at"])
    if seq is None:  # moved to a file
        raise NotReversible(name, "it was archived: move the money back by a payment")
    return seq


def _instead(kind: str) -> str:
    return _INSTEAD[next((name for name, kinds in _KINDS.items() if kind.startswith(kinds)), "row")]


def _entry(context: Context, rows: Sequence[Record]) -> Entry:
    return tuple([_transfer(context, row) for row in rows])


def _transfer(context: Context, row: Record) -> Transfer:
    asset = context.asset(row["asset"])
    debit, credit = account_of(row["debit_account"], asset), account_of(row["credit_account"], asset)
    return Transfer(Move(row["move"]), debit, credit, Amount(row["units"], asset), row["hold"])
