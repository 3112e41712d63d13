"""Receipts: the node's signed proof that it accepted a Change at its place."""

from sqlalchemy import Table, select

from api.auth import may_see
from api.receipted import ReceiptView
from api.routes import Answer, Call, any_of, route
from api.schema import Nothing
from wallet import schema
from wallet.access.keys import Scope
from wallet.context import driver_connection
from wallet.errors import NotFound
from wallet.journal.find_receipt import find_insert, find_receipt
from wallet.journal.receipts import Receipt, receipt_view

_OWNERS: dict[str, tuple[Table, tuple[str, ...]]] = {
    "pay": (schema.payments, ("payer", "payee")),
    "wdr": (schema.withdrawals, ("owner",)),
    "hld": (schema.placed_holds, ("platform", "owner")),
    "stl": (schema.settlements, ("platform",)),
}
"""By an id's prefix: where the object's row is, and whose it is, whoever asked for it first."""


@route("GET", "/v1/receipts/{object}", access=any_of(Scope.READ), answer=ReceiptView, refuses=("not_found",))
async def show(call: Call[Nothing, Nothing]) -> Answer:
    """The receipt of the request that made a payment, withdrawal, hold or settlement of one's own"""
    receipt = await _receipt_of(call, call.path["object"])
    if receipt is None:
        raise NotFound("receipt", call.path["object"])
    return Answer(ReceiptView.model_validate(receipt_view(receipt)))


async def _receipt_of(call: Call[Nothing, Nothing], name: str) -> Receipt | None:
    table, owners = _OWNERS[name[:3]]
    row = await call.context.one(select(table).where(table.c.id == name))
    if row is None or not await may_see(call, *[row[owner] for owner in owners]):
        return None
    async with driver_connection(call.context) as connection:
        seq = await find_insert(connection, row[owners[0]], table.name, name, row["created_at"])
        return None if seq is None else await find_receipt(connection, seq)


ROUTES = (show,)
