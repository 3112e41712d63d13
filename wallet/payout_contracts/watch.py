"""Look at the payout contract at each final block: it is ready when its code is ours, and suspended when it is not."""

import structlog
from sqlalchemy import select

from wallet import schema
from wallet.context import ACTOR_NODE, Context, Record
from wallet.errors import Stale
from wallet.ids import NetworkId
from wallet.journal.change import Change, EventKind, Update
from wallet.payout_contracts.adopt import adopt_contract
from wallet.payout_contracts.find import find_contract
from wallet.payout_contracts.states import State
from wallet.ports import BlockRef, Network
from wallet.ports.tokens import Tokens
from wallet.treasury.states import State as Submission

_log = structlog.get_logger("payout_contracts")


async def watch_contract(context: Context, network: Network, final: BlockRef | None) -> None:
    """Raises the network's errors."""
    row = await find_contract(context, NetworkId(network.id))
    if final is None or row is None or row["state"] == State.SUSPENDED or not isinstance(network, Tokens):
        return
    (facts,) = await network.token_facts([row["contract"]], final)
    if facts.code_hash == row["code_hash"]:
        if row["state"] == State.MAKING:
            await _move(context, row, State.READY, None)
    elif row["state"] == State.READY or await _is_over(context, row["submission"], final):
        found = "no code" if facts.code_hash is None else "other code than ours"
        why = f"{found} at {row['contract']} in block {final.height}"
        _log.error("payout_contract_suspended", network=network.id, why=why)
        await _move(context, row, State.SUSPENDED, why)
    await adopt_contract(context, network)


async def _is_over(context: Context, submission: str, final: BlockRef) -> bool:
    """Whether the tx that should have made it has come to its end, at this final block."""
    row = await context.one(select(schema.submissions).where(schema.submissions.c.id == submission))
    if row is None or row["state"] not in (Submission.FINAL, Submission.DEAD):
        return False
    return row["height"] is None or row["height"] <= final.height


async def _move(context: Context, row: Record, state: State, reason: str | None) -> None:
    values = {"state": state.value, "reason": reason}
    data = {"network": row["id"], "contract": row["contract"], "status": state.value, "reason": reason}
    write = Update("payout_contracts", row["id"], row["version"], values)
    try:
        await context.journal.commit(Change(ACTOR_NODE, EventKind.PAYOUTS_SET_UP, data, writes=(write,)))
    except Stale:
        _log.info("looked_elsewhere", network=row["id"])
