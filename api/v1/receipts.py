"""Receipts: the node's signed proof that it accepted a Change at its place."""

from typing import Any

import asyncpg
from pydantic import Field
from sqlalchemy import Table, or_, select

from api.routes import Answer, Call, any_of, route
from api.schema import Moment, Nothing, Shown
from wallet import schema
from wallet.access.keys import Scope
from wallet.context import Context, Record
from wallet.errors import NotFound
from wallet.journal.find_receipt import find_insert, find_receipt
from wallet.journal.receipts import Receipt, receipt_view

_OWNERS: dict[str, tuple[Table, tuple[str, ...]]] = {
    "pay": (schema.payments, ("payer", "payee")),
    "wdr": (schema.withdrawals, ("owner",)),
    "hld": (schema.placed_holds, ("platform", "owner")),
    "stl": (schema.settlements, ("platform",)),
}
"""By an id's prefix: where the object's row is, and whose it is."""


class ReceiptView(Shown):
    """Hashes and signature in hex. Check it with `coffer receipt verify`, or as docs/running.md describes."""

    claim: str = Field(description="What was accepted, as the JSON text that was hashed: time, kind, request, result.")
    chain: str = Field(description="The Change's hash in the journal.")
    index: int = Field(description="Its place among the Changes of its batch.")
    size: int
    path: list[str] = Field(description="The hashes beside the way from its leaf to the batch's root (RFC 9162).")
    head: str = Field(description="The hash of the batch's last Change.")
    at: Moment
    key: str = Field(description="The Ed25519 key that signed; `/v1/node` tells this node's own.")
    signature: str


@route("GET", "/v1/receipts/{object}", access=any_of(Scope.READ), answer=ReceiptView, refuses=("not_found",))
async def show(call: Call[Nothing, Nothing]) -> Answer:
    """The receipt of the request that made a payment, withdrawal, hold or settlement of one's own"""
    receipt = await _receipt_of(call.context, call.path["object"], call.principal.owner)
    if receipt is None:
        raise NotFound("receipt", call.path["object"])
    return Answer(ReceiptView.model_validate(receipt_view(receipt)))


async def _receipt_of(context: Context, name: str, asker: str) -> Receipt | None:
    table, owners = _OWNERS[name[:3]]
    row = await _own_row(context, table, owners, name, asker)
    if row is None:
        return None
    async with context.reads.connect() as pooled:
        connection = _driver(await pooled.get_raw_connection())
        seq = await find_insert(connection, asker, table.name, name, row["created_at"])
        return None if seq is None else await find_receipt(connection, seq)


async def _own_row(context: Context, table: Table, owners: tuple[str, ...], name: str, asker: str) -> Record | None:
    mine = or_(*(table.c[owner] == asker for owner in owners))
    return await context.one(select(table.c.created_at).where(table.c.id == name, mine))


def _driver(raw: Any) -> asyncpg.Connection:
    """The driver's own connection, under SQLAlchemy's."""
    connection: asyncpg.Connection = raw.driver_connection
    return connection


ROUTES = (show,)
