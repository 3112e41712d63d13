"""Look at the listed contracts again at each final block, and suspend the one that is not what it was.

What this prevents: credit for a token whose owner has put other code behind it. The adapter answers from memory while the
final block stays, so that this costs two batches of questions for each new one, however many tokens there are.
"""

from collections import defaultdict

import structlog
from sqlalchemy import select

from wallet import schema
from wallet.context import ACTOR_NODE, Context, Record
from wallet.errors import Stale
from wallet.journal.change import Change, EventKind, Update
from wallet.listings.facts import code_columns
from wallet.ports import BlockRef, Network
from wallet.ports.tokens import TokenFacts, Tokens

_log = structlog.get_logger("listings")


async def watch_tokens(context: Context, network: Network, final: BlockRef | None) -> None:
    """Before anything is credited that is final at this block. The first look writes down what is there. Raises the network's
    errors: what cannot be looked at is not credited."""
    if final is None or not isinstance(network, Tokens):
        return
    table = schema.listings
    wanted = select(table).where(table.c.network == network.id, table.c.contract.is_not(None)).order_by(table.c.id)
    rows = await context.all(wanted)
    facts = await network.token_facts([row["contract"] for row in rows], final) if rows else ()
    for row, fact in zip(rows, facts, strict=True):
        if row["suspended"] is None:
            await _compare(context, row, fact, final)


async def suspended_tokens(context: Context) -> dict[str, list[dict[str, str]]]:
    """By network, for operators: which, and why."""
    table, found = schema.listings, defaultdict[str, list[dict[str, str]]](list)
    for row in await context.all(select(table).where(table.c.suspended.is_not(None)).order_by(table.c.id)):
        found[row["network"]].append({"asset": row["asset"], "contract": row["contract"], "reason": row["suspended"]})
    return dict(found)


async def _compare(context: Context, row: Record, facts: TokenFacts, final: BlockRef) -> None:
    if row["code_hash"] is None and facts.code_hash is None:
        return  # the configuration may name a contract whose block is not final yet
    if row["code_hash"] is None and facts.decimals == row["decimals"]:
        await _commit(context, row, EventKind.ASSET_LISTED, code_columns(facts), final)
        return
    now = {**code_columns(facts), "decimals": facts.decimals}
    changed = [name for name, value in now.items() if row[name] != value]
    if changed:
        why = f"{', '.join(changed)} of {row['contract']} changed by block {final.height}"
        _log.error("token_suspended", network=row["network"], asset=row["asset"], why=why)
        await _commit(context, row, EventKind.TOKEN_SUSPENDED, {"suspended": why}, final)


async def _commit(
    context: Context, row: Record, kind: EventKind, values: dict[str, str | None], final: BlockRef
) -> None:
    told = {"network": row["network"], "asset": row["asset"], "contract": row["contract"], "height": final.height}
    change = Change(
        ACTOR_NODE, kind, {**told, **values}, writes=(Update("listings", row["id"], row["version"], values),)
    )
    try:
        await context.journal.commit(change)
    except Stale:
        _log.info("looked_elsewhere", listing=row["id"])
