"""Submissions of which nobody can say whether they paid: shown, and decided by a person."""

from collections.abc import Mapping

from node.commands.acting import acting_operator
from wallet.context import Context, Record
from wallet.money import format_units
from wallet.treasury.doubt import decide_doubted, doubted_submissions
from wallet.treasury.submissions import paid_by


async def doubted_views(context: Context) -> list[dict[str, object]]:
    return [await _view(context, row) for row in await doubted_submissions(context)]


async def decide(context: Context, name: str, reason: str, *, paid: bool) -> Mapping[str, object]:
    """Under the operator whose API key the environment names. Raises `NotAllowed`, `NotFound`."""
    operator = await acting_operator(context)
    return (await decide_doubted(context, operator.key, name, reason, paid=paid)).result


async def _view(context: Context, row: Record) -> dict[str, object]:
    return {
        "submission": row["id"],
        "withdrawals": [w["id"] for w in await paid_by(context, row["id"])],
        "network": row["network"],
        "amount": format_units(row["units"], context.asset(row["asset"]).decimals),
        "asset": row["asset"],
        "target": row["target"],
        "tx": row["tx"],
        "doubt": row["reason"],
    }
