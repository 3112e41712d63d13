"""A deposit goes from one state to another."""

from collections.abc import Mapping
from typing import Any

from wallet.context import ACTOR_NODE, Context, Record
from wallet.customers.viewers import viewers_of
from wallet.deposits.states import State, follow
from wallet.deposits.view import deposit_view
from wallet.journal.change import Change, EventKind, Update


async def moved(context: Context, row: Record, kind: EventKind, values: Mapping[str, Any]) -> Change:
    """A deposit's next step as a Change; `values` are the columns that it changes."""
    follow(State(row["state"]), State(values["state"]))
    return Change(
        actor=ACTOR_NODE,
        kind=kind,
        data=deposit_view({**row, **values}, context.asset(row["asset"]).decimals),
        writes=(Update("deposits", row["id"], row["version"], values),),
        viewers=await viewers_of(context, row["owner"]),
    )
