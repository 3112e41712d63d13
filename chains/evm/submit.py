"""Hands a signed tx to the node. The same bytes may be sent any number of times."""

from chains.evm.decode import tx_id
from chains.evm.wire import KnownTxAnswer
from chains.rpc.client import JsonRpc, RpcError
from wallet.ports import NetworkRejected, NetworkUnreachable, SubmissionRef

_INTERNAL = -32603  # "internal error" says nothing about our tx


async def submit(rpc: JsonRpc, submission: SubmissionRef) -> None:
    """Returns when the node has it, also when it had it before. Raises `NetworkRejected` where it said no and does not
    know the tx, `NetworkUnreachable` in every doubt."""
    if tx_id(submission.payload) != submission.tx:
        raise ValueError(f"the bytes of {submission.id} are not the tx that it names")
    try:
        answer = await rpc.call("eth_sendRawTransaction", ["0x" + submission.payload.hex()], str)
    except RpcError as error:
        await _judge(rpc, submission, error)
        return
    if answer.lower() != submission.tx:
        raise NetworkUnreachable("the node answered with another tx than the one that was sent")


async def _judge(rpc: JsonRpc, submission: SubmissionRef, error: RpcError) -> None:
    """ "already known" and "nonce too low" are what a node says to bytes that it has: it is asked, not interpreted."""
    try:
        known = await rpc.find("eth_getTransactionByHash", [submission.tx], KnownTxAnswer)
    except RpcError as failed:
        raise NetworkUnreachable(str(failed)) from failed
    if known is not None:
        return
    if error.code == _INTERNAL or "already known" in error.message.lower():
        raise NetworkUnreachable(str(error)) from error
    raise NetworkRejected(error.message) from error
