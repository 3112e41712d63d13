"""Confirm and credit: only what is still in the chain, only when the network calls it final, and only once.

And never more than the network itself states that we hold (`wallet.observations`): what is not covered waits. A claim that
stays without cover is a shortfall, which the reconciliation loop names and pauses the asset for.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from msgspec.structs import replace
from sqlalchemy import Select, and_, func, or_, select, tuple_

from wallet import schema
from wallet.context import Context, Record, amount_of
from wallet.deposits.cursor import read_cursor
from wallet.deposits.depth import depths
from wallet.deposits.move import moved
from wallet.deposits.one_provider import within_day
from wallet.deposits.place import is_unswept
from wallet.deposits.returned import RETURNED_PAYOUT, NotPaidYet, NotReturnable, ending_withdrawal
from wallet.deposits.states import CONFIRMING, CREDITED, DETECTED, QUARANTINED
from wallet.errors import AssetPaused, BeyondObserved, NetworkHalted, Refusal, Stale
from wallet.ids import CustomerId
from wallet.journal.change import Change, EventKind, Insert, Requirement
from wallet.ledger import templates
from wallet.ledger.accounts import HOUSE
from wallet.ledger.transfers import Entry
from wallet.listings.carried import carried
from wallet.money import Asset
from wallet.networks.halt import running
from wallet.observations.cover import cover
from wallet.observations.record import observations
from wallet.points import point
from wallet.ports import BlockRef, Network
from wallet.together import together
from wallet.treasury.coins import credited_coin

PAGE_ROWS = 500  # deposits looked at together
_PLACE = tuple_(schema.deposits.c.height, schema.deposits.c.id)

_log = structlog.get_logger("deposits")


async def confirm_deposits(context: Context, network: Network, tip: BlockRef, final: BlockRef | None) -> None:
    """Move every open deposit as far as the network allows. Raises the network's errors; what was committed stays."""
    observed, canonical = await observations(context, network.id), dict[int, BlockRef | None]()
    cursor = await read_cursor(context, network.id)
    read = min(tip.height, cursor.height) if cursor is not None else 0  # what is claimed and was not read is no depth
    least = network.capabilities.confirmations or 0
    wanted, (height, deposit) = _open(network, tip), (-1, "")
    while rows := await context.all(wanted.where(tuple_(height, deposit) < _PLACE)):
        needed, page = await depths(context, rows), await _page(context, network, observed, rows)
        steps: list[tuple[Record, bool]] = []
        for row in rows:
            height, deposit = row["height"], row["id"]
            if height not in canonical:
                canonical[height] = await network.block_ref(height)
            block = canonical[height]
            if block is None or block.id != row["block"]:
                continue  # a reorg that the scan has yet to walk back
            deep_enough = read - height + 1 >= max(needed.get(deposit, 0), least)
            is_final = final is not None and height <= final.height and deep_enough
            steps.append((row, is_final))
        await together(_step(page, row, tip, is_final=is_final) for row, is_final in steps)


def _open(network: Network, tip: BlockRef) -> Select[Any]:
    """The deposits that may go further now, the lowest first. What waits for a person or for its maturity would be looked at
    in vain each time."""
    table, assets = schema.deposits, schema.assets
    paused = select(assets.c.id).where(assets.c.paused)
    spendable = func.coalesce(table.c.confirmations_min, 0) <= tip.height + 1 - table.c.height
    return (
        select(table)
        .where(table.c.network == network.id, table.c.state.in_((DETECTED, CONFIRMING)), table.c.height.is_not(None))
        .where(or_(table.c.state == DETECTED, and_(table.c.asset.not_in(paused), spendable)))
        .order_by(table.c.height, table.c.id)
        .limit(PAGE_ROWS)
    )


@dataclass(frozen=True, slots=True)
class _Page:
    """What the deposits of a page have in common: they are taken further together, and what each credit requires of its asset
    and its network is read once. Where credits of a day are bounded one waits for the other, so that each is counted."""

    context: Context
    network: Network
    observed: Mapping[str, Record]
    needs: Mapping[str, tuple[Requirement, ...] | None]
    bounded: asyncio.Lock

    def is_bounded(self, row: Record) -> bool:
        listing = next((one for one in self.network.listings if one.asset.symbol == row["asset"]), None)
        return listing is not None and listing.one_provider_day_max_units is not None


async def _page(context: Context, network: Network, observed: Mapping[str, Record], rows: Sequence[Record]) -> _Page:
    symbols = sorted({row["asset"] for row in rows})
    needs = {symbol: await _required(context, network, context.asset(symbol)) for symbol in symbols}
    return _Page(context, network, observed, needs, asyncio.Lock())


async def _required(context: Context, network: Network, asset: Asset) -> tuple[Requirement, ...] | None:
    """None while nothing of this asset may be credited."""
    try:
        unpaused = (await context.unpaused(asset), *await carried(context, network, asset))
        return (*unpaused, await running(context, network.id))
    except (AssetPaused, NetworkHalted):
        return None


async def _step(page: _Page, row: Record, tip: BlockRef, *, is_final: bool) -> None:
    context = page.context
    if row["state"] == DETECTED and (is_final or row["height"] < tip.height):
        row = await _committed(
            context, row, await moved(context, row, EventKind.DEPOSIT_CONFIRMING, {"state": CONFIRMING})
        )
    if row["state"] != CONFIRMING or not is_final:
        return
    if not page.is_bounded(row):
        await _credit(page, row)
        return
    async with page.bounded:
        await _credit(page, row)


async def _committed(context: Context, row: Record, change: Change) -> Record:
    """The row after the Change, or as it was if somebody else has changed it."""
    try:
        await context.journal.commit(change)
    except Stale:
        return row
    update = change.writes[0]
    assert not isinstance(update, Insert)
    return {**row, **update.values, "version": update.version + 1}


async def _credit(page: _Page, row: Record) -> None:
    context, network = page.context, page.network
    amount = amount_of(context, row)
    covered = cover(network.id, amount.asset, row["height"], page.observed.get(row["asset"]))
    if covered is None:
        return
    if not await within_day(context, network, row):
        _log.warning("deposit_beyond_one_provider", deposit=row["id"], network=network.id)
        return
    needs = page.needs[row["asset"]]
    if needs is None:
        return
    kind = EventKind.FUNDING_RECEIVED if row["owner"] == HOUSE else EventKind.DEPOSIT_CREDITED
    step = await moved(context, row, kind, {"state": CREDITED, "credited_at": context.clock.now()})
    coins = await credited_coin(context, network, row)
    change = replace(
        step,
        entry=await _entry(context, network, row),
        requires=(*needs, covered.observed),
        writes=(*step.writes, *coins),
        ceilings=(covered.ceiling,),
    )
    await _commit_credit(context, row, change)


async def _commit_credit(context: Context, row: Record, change: Change) -> None:
    try:
        if row["returns"] is not None:
            change = await ending_withdrawal(context, row, change)
        await context.journal.commit(change)
    except (Stale, NotPaidYet):
        return
    except NotReturnable:
        await _quarantine(context, row, RETURNED_PAYOUT)
    except BeyondObserved as refusal:
        _log.warning("deposit_not_covered", deposit=row["id"], reason=refusal.message)
    except Refusal as refusal:
        _log.error("deposit_not_credited", deposit=row["id"], refusal=refusal.stable_code)
        await _quarantine(context, row, refusal.stable_code)
    else:
        point("deposit.after_credit")


async def _quarantine(context: Context, row: Record, reason: str) -> None:
    values = {"state": QUARANTINED, "reason": reason}
    await _committed(context, row, await moved(context, row, EventKind.DEPOSIT_QUARANTINED, values))


async def _entry(context: Context, network: Network, row: Record) -> Entry:
    amount = amount_of(context, row)
    if row["owner"] == HOUSE:
        return templates.funding_received(network.id, amount)
    swept_later = await is_unswept(context, network, row)
    return templates.deposit_credited(CustomerId(row["owner"]), network.id, amount, swept_later=swept_later)
