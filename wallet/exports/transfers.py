"""The columns of transfer files: what a customer sees of a line, and what operators do."""

from collections.abc import AsyncIterator, Collection, Mapping

from sqlalchemy import Text, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY

from wallet import schema
from wallet.context import Context
from wallet.exports.files import Row
from wallet.ledger.accounts import owner_of
from wallet.money import format_units
from wallet.movements.movement import Movement, movement_view, told_counterparty

CUSTOMER_NAMES = (
    *("at", "kind", "object", "customer", "reference", "account", "move", "direction", "asset", "amount"),
    *("posted_after", "held_after", "counterparty", "hold"),
)
_PLACE = ("seq", "ordinal", "at", "kind", "object", "move")
_AFTER = ("posted_after", "held_after")
BOOK_NAMES = (
    *(*_PLACE, "debit_account", "credit_account", "asset", "amount", "hold"),
    *[f"{side}_{name}" for side in ("debit", "credit") for name in _AFTER],
)
ACCOUNT_NAMES = (*_PLACE, "account", "side", "other_account", "asset", "amount", "hold", *_AFTER)

REFERENCES_KEPT = 10_000  # of a platform's customers; a megabyte or two

Chunks = AsyncIterator[list[Movement]]


async def customer_rows(context: Context, chunks: Chunks, *, sees_all: bool) -> AsyncIterator[list[Row]]:
    """Rows of `CUSTOMER_NAMES`: no sequence, which would tell how busy everybody is, and no account of the house. `sees_all`
    are operators, and platforms about their own customers."""
    known: dict[str, str | None] = {}
    async for found in chunks:
        new = {owner_of(one.account) for one in found} - known.keys()
        if len(known) + len(new) > REFERENCES_KEPT:
            known, new = {}, {owner_of(one.account) for one in found}
        if new:
            known |= await references_of(context, new)
        yield [customer_row(context, one, known, sees_all=sees_all) for one in found]


def customer_row(context: Context, movement: Movement, references: Mapping[str, str | None], *, sees_all: bool) -> Row:
    """One row of `CUSTOMER_NAMES`, told as `/v1/transfers` tells it."""
    owner = owner_of(movement.account)
    row = movement_view(movement, context.asset(movement.asset).decimals)
    row |= {"customer": owner, "reference": references.get(owner), "hold": movement.hold}
    row["counterparty"] = told_counterparty(movement, sees_all=sees_all)
    return [row[name] for name in CUSTOMER_NAMES]


async def book_rows(context: Context, chunks: Chunks) -> AsyncIterator[list[Row]]:
    """Rows of `BOOK_NAMES`, of movements as both sides see them. Figures are the ledger's own: credits less debits."""
    async for found in chunks:
        pairs = zip(found[::2], found[1::2], strict=True)
        yield [
            (*_place(one), one.account, one.other, *_figures(context, one), *_after(context, two)) for one, two in pairs
        ]


async def account_rows(context: Context, chunks: Chunks) -> AsyncIterator[list[Row]]:
    """Rows of `ACCOUNT_NAMES`. Figures are the ledger's own: credits less debits."""
    async for found in chunks:
        yield [
            (*_place(one), one.account, "credit" if one.is_credit else "debit", one.other, *_figures(context, one))
            for one in found
        ]


def _place(one: Movement) -> Row:
    return (one.seq, one.ordinal, one.at, one.kind, one.object, one.move.value)


def _figures(context: Context, one: Movement) -> Row:
    amount = format_units(one.units, context.asset(one.asset).decimals)
    return (one.asset, amount, one.hold, *_after(context, one))


def _after(context: Context, one: Movement) -> Row:
    decimals = context.asset(one.asset).decimals
    return (format_units(one.posted_after, decimals), format_units(one.held_after, decimals))


async def references_of(context: Context, owners: Collection[str]) -> Mapping[str, str | None]:
    """By id; None of those customers who are no sub-accounts."""
    table = schema.customers
    among = table.c.id == any_(bindparam(None, sorted(owners), type_=ARRAY(Text)))
    rows = await context.all(select(table.c.id, table.c.reference).where(among))
    return {**dict.fromkeys(owners), **{row["id"]: row["reference"] for row in rows}}
