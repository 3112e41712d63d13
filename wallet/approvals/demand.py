"""Ask for people: a withdrawal waits until so many have signed it."""

from collections.abc import Sequence

from sqlalchemy import select

from wallet import schema
from wallet.approvals.find import demands_of
from wallet.context import ACTOR_NODE, Context
from wallet.customers.viewers import viewers_of
from wallet.errors import NotFound
from wallet.journal.change import Change, EventKind, Insert, Update
from wallet.withdrawals.states import State

MAKERS_MAX = 64  # keys that made keys that made keys: no honest owner comes near


async def demand_row(
    context: Context, withdrawal: str, requested_by: str | None, needed: int, because: Sequence[str]
) -> dict[str, object]:
    """The row that goes with a withdrawal. `requested_by` is the API key that asked for it."""
    return {
        "id": withdrawal,
        "needed": needed,
        "because": tuple(because),
        "not_by": await _hands(context, requested_by),
        "approvals": {},
        "outcome": None,
        "created_at": context.clock.now(),
    }


async def demand_by_signer(context: Context, withdrawal: str, needed: int, why: str) -> None:
    """The signer asks for people, by rules of its own. Where enough have signed for ours and the signer counts fewer of them,
    one more is asked for. Raises `Stale` when the withdrawal has moved on."""
    row = await context.one(select(schema.withdrawals).where(schema.withdrawals.c.id == withdrawal))
    if row is None:
        raise NotFound("withdrawal", withdrawal)
    if row["state"] != State.REQUESTED or row["approvals_missing"]:
        return
    demand = (await demands_of(context, [withdrawal])).get(withdrawal)
    given = 0 if demand is None else len(demand["approvals"])
    wanted = max(needed, given + 1)
    because = f"the signer: {why}"
    if demand is None:
        made = await demand_row(context, withdrawal, row["requested_by"], wanted, [because])
        write: Insert | Update = Insert("demands", made)
    else:
        values = {"needed": wanted, "because": (*demand["because"], because)}
        write = Update("demands", withdrawal, demand["version"], values)
    missing = {"approvals_missing": wanted - given}
    change = Change(
        ACTOR_NODE,
        EventKind.WITHDRAWAL_AWAITS_APPROVAL,
        {"id": withdrawal, "customer": row["owner"]},
        writes=(write, Update("withdrawals", withdrawal, row["version"], missing)),
        viewers=await viewers_of(context, row["owner"]),
    )
    await context.journal.commit(change)


async def _hands(context: Context, key: str | None) -> tuple[str, ...]:
    """Whose hands the key went through: its owner, who made it, and who made the key that made it. Whoever has seen a secret
    can have asked with it, so they approve nothing that it asked for."""
    table, found, name = schema.api_keys, list[str](), key
    for _ in range(MAKERS_MAX):
        row = (
            None
            if name is None
            else await context.one(select(table.c.owner, table.c.made_by).where(table.c.id == name))
        )
        if row is None:
            break
        found.append(row["owner"])
        name = row["made_by"]
    return tuple(dict.fromkeys(found))
