"""Sending a signed tx: the same bytes as often as needed.

What this prevents: an uncertain answer taken for a refusal. "Already known" is success whichever way the node says it, and
a refusal counts only after the node was asked whether it has the tx after all (it refuses a mined tx whose outputs are
spent as if its inputs had never existed).
"""

from typing import Final

from chains.bitcoin.answers import ALREADY_IN_CHAIN, IN_WARMUP, VERIFY_ERROR, VERIFY_REJECTED
from chains.bitcoin.decode import decode_signed
from chains.bitcoin.status import tx_state
from chains.rpc.client import JsonRpc, RpcError
from wallet.ports import NetworkRejected, NetworkUnreachable, SubmissionRef

_REFUSALS: Final = frozenset({VERIFY_ERROR, VERIFY_REJECTED})


async def submit(rpc: JsonRpc, submission: SubmissionRef) -> None:
    """Returns when the node has the tx, in its mempool or in a block.

    Raises `NetworkUnreachable` when that is uncertain; `NetworkRejected` when the node refused the tx and does not know it,
    which is a judgement of now: the same bytes may be taken later. Raises `ValueError` for bytes that are not this tx.
    """
    if decode_signed(submission.payload).tx != submission.tx:
        raise ValueError("the signed bytes are not the tx of this submission")
    try:
        await rpc.call("sendrawtransaction", [submission.payload.hex()], str)
    except RpcError as error:
        await _judge(rpc, submission, error)


async def _judge(rpc: JsonRpc, submission: SubmissionRef, error: RpcError) -> None:
    if error.code == ALREADY_IN_CHAIN:
        return
    if error.code not in _REFUSALS:
        state = "is still starting" if error.code == IN_WARMUP else "answered with an unexpected error"
        raise NetworkUnreachable(f"the node {state}: {error}") from error
    known = await tx_state(rpc, submission.tx)
    if known is None or known.orphaned:
        raise NetworkRejected(str(error)) from error
