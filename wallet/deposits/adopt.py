"""Value that came to an address over another network than the one it was handed out for: keep it for its owner.

The keys are ours on both networks and the address has one owner (`wallet.addresses.reserve`), so it can be theirs here as
well: from then on it is, and the deposit goes on as any other. Two operators say so, because whoever sent it may have meant
something else.
"""

from sqlalchemy import select

from wallet import schema
from wallet.addresses.assign import address_row
from wallet.addresses.owner import owner_elsewhere, same_address
from wallet.context import ACTOR_NODE, Context, Record, amount_of
from wallet.customers.viewers import viewers_of
from wallet.deposits.states import DETECTED, QUARANTINED, WRONG_NETWORK
from wallet.deposits.view import deposit_view
from wallet.errors import NotAllowed, NotFound
from wallet.ids import NetworkId
from wallet.journal.change import Change, EventKind, Insert, Update
from wallet.money import format_units
from wallet.ports import Derived
from wallet.proposals.end import done
from wallet.proposals.propose import Draft
from wallet.proposals.states import Kind


async def draft_adoption(context: Context, deposit: str, reason: str) -> Draft:
    """Raises `NotFound`, `NotAllowed`."""
    row = await _misplaced(context, deposit)
    amount = amount_of(context, row)
    content = {
        "deposit": deposit,
        "network": row["network"],
        "address": row["address"],
        "owner": row["owner"],
        "asset": row["asset"],
        "amount": format_units(amount.units, amount.asset.decimals),
        "tx": row["tx"],
    }
    return Draft(Kind.ADOPT_DEPOSIT, deposit, content, reason)


async def adopt_deposit(context: Context, proposal: Record) -> None:
    """The address is its owner's on this network too, and the deposit goes on as any. Raises as the draft; `Stale`."""
    row = await _misplaced(context, proposal["subject"])
    if row["owner"] != proposal["content"]["owner"]:
        raise NotAllowed("it is somebody else's than was approved")
    network, owner = NetworkId(row["network"]), row["owner"]
    values = {"owner": owner, "state": DETECTED, "reason": None}
    change = Change(
        actor=ACTOR_NODE,
        kind=EventKind.DEPOSIT_ATTRIBUTED,
        data=deposit_view({**row, **values}, context.asset(row["asset"]).decimals),
        writes=(
            *await _address_writes(context, network, row["address"], owner),
            Update("deposits", row["id"], row["version"], values),
            done(context, proposal, "credited when it is final"),
        ),
        viewers=await viewers_of(context, owner),
    )
    await context.journal.commit(change)


async def _misplaced(context: Context, deposit: str) -> Record:
    row = await context.one(select(schema.deposits).where(schema.deposits.c.id == deposit))
    if row is None:
        raise NotFound("deposit", deposit)
    elsewhere = await owner_elsewhere(context, NetworkId(row["network"]), row["address"])
    given_since = row["reason"] == "unattributed" and elsewhere is not None  # when it came the address was nobody's
    if row["state"] != QUARANTINED or not (row["reason"] == WRONG_NETWORK or given_since):
        raise NotAllowed(f"deposit {deposit} is {row['state']} ({row['reason']}): it came to the right network")
    return {**row, "owner": row["owner"] or elsewhere}


async def _address_writes(context: Context, network: NetworkId, address: str, owner: str) -> tuple[Insert, ...]:
    """Nothing where an earlier deposit has brought the address here already."""
    if await owner_elsewhere(context, network, address) is None:
        return ()
    table = schema.addresses
    row = await context.one(select(table).where(same_address(address), table.c.owner == owner).limit(1))
    if row is None:
        raise NotAllowed(f"{address} is not {owner}'s")
    derived = Derived(address, row["path"])
    made = address_row(context, owner, network, derived, kind=row["kind"], label=row["label"])
    return (Insert("addresses", made),)
