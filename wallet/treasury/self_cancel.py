"""A nonce that the signer would sign nothing for is used up by a payment of nothing to ourselves.

    stopped ──▶ cancelling ──▶ dead, and the withdrawals that it was to pay have failed: their money is back

What this prevents: one refused payment that holds up all that come after it on the same address, for an EVM chain takes nonces
in order. Only what was never signed is cancelled so; the signer's own memory says whether that is true.
"""

import structlog

from wallet.context import Context, Record
from wallet.errors import InsufficientFunds, NetworkHalted
from wallet.journal.change import Requirement
from wallet.networks.halt import running
from wallet.ports import (
    Cancelling,
    FeeAbsurd,
    FeeTooHigh,
    FundsShort,
    Network,
    NonceSource,
    Purpose,
    SignerRefused,
    Source,
)
from wallet.treasury.alarm import alarm
from wallet.treasury.dry_run import dry_run
from wallet.treasury.replace import request_of, reserve_replacement, sign_replacement
from wallet.treasury.variants import ReplacementState, replacements_of

_WAITS = (FeeAbsurd, FeeTooHigh, FundsShort, InsufficientFunds, NetworkHalted, SignerRefused)

_log = structlog.get_logger("submissions")


async def cancel_stopped(context: Context, network: Network, row: Record, withdrawals: list[Record]) -> None:
    """One step. Where nothing comes in an order a person decides: nothing waits for it. Raises the network's errors,
    `SignerUnavailable`, `Stale`."""
    if network.capabilities.source is not Source.NONCE or not isinstance(network, Cancelling):
        return
    replacements = await replacements_of(context, row)
    if replacements and replacements[-1]["state"] == ReplacementState.RESERVED:
        await sign_replacement(context, network, row, withdrawals, replacements[-1])
        return
    try:
        await _begin(context, network, network, row, withdrawals)
    except _WAITS as wait:
        await alarm(context, network.id, row["id"], "stopped", f"its nonce cannot be used up: {wait}")


async def _begin(
    context: Context, network: Network, cancelling: Cancelling, row: Record, withdrawals: list[Record]
) -> None:
    address, _, nonce = row["consumes"][0].rpartition(":")
    unsigned = await cancelling.build_self_cancel(NonceSource(address, row["paths"][0], int(nonce)))
    needs = (await running(context, network.id),)
    number = (row["replacements"] or 0) + 1
    request = await request_of(context, row, withdrawals, Purpose.SELF_CANCEL, unsigned.payload, number)
    await dry_run(context, row["asset"], request, (Requirement("submissions", row["id"], row["version"]),))
    row, replacement = await reserve_replacement(context, network, row, Purpose.SELF_CANCEL, unsigned, needs)
    _log.warning("nonce_cancelled", submission=row["id"], nonce=nonce)
    await sign_replacement(context, network, row, withdrawals, replacement)
