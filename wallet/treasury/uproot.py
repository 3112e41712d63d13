"""Submissions that were final and whose block a reorg took away: they are followed again until they are final once more.

    final ──▶ uprooted ──▶ final     (a block has them again: only what the fee differs by is booked)
                  └──────▶ dead      (something else finally used their nonce or an input: what was booked is undone)

The books keep them settled meanwhile, and the proofs set them off by name. The same bytes go out again, which cannot pay twice;
but only once nobody has halted the network: what was paid to a thief need not be paid again by us.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog
from sqlalchemy import select

from wallet import schema
from wallet.assets.pause import pause_asset
from wallet.context import ACTOR_NODE, Context, Record, amount_of
from wallet.deposits.states import State as Deposit
from wallet.errors import Stale
from wallet.ids import CustomerId, NetworkId
from wallet.ledger import accounts, templates
from wallet.ledger.transfers import Entry
from wallet.money import Amount
from wallet.networks.halt import is_halted
from wallet.points import point
from wallet.ports import BlockRef, Fate, Network, NetworkRejected, Purpose, Status
from wallet.strays.states import State as StrayState
from wallet.treasury.coins import change_found, lost_coin
from wallet.treasury.doubt import by_verdict
from wallet.treasury.plan import places
from wallet.treasury.record import record
from wallet.treasury.recoveries import told_of
from wallet.treasury.settle import unswept
from wallet.treasury.states import State
from wallet.treasury.submissions import paid_by, reference
from wallet.treasury.variants import Outcome, outcome_of, replacements_of, signed_variants
from wallet.withdrawals.states import State as Withdrawal

_log = structlog.get_logger("submissions")


async def uproot_above(context: Context, network: Network, ancestor: BlockRef) -> None:
    """Repeatable: what is uprooted already is not among those that are left."""
    table = schema.submissions
    gone = select(table).where(table.c.network == network.id, table.c.height > ancestor.height)
    for row in await context.all(gone.where(table.c.state == State.FINAL.value).order_by(table.c.id)):
        writes = await lost_coin(context, network, row["change"]["outpoint"]) if row["change"] else ()
        withdrawals = _paid(await paid_by(context, row["id"]))
        try:
            await record(context, row, withdrawals, State.UPROOTED, {"block": None}, writes=writes)
        except Stale:
            await uproot_above(context, network, ancestor)  # somebody moved it meanwhile: look at all of them again
            return
        _log.error("submission_uprooted", submission=row["id"], network=network.id, height=row["height"])
        point("reorg.after_submission")


async def follow_uprooted(context: Context, network: Network, row: Record, withdrawals: list[Record]) -> None:
    """One step. Raises the network's errors, and `Stale`."""
    replacements, paid = await replacements_of(context, row), _paid(withdrawals)
    variants = signed_variants(row, await reference(context, row, withdrawals), replacements)
    found = await outcome_of(network, variants)
    found = replace(found, status=by_verdict(row, found.status))
    status = found.status
    match status.fate:
        case Fate.FINAL if status.succeeded and not _same_paid(withdrawals, status):
            why = f"a reorg took the block of {row['id']}, and the new branch paid others of those whom it pays"
            await pause_asset(
                context, ACTOR_NODE, row["asset"], why
            )  # who had their money back may be paid: a person looks
        case Fate.FINAL if status.succeeded:
            await _final_again(context, network, row, paid, found)
        case Fate.FINAL if status.doubt is not None:
            return  # the books keep it as it was, and a person sees it among what is uprooted
        case Fate.FINAL:
            await _undo(context, row, paid, status, "a reorg took its block, and the new branch reverted it")
        case Fate.DEAD:
            await _undo(context, row, paid, status, "a reorg took its block, and something else was paid instead")
        case Fate.UNKNOWN:
            await _send_again(context, network, row, found)
        case Fate.PENDING | Fate.INCLUDED:
            return


def _paid(withdrawals: list[Record]) -> list[Record]:
    """Without those whose payment failed among the others: they have their money back."""
    return [row for row in withdrawals if row["state"] != Withdrawal.FAILED]


def _same_paid(withdrawals: list[Record], status: Status) -> bool:
    return {row["id"] for row in withdrawals if row["state"] == Withdrawal.FAILED} == {*status.failed}


async def _send_again(context: Context, network: Network, row: Record, found: Outcome) -> None:
    if not network.capabilities.resend_safe or await is_halted(context, network.id):
        return
    try:
        await network.submit(found.variant.ref)
    except NetworkRejected as error:  # what it spends may have been taken back as well, and may return
        _log.warning("uprooted_waits", submission=row["id"], reason=str(error))


async def _final_again(
    context: Context, network: Network, row: Record, withdrawals: list[Record], found: Outcome
) -> None:
    """The same bytes, or another variant of them: nobody is paid more or less by it."""
    block, now = found.status.block, {**row, **found.row_values(row)}
    assert block is not None, "what is final stands in a block"
    fee = found.status.fee_paid or _fee(context, row)
    values = {**found.row_values(row), "height": block.height, "block": block.id, "fee_paid": fee.units}
    writes = await change_found(context, network, now["change"]) if now["change"] else ()
    entry = templates.fee_corrected(_fee_place(context, row), _fee(context, row), fee)
    await record(context, row, withdrawals, State.FINAL, values, entry=entry, writes=writes)


async def _undo(context: Context, row: Record, withdrawals: list[Record], status: Status, reason: str) -> None:
    """It did not happen after all. A customer's payment comes back to them; what we moved for ourselves is where it was."""
    fee, now = _fee(context, row), status.fee_paid or Amount(0, _fee(context, row).asset)
    entry = (
        *await _value_back(context, row, withdrawals),
        *templates.fee_corrected(_fee_place(context, row), fee, now),
    )
    values: Mapping[str, Any] = {"reason": reason, "fee_paid": now.units, "height": None, "block": None}
    writes, told = await unswept(context, row), await told_of(context, row, StrayState.SEEN)
    await record(context, row, withdrawals, State.DEAD, values, entry=entry, writes=writes, told=told)


async def _value_back(context: Context, row: Record, withdrawals: list[Record]) -> Entry:
    network, amount = NetworkId(row["network"]), amount_of(context, row)
    match Purpose(row["purpose"]):
        case Purpose.WITHDRAWAL:
            return tuple(t for w in withdrawals for t in _undone(context, network, w))
        case Purpose.SWEEP:
            left = await _still_there(context, row, amount)
            return templates.sweep_undone(network, left) if left else ()
        case Purpose.GAS_FUNDING:
            return templates.gas_funding_undone(network, amount)
        case Purpose.RECOVERY | Purpose.SELF_CANCEL | Purpose.PAYOUT_SETUP:
            return ()  # what nobody listed is in no account, and what sets payouts up is worth nothing
        case Purpose.ROTATION | Purpose.GATHERING:
            return ()  # from the hot account to itself


def _undone(context: Context, network: NetworkId, withdrawal: Record) -> Entry:
    amount, fee = amount_of(context, withdrawal), amount_of(context, withdrawal, "fee_units")
    return templates.withdrawal_undone(CustomerId(withdrawal["owner"]), network, amount, fee)


async def _still_there(context: Context, row: Record, amount: Amount) -> Amount:
    """Of what was swept: what was taken back from its owner was taken from the hot address already, and is nowhere."""
    table = schema.deposits
    gone = select(table.c.units).where(table.c.swept_by == row["id"], table.c.state == Deposit.CHARGED_BACK.value)
    taken = sum(each["units"] for each in await context.all(gone))
    return Amount(max(amount.units - taken, 0), amount.asset)


def _fee(context: Context, row: Record) -> Amount:
    """As it was booked."""
    return Amount(row["fee_paid"] or 0, context.asset(row["fee_asset"]))


def _fee_place(context: Context, row: Record) -> accounts.Account:
    purpose, network = Purpose(row["purpose"]), NetworkId(row["network"])
    return places(network, purpose, amount_of(context, row), _fee(context, row))[1]
