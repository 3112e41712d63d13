"""Write down the strays of a block, once each, and never more a day than a person could look at.

What this prevents: a stray that a customer does not hear of, and a flood (DPE-13) that writes the books full. Tokens that
nobody wants cost their sender a little gas and would cost us a row and an event each, for ever: beyond `DAILY_MAX` for one
owner on one network and day they are counted only. `find_strays` writes down those of one block whatever the count.
"""

import asyncio
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from wallet import schema
from wallet.context import ACTOR_NODE, Context, Record
from wallet.customers.viewers import viewers_of
from wallet.errors import AlreadyExists, NotFound, Stale
from wallet.journal.change import Change, EventKind, Insert, Update
from wallet.ledger.accounts import HOUSE
from wallet.ports import Block, Network, Stray
from wallet.schema import stray_counts
from wallet.strays.find import strays_by_identity
from wallet.strays.states import MOVABLE, State
from wallet.strays.view import UNLISTED_TOKEN, stray_view
from wallet.treasury.variants import sent_as

DAILY_MAX = 20
AT_ONCE = 50  # Changes that wait for one commit together
_SYMBOL = re.compile(r"[A-Za-z0-9.$+_-]{1,16}", re.ASCII)
_DECIMALS_MAX = 255  # ERC-20 answers a byte


async def record_strays(context: Context, network: Network, block: Block) -> None:
    """Repeatable: what was recorded before changes nothing, and is counted once."""
    if not block.strays:
        return
    strays = await _foreign(context, network, block.strays)
    known = await strays_by_identity(context, network.id, [stray.identity for stray in strays])
    await _each(_see_again(context, block, stray, known[stray.identity]) for stray in strays if stray.identity in known)
    news = [stray for stray in strays if stray.identity not in known]
    owners = await _owners(context, network, {stray.address for stray in news})
    for owner in dict.fromkeys(owners[stray.address] for stray in news):
        theirs = [stray for stray in news if owners[stray.address] == owner]
        room = max(DAILY_MAX - await _seen_that_day(context, network, owner), 0)
        await _each(_first_sight(context, network, block, stray, owner) for stray in theirs[:room])
        await _count_beyond(context, network, block, owner, len(theirs[room:]))


async def find_strays(context: Context, network: Network, height: int) -> int:
    """Write down every stray of the block at this height that is not there yet, whatever the day's count: how many. For the
    one that matters among a thousand that do not. Raises `NotFound`, and the network's errors."""
    tip = await network.tip()
    if not 0 <= height <= tip.height:
        raise NotFound("block", str(height))
    found = 0
    async for block in network.blocks(height, height):
        strays = await _foreign(context, network, block.strays)
        known = await strays_by_identity(context, network.id, [stray.identity for stray in strays])
        news = [stray for stray in strays if stray.identity not in known]
        owners = await _owners(context, network, {stray.address for stray in news})
        await _each(_first_sight(context, network, block, stray, owners[stray.address]) for stray in news)
        found += len(news)
    return found


async def _each(steps: Iterable[Any]) -> None:
    all_of_them = list(steps)
    for start in range(0, len(all_of_them), AT_ONCE):
        await asyncio.gather(*all_of_them[start : start + AT_ONCE])


async def _foreign(context: Context, network: Network, strays: Sequence[Stray]) -> list[Stray]:
    """Those that no tx of our own has brought: gas for a recovery, say."""
    rows = await context.all(sent_as(network.id, {stray.tx for stray in strays}))
    ours = {row["tx"] for row in rows}
    return [stray for stray in strays if stray.tx not in ours]


async def _owners(context: Context, network: Network, addresses: Collection[str]) -> Mapping[str, str]:
    """Whose an address is: here, or else where it was handed out."""
    table = schema.addresses
    rows = await context.all(
        select(table)
        .where(func.lower(table.c.address).in_([address.lower() for address in addresses]))
        .order_by(table.c.id)
    )
    elsewhere = {row["address"]: row["owner"] for row in reversed(rows)}
    return {**elsewhere, **{row["address"]: row["owner"] for row in rows if row["network"] == network.id}}


async def _seen_that_day(context: Context, network: Network, owner: str) -> int:
    """By the day that we saw them, so that nobody chooses it."""
    table, day = schema.strays, context.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    wanted = select(func.count().label("count")).select_from(table)
    wanted = wanted.where(table.c.owner == owner, table.c.network == network.id, table.c.created_at >= day)
    row = await context.one(wanted)
    count: int = row["count"] if row else 0
    return count


async def _count_beyond(context: Context, network: Network, block: Block, owner: str, beyond: int) -> None:
    """A block scanned again is not counted again."""
    if not beyond:
        return
    values = {"network": network.id, "owner": owner, "day": context.clock.now().date()}
    async with context.ops.begin() as connection:
        await connection.execute(
            insert(stray_counts)
            .values({**values, "beyond": beyond, "height": block.height})
            .on_conflict_do_update(
                index_elements=["network", "owner", "day"],
                set_={"beyond": stray_counts.c.beyond + beyond, "height": block.height},
                where=stray_counts.c.height < block.height,
            )
        )


async def _first_sight(context: Context, network: Network, block: Block, stray: Stray, owner: str) -> None:
    row = {
        "id": context.new_id("str"),
        "network": network.id,
        "identity": stray.identity,
        "address": stray.address,
        "owner": owner,
        "contract": stray.contract,
        "units": stray.units,
        "symbol": stray.symbol if stray.symbol and _SYMBOL.fullmatch(stray.symbol) else None,
        "decimals": stray.decimals if stray.decimals is not None and 0 <= stray.decimals <= _DECIMALS_MAX else None,
        "reason": UNLISTED_TOKEN,
        "state": State.SEEN.value,
        "tx": stray.tx,
        "height": block.height,
        "block": block.id,
        "proposal": None,
        "submission": None,
        "created_at": context.clock.now(),
    }
    viewers = () if owner == HOUSE else await viewers_of(context, owner)
    change = Change(ACTOR_NODE, EventKind.STRAY_SEEN, stray_view(row), writes=(Insert("strays", row),), viewers=viewers)
    try:
        await context.journal.commit(change)
    except AlreadyExists:
        return  # another process was faster


async def _see_again(context: Context, block: Block, stray: Stray, known: Record) -> None:
    """The same value in another block, after a reorg."""
    if known["state"] not in MOVABLE or (known["block"], known["units"]) == (block.id, stray.units):
        return
    values = {
        "state": State.SEEN.value,
        "height": block.height,
        "block": block.id,
        "units": stray.units,
        "tx": stray.tx,
    }
    try:
        await context.journal.commit(await moved_stray(context, known, EventKind.STRAY_SEEN, values))
    except Stale:
        return  # the next scan of this block, or nobody, has more to say


async def moved_stray(
    context: Context, row: Record, kind: EventKind, values: Mapping[str, Any], actor: str = ACTOR_NODE
) -> Change:
    """A stray's next step as a Change; `values` are the columns that it changes."""
    return Change(
        actor=actor,
        kind=kind,
        data=stray_view({**row, **values}),
        writes=(Update("strays", row["id"], row["version"], values),),
        viewers=await viewers_of(context, row["owner"]),
    )
