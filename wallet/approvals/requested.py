"""What a request is given on its way into the books: who asked, and how many people it takes by the policy in force."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from wallet.approvals.demand import demand_row
from wallet.context import Context
from wallet.destinations.mark import mark_of
from wallet.ids import CustomerId
from wallet.journal.change import Change, Insert
from wallet.policy.catch import Caught, catch
from wallet.policy.versions import current_version, in_force, policy_of
from wallet.policy.weigh import Weighed, weigh
from wallet.ports import Destination


async def under_policy(context: Context, change: Change, destination: Destination) -> Change:
    """The same request as the policy in force leaves it: free to go, or waiting for people. A version that comes meanwhile
    makes it stale."""
    version = await current_version(context)
    row = _row_of(change)
    asked = {**row, "requested_by": change.actor, "approvals_missing": None, "mark": _mark(context, row, destination)}
    required = replace(change, requires=(*change.requires, in_force(version)))
    if version is None:
        return _with_row(required, asked)
    policy = policy_of(context, version)
    weighed = await weigh(context, asked, policy.rules.get((row["network"], row["asset"]), ()))
    caught = catch(policy, weighed.facts)
    return await _waiting(context, _counted(required, weighed), asked, caught)


async def _waiting(context: Context, change: Change, row: Mapping[str, Any], caught: Caught) -> Change:
    if not caught.needed:
        return _with_row(change, row)
    demand = await demand_row(context, row["id"], change.actor, caught.needed, caught.because)
    waiting = _with_row(change, {**row, "approvals_missing": caught.needed})
    return replace(waiting, writes=(*waiting.writes, Insert("demands", demand)))


def _counted(change: Change, weighed: Weighed) -> Change:
    requires, writes = (*change.requires, *weighed.requires), (*change.writes, *weighed.writes)
    return replace(change, requires=requires, writes=writes)


def _mark(context: Context, row: Mapping[str, Any], destination: Destination) -> str | None:
    """Of a bank account alone: an address is its own."""
    if row["destination"] is not None:
        return None
    return mark_of(context, CustomerId(row["owner"]), context.network(row["network"]), destination)


def _row_of(change: Change) -> Mapping[str, Any]:
    (row,) = [w.row for w in change.writes if isinstance(w, Insert) and w.table == "withdrawals"]
    return row


def _with_row(change: Change, row: Mapping[str, Any]) -> Change:
    others = tuple(w for w in change.writes if not (isinstance(w, Insert) and w.table == "withdrawals"))
    return replace(change, writes=(Insert("withdrawals", row), *others))
