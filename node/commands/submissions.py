"""`coffer submission list` and `show`: what is under way, and the variants of one."""

import json
from typing import Any

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.errors import NotFound
from wallet.journal.body import time_text
from wallet.money import format_units
from wallet.treasury.states import DRIVEN
from wallet.treasury.submissions import tx_that_counts
from wallet.treasury.variants import replacements_of


async def print_submissions(context: Context, *, as_json: bool) -> int:
    """All that something is still to be done for, oldest first."""
    table = schema.submissions
    rows = await context.all(select(table).where(table.c.state.in_(DRIVEN)).order_by(table.c.id))
    views = [_view(context, row) for row in rows]
    if as_json:
        print(json.dumps({"items": views}))  # noqa: T201 (a command's result)
        return 0
    for view in views:
        print(  # noqa: T201
            f"{view['id']}  {view['status']:<10}  {view['purpose']:<11}  {view['amount']} {view['asset']}"
            f"  fee up to {view['fee_max']} {view['fee_asset']}  replaced {view['replacements']}x  since {view['created_at']}"
        )
    if not views:
        print("nothing is under way")  # noqa: T201
    return 0


async def print_submission(context: Context, name: str, *, as_json: bool) -> int:
    """Raises `NotFound`."""
    row = await context.one(select(schema.submissions).where(schema.submissions.c.id == name))
    if row is None:
        raise NotFound("submission", name)
    view = {**_view(context, row), "variants": await _variants(context, row)}
    if as_json:
        print(json.dumps(view))  # noqa: T201
        return 0
    variants = view.pop("variants")
    for key, value in view.items():
        print(f"{key.replace('_', ' '):<13} {value if value is not None else '-'}")  # noqa: T201
    for one in variants:
        print(  # noqa: T201
            f"variant {one['number']}  {one['status']:<9}  fee up to {one['fee_max']}  {one['tx'] or one['reason'] or '-'}"
        )
    return 0


async def _variants(context: Context, row: Record) -> list[dict[str, Any]]:
    """In the order in which they were signed; of the first, the fee stands in what was signed, not here."""
    decimals, counts = context.asset(row["fee_asset"]).decimals, tx_that_counts(row)
    ended = row["height"] is not None
    found: list[dict[str, Any]] = []
    if row["tx"] is not None:
        found.append({"number": 0, "status": _status(row["tx"], counts, "signed", ended=ended), "fee_max": "-"})
        found[0] |= {"tx": row["tx"], "reason": None}
    for one in await replacements_of(context, row):
        status = _status(one["tx"], counts, one["state"], ended=ended)
        fee = format_units(one["fee_max"], decimals)
        told = {"number": one["number"], "status": status, "fee_max": fee, "tx": one["tx"], "reason": one["reason"]}
        found.append(told)
    return found


def _status(tx: str | None, counts: str | None, state: str, *, ended: bool) -> str:
    """Once a block shows one of them, the others can never be included."""
    if tx is None or not ended:
        return state
    return "mined" if tx == counts else "dead"


def _view(context: Context, row: Record) -> dict[str, Any]:
    return {
        "id": row["id"],
        "network": row["network"],
        "status": row["state"],
        "purpose": row["purpose"],
        "amount": format_units(row["units"], context.asset(row["asset"]).decimals),
        "asset": row["asset"],
        "fee_max": format_units(row["fee_max"], context.asset(row["fee_asset"]).decimals),
        "fee_asset": row["fee_asset"],
        "consumes": list(row["consumes"]),
        "tx": tx_that_counts(row),
        "replacements": row["replacements"] or 0,
        "reason": row["reason"],
        "created_at": time_text(row["created_at"]),
    }
