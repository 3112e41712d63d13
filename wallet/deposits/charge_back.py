"""Charge a deposit back: its network has taken away what was credited, and now its owner bears that, not the house.

At a bank a person says so, and a statement bears them out: it showed money leaving that no submission explained, which the
house has borne in `suspense` since. What the owner has left is taken, of a frozen account too; the rest they owe, and what
arrives for them repays it first. On a chain the node does it by itself (`take_back`), once the new branch has reached the
height of the deposit; a person can say that it will not.
"""

from msgspec.structs import replace
from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record, amount_of
from wallet.deposits.move import moved
from wallet.deposits.states import CHARGED_BACK, CREDITED, UPROOTED
from wallet.deposits.take_back import take_back
from wallet.deposits.view import deposit_view
from wallet.errors import NotAllowed, NotFound, Stale
from wallet.ids import CustomerId
from wallet.journal.change import EventKind, Update
from wallet.ledger import accounts, templates
from wallet.ledger.accounts import HOUSE
from wallet.money import Amount, Asset
from wallet.ports import Reversal

TAKEN_BACK = "taken_back"


async def charge_back_deposit(context: Context, actor: str, deposit: str, reason: str) -> Record:
    """Once; a paused asset is no obstacle, since a loss can always be booked. The reason goes on record. Returns the deposit as
    its owner sees it, with `why`.

    Raises `NotFound`, `NotAllowed` (not credited, the house's own, nothing was taken back, no reason), `Stale`.
    """
    row = await context.one(select(schema.deposits).where(schema.deposits.c.id == deposit))
    if row is None:
        raise NotFound("deposit", deposit)
    if not reason.strip():
        raise NotAllowed("a deposit is charged back with a reason: it goes on record")
    network = context.network(row["network"])
    if row["state"] == UPROOTED:
        after = await take_back(context, actor, network, deposit, reason)
        if after is None:
            raise Stale("deposits", deposit)
        return {**deposit_view(after, context.asset(row["asset"]).decimals), "why": reason}
    _refuse(row, network.capabilities.reversal)
    amount = amount_of(context, row)
    alone = await _alone(context, amount.asset)
    await _refuse_unseen(context, amount)
    return await _charged_back(context, actor, row, alone, reason)


def _refuse(row: Record, reversal: Reversal) -> None:
    if row["state"] != CREDITED:
        raise NotAllowed(f"deposit {row['id']} is {row['state']}: only one that was credited is charged back")
    if reversal is Reversal.REORG:
        raise NotAllowed(
            f"{row['network']} still shows block {row['height']}, from which deposit {row['id']} was credited: if a reorg"
            " takes it away, the node books that itself"
        )
    if row["owner"] == HOUSE:
        raise NotAllowed("this was the house's own money: its loss is booked with `coffer break resolve --book-loss`")


async def _alone(context: Context, asset: Asset) -> tuple[Update, ...]:
    """The asset's row is written as it is, at the version that it has before suspense is read: of two deposits that lean on one
    outflow the second is `Stale`, looks again, and finds it used up."""
    row = await context.one(select(schema.assets).where(schema.assets.c.id == asset.symbol))
    assert row is not None, "a deposit's asset is listed"
    return (Update("assets", asset.symbol, row["version"], {"paused": row["paused"]}),)


async def _refuse_unseen(context: Context, amount: Amount) -> None:
    """What a bank takes back is booked when its statement shows it, to suspense and as the house's loss until now."""
    table = schema.accounts
    row = await context.one(select(table).where(table.c.id == accounts.suspense(amount.asset).id))
    if row is None or row["debits_posted"] - row["credits_posted"] < amount.units:
        raise NotAllowed(
            f"no statement has shown {amount} leaving that nothing explains: there is nothing to charge back"
        )


async def _charged_back(context: Context, actor: str, row: Record, alone: tuple[Update, ...], reason: str) -> Record:
    amount = amount_of(context, row)
    values = {"state": CHARGED_BACK, "reason": TAKEN_BACK}
    step = await moved(context, row, EventKind.DEPOSIT_CHARGED_BACK, values)
    change = replace(
        step,
        actor=actor,
        entry=templates.charged_back(CustomerId(row["owner"]), accounts.suspense(amount.asset), amount),
        writes=(*step.writes, *alone),
        result={**deposit_view({**row, **values}, amount.asset.decimals), "why": reason},
    )
    return (await context.journal.commit(change)).result
