"""The approvals that go to the signer with a submission, each under the withdrawal that it means."""

from collections.abc import Sequence

from wallet.approvals.find import demands_of
from wallet.context import Context, Record
from wallet.ports import Approval
from wallet.vault.vault import RevealPurpose


async def approvals_for(context: Context, withdrawals: Sequence[Record]) -> tuple[Approval, ...]:
    """The same ones in the same order for as long as the submission lives: once something is reserved for a withdrawal, nobody
    approves it any more."""
    asked = [row["id"] for row in withdrawals if row["approvals_missing"] is not None]
    demands = await demands_of(context, asked) if asked else {}
    return tuple(
        [
            Approval(given["key"], await _signature(context, given), withdrawal)
            for withdrawal in asked
            for _, given in sorted(demands[withdrawal]["approvals"].items())
        ]
    )


async def _signature(context: Context, given: Record) -> str:
    if "signature" in given:
        return str(given["signature"])
    return str(await context.reveal(given["item"], RevealPurpose.SUBMIT))
