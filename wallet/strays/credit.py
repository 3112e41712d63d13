"""A stray whose token is listed by now becomes a deposit: once, and proven by a balance like any other.

What this prevents: crediting the same value twice (the deposit has the stray's identity, which is unique, and both change in
one Change), and crediting a claim: the address must hold it beside everything else that is believed to lie there, and the
deposit is confirmed and covered before it is credited.
"""

from sqlalchemy import ColumnElement, and_, func, select

from wallet import schema
from wallet.context import ACTOR_NODE, Context, Record
from wallet.customers.viewers import viewers_of
from wallet.deposits.states import DETECTED, ORPHANED, QUARANTINED
from wallet.errors import NotAllowed
from wallet.growth.identity import DOUBT
from wallet.ids import DepositId
from wallet.journal.change import Change, EventKind, Insert, Update
from wallet.money import Amount, format_units, rescale
from wallet.ports import Listing, Network, NetworkUnreachable
from wallet.proposals.end import done
from wallet.proposals.propose import Draft
from wallet.proposals.states import Kind
from wallet.strays.find import final_stray
from wallet.strays.states import State
from wallet.strays.view import stray_view


async def draft_credit(context: Context, stray: str, reason: str) -> Draft:
    """Raises `NotFound`, `NotAllowed`, and the network's errors."""
    row = await final_stray(context, stray)
    amount = await _proven(context, row)
    content = {
        "network": row["network"],
        "address": row["address"],
        "owner": row["owner"],
        "contract": row["contract"],
        "asset": amount.asset.symbol,
        "amount": format_units(amount.units, amount.asset.decimals),
        "tx": row["tx"],
    }
    return Draft(Kind.CREDIT_STRAY, stray, content, reason)


async def credit_stray(context: Context, proposal: Record) -> None:
    """Raises as the draft; `Stale`."""
    row, content = await final_stray(context, proposal["subject"]), proposal["content"]
    beside = await _growth_beside(context, row)  # read before the proof, which does not count it
    amount = await _proven(context, row)
    if (content["owner"], content["amount"]) != (row["owner"], format_units(amount.units, amount.asset.decimals)):
        raise NotAllowed("it is not what was approved any more")
    deposit = _deposit(context, row, amount)
    values = {"state": State.CREDITED.value, "proposal": proposal["id"]}
    change = Change(
        actor=ACTOR_NODE,
        kind=EventKind.STRAY_CREDITED,
        data={**stray_view({**row, **values}), "deposit": deposit["id"]},
        writes=(
            Insert("deposits", deposit),
            Update("strays", row["id"], row["version"], values),
            done(context, proposal, f"deposit {deposit['id']}"),
            *beside,
        ),
        viewers=await viewers_of(context, row["owner"]),
    )
    await context.journal.commit(change)


def _deposit(context: Context, row: Record, amount: Amount) -> dict[str, object]:
    return {
        "id": DepositId(context.new_id("dep")),
        "network": row["network"],
        "identity": row["identity"],
        "asset": amount.asset.symbol,
        "units": amount.units,
        "address": row["address"],
        "owner": row["owner"],
        "state": DETECTED,
        "reason": None,
        "tx": row["tx"],
        "height": row["height"],
        "block": row["block"],
        "party_item": None,
        "swept_by": None,
        "confirmations_min": None,
        "created_at": context.clock.now(),
        "credited_at": None,
    }


async def _proven(context: Context, row: Record) -> Amount:
    """What it comes to in the ledger. Raises `NotAllowed` where the address does not hold it beside what else lies there."""
    network = context.network(row["network"])
    listing = _listing(network, row)
    units = rescale(row["units"], from_decimals=listing.decimals, to_decimals=listing.asset.decimals)
    if units is None:
        raise NotAllowed("it cannot be told exactly in the ledger's decimals")
    final = await network.final()
    if final is None:
        raise NetworkUnreachable(f"{network.id} has no final block")
    seen = (await network.observe([row["address"]], final)).units.get(listing.asset.symbol, 0)
    if seen < units + await _believed(context, row, listing):
        raise NotAllowed("the address does not hold it: a log without money, or it has left since")
    return Amount(units, listing.asset)


def _listing(network: Network, row: Record) -> Listing:
    for listing in network.listings:
        if str(listing.contract).lower() == str(row["contract"]).lower():
            return listing
    raise NotAllowed(f"{row['contract']} is not listed on {network.id}: propose that first")


async def _growth_beside(context: Context, row: Record) -> tuple[Update, ...]:
    """Shown growth may be this very money: who accepts it at the same moment finds it changed, and looks again."""
    table = schema.deposits
    wanted = select(table).where(table.c.network == row["network"], table.c.address == row["address"], _shown_growth())
    return tuple(
        Update("deposits", grown["id"], grown["version"], {"reason": DOUBT}) for grown in await context.all(wanted)
    )


def _shown_growth() -> ColumnElement[bool]:
    """Growth that nobody has accepted is believed to be nothing: it is what no tx has told, and a stray's tx does tell."""
    return and_(schema.deposits.c.state == QUARANTINED, schema.deposits.c.reason == DOUBT)


async def _believed(context: Context, row: Record, listing: Listing) -> int:
    table = schema.deposits
    wanted = select(func.coalesce(func.sum(table.c.units), 0).label("units")).where(
        table.c.network == row["network"],
        table.c.address == row["address"],
        table.c.asset == listing.asset.symbol,
        table.c.state != ORPHANED,
        table.c.swept_by.is_(None),
        ~_shown_growth(),
    )
    found = await context.one(wanted)
    return int(found["units"]) if found else 0
