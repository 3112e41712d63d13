"""Give a quarantined deposit that is nobody's to the customer whom a person has found it to belong to."""

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.customers.create import find_open_customer
from wallet.customers.viewers import viewers_of
from wallet.deposits.states import DETECTED, QUARANTINED
from wallet.deposits.view import deposit_view
from wallet.errors import NotAllowed, NotFound
from wallet.growth.covered import is_told_twice
from wallet.journal.change import Change, Committed, EventKind, Update
from wallet.ports import Source

ATTRIBUTABLE = frozenset(
    {"unattributed", "ambiguous_reference", "returned_payout", "identity_seen_before", "account_closed"}
)
"""Reasons that doubt only whose it is, not that it is there. A deposit that nobody can verify is never given to anybody."""


async def attribute_deposit(context: Context, actor: str, deposit: str, customer: str, reason: str) -> Committed:
    """It goes on as any deposit: confirmed, then credited when final. Raises `NotFound`, `NotAllowed`, `CustomerClosed`,
    `Stale`."""
    table = schema.deposits
    row = await context.one(select(table).where(table.c.id == deposit))
    if row is None:
        raise NotFound("deposit", deposit)
    if row["state"] != QUARANTINED or row["reason"] not in ATTRIBUTABLE:
        raise NotAllowed(
            f"deposit {deposit} is {row['state']} ({row['reason']}): only one without an owner can be given"
        )
    if not await _is_ours(context, row):
        raise NotAllowed("the address is not one that was handed out on this network: it cannot be paid out from here")
    if await is_told_twice(context, row):
        raise NotAllowed(
            "the same money is somebody's already: as growth of the address, or as the tx that explains it"
        )
    owner = (await find_open_customer(context, customer))["id"]
    values = {"owner": owner, "state": DETECTED, "reason": None}
    view = deposit_view({**row, **values}, context.asset(row["asset"]).decimals)
    change = Change(
        actor=actor,
        kind=EventKind.DEPOSIT_ATTRIBUTED,
        data={**view, "reason": reason},
        writes=(Update("deposits", deposit, row["version"], values),),
        viewers=await viewers_of(context, owner),
        result=view,
    )
    return await context.journal.commit(change)


async def _is_ours(context: Context, row: Record) -> bool:
    """A bank has one account for all. On a chain there must be an address of ours, whose path leads to its key."""
    if context.network(row["network"]).capabilities.source is Source.FILE:
        return True
    table = schema.addresses
    ours = select(table.c.id).where(table.c.network == row["network"], table.c.address == row["address"])
    return await context.one(ours) is not None
