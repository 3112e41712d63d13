"""`coffer deposit waiting`: what is not credited by itself, and what can be done about it."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, Table, select

from node.command_line import say
from wallet import schema
from wallet.context import Context
from wallet.deposits.states import QUARANTINED
from wallet.deposits.view import deposit_view
from wallet.deposits.ways_out import WAYS_OUT
from wallet.strays.states import State
from wallet.strays.view import stray_view


async def print_waiting(context: Context) -> int:
    """One JSON object a line: deposits first, then strays."""
    deposits = await context.all(_in_state(schema.deposits, QUARANTINED))
    strays = await context.all(_in_state(schema.strays, State.SEEN.value))
    for row in deposits:
        _print(deposit_view(row, context.asset(row["asset"]).decimals))
    for row in strays:
        _print(stray_view(row))
    if not deposits and not strays:
        say("nothing waits")
    return 0


def _in_state(table: Table, state: str) -> Select[Any]:
    return select(table).where(table.c.state == state).order_by(table.c.id)


def _print(view: Mapping[str, object]) -> None:
    print(json.dumps({**view, "way_out": WAYS_OUT.get(str(view["reason"]))}))  # noqa: T201  a command's result
