"""Charge a deposit back: its network has taken away what was credited, and now its owner bears that, not the house.

A person says so, and the world bears them out. A chain no longer shows the block, and misses the value; or a bank's statement
showed money leaving that no submission explained, which the house has borne in `suspense` since. What the owner has left is
taken, of a frozen account too; the rest they owe, and what arrives for them repays it first.
"""

from msgspec.structs import replace
from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record, amount_of
from wallet.deposits.detect import CHARGED_BACK, CREDITED, deposit_view, moved
from wallet.errors import NotAllowed, NotFound
from wallet.ids import CustomerId
from wallet.journal.change import Committed, EventKind, Update
from wallet.ledger import accounts, templates
from wallet.ledger.accounts import HOUSE, Account
from wallet.ledger.holdings import holdings
from wallet.money import Amount, Asset
from wallet.ports import Network, Reversal, Source

TAKEN_BACK = "taken_back"


async def charge_back_deposit(context: Context, actor: str, deposit: str, reason: str) -> Committed:
    """Once; a paused asset is no obstacle, since a loss can always be booked. The reason goes on record.

    Raises `NotFound`, `NotAllowed` (not credited, the house's own, nothing was taken back, no reason), `Stale`, and the
    network's errors: no answer is no proof.
    """
    row = await context.one(select(schema.deposits).where(schema.deposits.c.id == deposit))
    if row is None:
        raise NotFound("deposit", deposit)
    _refuse(row, reason)
    network, amount = context.network(row["network"]), amount_of(context, row)
    is_reorg = network.capabilities.reversal is Reversal.REORG
    alone = () if is_reorg else await _alone(context, amount.asset)
    await (_refuse_standing(network, context, row) if is_reorg else _refuse_unseen(context, amount))
    place = _place(network, row, amount) if is_reorg else accounts.suspense(amount.asset)
    gone = {"height": None, "block": None} if is_reorg else {}  # as an orphaned one: it may be seen again
    values = {"state": CHARGED_BACK, "reason": TAKEN_BACK, **gone}
    step = await moved(context, row, EventKind.DEPOSIT_CHARGED_BACK, values)
    change = replace(
        step,
        actor=actor,
        entry=templates.charged_back(CustomerId(row["owner"]), place, amount),
        writes=(*step.writes, *alone, *await _coin(context, network, row)),
        result={**deposit_view({**row, **values}, amount.asset.decimals), "why": reason},
    )
    return await context.journal.commit(change)


def _refuse(row: Record, reason: str) -> None:
    if not reason.strip():
        raise NotAllowed("a deposit is charged back with a reason: it goes on record")
    if row["state"] != CREDITED:
        raise NotAllowed(f"deposit {row['id']} is {row['state']}: only one that was credited is charged back")
    if row["owner"] == HOUSE:
        raise NotAllowed("this was the house's own money: its loss is booked with `coffer break resolve --book-loss`")


async def _refuse_standing(network: Network, context: Context, row: Record) -> None:
    block = await network.block_ref(row["height"])
    if block is not None and block.id == row["block"]:
        raise NotAllowed(f"{network.id} still shows block {row['height']}, from which deposit {row['id']} was credited")
    (holding,) = [each for each in await holdings(context, network) if each.asset == row["asset"]]
    if -holding.difference < row["units"]:
        raise NotAllowed(
            f"{network.id} does not miss this value: it has come again in another block, or is not scanned yet"
        )


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


def _place(network: Network, row: Record, amount: Amount) -> Account:
    unswept = network.capabilities.sweeps and row["swept_by"] is None
    return (accounts.deposits if unswept else accounts.hot)(network.id, amount.asset)


async def _coin(context: Context, network: Network, row: Record) -> tuple[Update, ...]:
    """Its output is never spent again, unless it was: then the submission that spends it is dead, and that is its own story."""
    if network.capabilities.source is not Source.UTXO:
        return ()
    table = schema.utxos
    coin = await context.one(
        select(table).where(table.c.id == f"{network.id}/{row['identity']}", table.c.state == "free")
    )
    return () if coin is None else (Update("utxos", coin["id"], coin["version"], {"state": "gone"}),)
