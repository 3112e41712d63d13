"""Another hot address takes the place of the one that pays, and what the earlier one holds goes to it.

What this prevents: a key that may be known to others and that value of ours still goes to. The signer's own file says which
key pays (`hot`); here the books learn of it. From the commit on withdrawals are built from the new address, sweeps and change
go to it, and deposits go on as they were: customers' addresses are other keys.

On a network with nonces the earlier address is emptied token by token, the chain's own asset last since it pays for the gas.
Withdrawals wait until that is final: the new address has nothing to pay with before. Where coins are unspent outputs nothing
waits: those of the earlier address are spent by the next withdrawals like all others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import select

from wallet import schema
from wallet.addresses.assign import address_row
from wallet.context import ACTOR_NODE, Context, Record
from wallet.errors import (
    NotAllowed,
)
from wallet.ids import NetworkId, SubmissionId
from wallet.journal.change import Change, EventKind, Insert, Requirement, Update
from wallet.ledger.accounts import HOUSE
from wallet.money import Amount
from wallet.networks.halt import network_row
from wallet.payout_contracts.find import find_contract
from wallet.payout_contracts.states import State as PayoutState
from wallet.ports import (
    BlockRef,
    Derived,
    Destination,
    Fee,
    HotAddress,
    Instruction,
    Network,
    PaysFrom,
    Purpose,
    Source,
    Sweeping,
)
from wallet.treasury.begin import NOT_NOW, begin
from wallet.treasury.plan import Plan, plan_paths
from wallet.treasury.sources import house_address, next_source
from wallet.treasury.states import State
from wallet.treasury.submissions import open_submissions

_TABLE = schema.hot_rotations

_log = structlog.get_logger("rotation")


@dataclass(frozen=True, slots=True)
class Rotated:
    """`retiring` is the signer's: it still signs what was reserved from the previous address."""

    network: NetworkId
    previous: str
    address: str
    path: str
    retiring: bool


async def rotate_hot(context: Context, actor: str, network: NetworkId, reason: str) -> Rotated:
    """The address that the signer's file names pays from the commit on. Raises `NotFound`, `NotAllowed` where the signer names
    no other one than now, `SignerUnavailable`."""
    if not reason.strip():
        raise NotAllowed("a hot address is rotated for a reason: it goes on record")
    runs = context.network(network)
    if runs.capabilities.source is Source.FILE:
        raise NotAllowed(f"{network} has no hot key: it pays from a bank account")
    before, named = await house_address(context, network), await _named_by_signer(context, network)
    await _refuse_old(context, network, before, named)
    at = context.clock.now()
    derived = Derived(named.address, named.path)
    row = {
        "id": f"{network}/{named.path}",
        "network": network,
        "previous": before.address,
        "address": named.address,
        "path": named.path,
        "reason": reason,
        "created_at": at,
        "emptied_at": None if runs.capabilities.source is Source.NONCE else at,
    }
    opened = await network_row(context, network)
    change = Change(
        actor=actor,
        kind=EventKind.HOT_ADDRESS_ROTATED,
        data={name: row[name] for name in ("network", "previous", "address", "path", "reason")},
        requires=(Requirement("networks", network, opened["version"]),),
        writes=(
            Insert("addresses", address_row(context, HOUSE, network, derived, kind=None)),
            Insert("hot_rotations", row),
            *await _payouts_suspended(context, network),
        ),
    )
    await context.journal.commit(change)
    return Rotated(network, before.address, named.address, named.path, named.retiring)


async def _payouts_suspended(context: Context, network: NetworkId) -> tuple[Update, ...]:
    """A payout contract obeys the address that made it and no other: the new one makes its own."""
    contract = await find_contract(context, network)
    if contract is None or contract["state"] == PayoutState.SUSPENDED:
        return ()
    values = {
        "state": PayoutState.SUSPENDED.value,
        "reason": "another hot address pays now, and needs a contract of its own",
    }
    return (Update("payout_contracts", contract["id"], contract["version"], values),)


async def _named_by_signer(context: Context, network: NetworkId) -> HotAddress:
    named = [hot for hot in (await context.signer.status()).hot if hot.network == network]
    if not named:
        raise NotAllowed(f"the signer names no hot address for {network}")
    return named[0]


async def _refuse_old(context: Context, network: NetworkId, before: Derived, named: HotAddress) -> None:
    if named.address == before.address:
        raise NotAllowed(
            f"the signer still pays from {before.address}: raise `hot` in its file, below networks.{network}, and restart it"
        )
    table = schema.addresses
    known = await context.one(select(table.c.id).where(table.c.network == network, table.c.address == named.address))
    if known is not None:
        raise NotAllowed(f"{named.address} has paid before: `hot` in the signer's file only goes up")


async def follow_hot(context: Context, network: Network) -> None:
    """Tell the network's adapter in this process which address pays: what a withdrawal costs is asked in its name."""
    if isinstance(network, PaysFrom):
        network.pay_from((await house_address(context, network.id)).address)


async def rotations_open(context: Context, network: NetworkId) -> list[Record]:
    """Those whose earlier address still has something to be moved, oldest first."""
    wanted = select(_TABLE).where(_TABLE.c.network == network, _TABLE.c.emptied_at.is_(None))
    return await context.all(wanted.order_by(_TABLE.c.created_at, _TABLE.c.id))


async def is_moving(context: Context, network: Network) -> bool:
    """Whether withdrawals wait for what they are paid from to be where they are paid from."""
    return network.capabilities.source is Source.NONCE and bool(await rotations_open(context, network.id))


async def empty_earlier(context: Context, network: Network, final: BlockRef, minimum: Mapping[str, int]) -> None:
    """One step for each earlier hot address that is not empty yet. Raises the network's errors."""
    for row in await rotations_open(context, network.id):
        try:
            done = await _is_emptied(context, network, row, final, minimum)
            if done:
                await _record_emptied(context, row)
        except NOT_NOW as wait:
            _log.warning("rotation_waits", network=network.id, address=row["previous"], why=str(wait))


async def _record_emptied(context: Context, row: Record) -> None:
    data = {name: row[name] for name in ("network", "previous", "address")}
    write = Update("hot_rotations", row["id"], row["version"], {"emptied_at": context.clock.now()})
    await context.journal.commit(Change(ACTOR_NODE, EventKind.HOT_ADDRESS_EMPTIED, data, writes=(write,)))


async def _is_emptied(
    context: Context, network: Network, row: Record, final: BlockRef, minimum: Mapping[str, int]
) -> bool:
    if not isinstance(network, Sweeping):
        return True
    busy = {one for each in await open_submissions(context, network.id) for one in (each["source"], each["target"])}
    if row["previous"] in busy:
        return False
    held = (await network.observe([row["previous"]], final)).units
    moved = await _moved_assets(context, row)
    source, hot = await _earlier(context, row), await house_address(context, network.id)
    for symbol in sorted(held, key=lambda symbol: symbol == network.fee_asset.symbol):
        if symbol not in moved and held[symbol] >= minimum.get(symbol, 1):
            plan = await _planned(context, network, network, source, hot, Amount(held[symbol], context.asset(symbol)))
            if plan is not None:
                await begin(context, network, plan)
                return False
    return True


async def _moved_assets(context: Context, row: Record) -> set[str]:
    """What went over once: whoever sends crumbs after it holds up nobody's withdrawal."""
    table = schema.submissions
    ours = select(table.c.asset).where(
        table.c.network == row["network"],
        table.c.purpose == Purpose.ROTATION.value,
        table.c.source == row["previous"],
        table.c.state == State.FINAL.value,
    )
    return {str(one["asset"]) for one in await context.all(ours)}


async def _earlier(context: Context, row: Record) -> Derived:
    table = schema.addresses
    mine = select(table).where(table.c.network == row["network"], table.c.address == row["previous"])
    found = await context.one(mine)
    if found is None:
        raise AssertionError(f"{row['previous']} paid once and is no address of ours")
    return Derived(found["address"], found["path"])


async def _planned(
    context: Context, network: Network, sweeping: Sweeping, source: Derived, hot: Derived, held: Amount
) -> Plan | None:
    """None where what it costs to move is more than there is."""
    fee = await network.estimate_fee(held.asset)
    if held.asset != network.fee_asset:
        return await _plan(context, network, source, hot, held, fee)
    exact = replace(fee, tip=fee.rate)
    cost = await sweeping.transfer_cost(held.asset, source.address, hot.address, exact)
    return await _plan(context, network, source, hot, held - cost, exact) if cost < held else None


async def _plan(context: Context, network: Network, source: Derived, hot: Derived, amount: Amount, fee: Fee) -> Plan:
    submission = SubmissionId(context.new_id("sub"))
    next_one = await next_source(context, network, submission, source)
    unsigned = await network.build([Instruction(submission, Destination(hot.address), amount)], next_one.source, fee)
    paths = plan_paths(next_one, unsigned)
    return Plan(submission, Purpose.ROTATION, amount, source.address, hot.address, next_one, unsigned, paths)
