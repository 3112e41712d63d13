"""What became of a tx of ours. Nothing is concluded from silence: dead is only what a final nonce excludes."""

from chains.evm.decode import decode
from chains.evm.outcome import outcome
from chains.evm.unmoved import why_doubted
from chains.evm.wire import (
    HeaderAnswer,
    KnownTxAnswer,
    ReceiptAnswer,
    at_block,
    block_id,
    quantity,
    unread,
)
from chains.rpc.client import JsonRpc, RpcError
from wallet.money import Amount, Asset
from wallet.ports import BlockRef, BlockVanished, Fate, Status, SubmissionRef

_FINAL_UNKNOWN = -39001  # how geth names a missing "finalized" block


async def read_final(rpc: JsonRpc, confirmations: int | None = None) -> BlockRef | None:
    """The block tagged `finalized`, never `safe` or `latest`; None while there is none. On a chain without that tag the
    highest block that has so many `confirmations`, its own included: a policy that the configuration names."""
    if confirmations is not None:
        tip = await rpc.call("eth_getBlockByNumber", ["latest", False], HeaderAnswer)
        height = tip.ref.height - confirmations + 1
        deep = await rpc.find("eth_getBlockByNumber", [hex(height), False], HeaderAnswer) if height >= 0 else None
        return deep.ref if deep is not None else None
    try:
        header = await rpc.find("eth_getBlockByNumber", ["finalized", False], HeaderAnswer)
    except RpcError as error:
        if error.code == _FINAL_UNKNOWN or "not found" in error.message.lower():
            return None
        raise
    return header.ref if header is not None else None


async def status(rpc: JsonRpc, submission: SubmissionRef, fee_asset: Asset, confirmations: int | None = None) -> Status:
    """As `wallet.ports.Network.status`. Raises `BlockVanished` while a reorg moves the tx."""
    try:
        return await _status(rpc, submission, fee_asset, await read_final(rpc, confirmations))
    except RpcError as error:
        raise unread(error) from error


async def _status(rpc: JsonRpc, submission: SubmissionRef, fee_asset: Asset, final: BlockRef | None) -> Status:
    receipt = await _receipt(rpc, submission.tx)
    if receipt is not None:
        return await _included(rpc, receipt, submission, final, fee_asset)
    if final is not None and await _nonce_used(rpc, submission, final):
        # The receipt is asked for again, after the nonce is known to be finally used: it may have arrived in between.
        receipt = await _receipt(rpc, submission.tx)
        if receipt is not None:
            return await _included(rpc, receipt, submission, final, fee_asset)
        return Status(Fate.PENDING if await _known(rpc, submission.tx) else Fate.DEAD)
    return Status(Fate.PENDING if await _known(rpc, submission.tx) else Fate.UNKNOWN)


async def _included(
    rpc: JsonRpc, receipt: ReceiptAnswer, submission: SubmissionRef, final: BlockRef | None, fee_asset: Asset
) -> Status:
    block = BlockRef(quantity(receipt.block_number), block_id(receipt.block_hash))
    canonical = await rpc.find("eth_getBlockByNumber", [hex(block.height), False], HeaderAnswer)
    if canonical is None or canonical.ref != block:
        raise BlockVanished(f"the block of {submission.tx} is not on the chain now")
    found = outcome(receipt, decode(submission.payload), submission)
    source = submission.consumes[0].partition(":")[0]
    doubt = None
    if found.silent is not None:
        doubt = await why_doubted(rpc, found.silent, source, canonical, found.unexplained)
    return Status(
        Fate.FINAL if final is not None and block.height <= final.height else Fate.INCLUDED,
        block=block,
        fee_paid=Amount(receipt.fee_wei, fee_asset),
        succeeded=found.succeeded,
        failed=found.failed,
        doubt=doubt,
    )


async def _nonce_used(rpc: JsonRpc, submission: SubmissionRef, final: BlockRef) -> bool:
    address, _, nonce = submission.consumes[0].partition(":")
    count = await rpc.call("eth_getTransactionCount", [address, at_block(final.id)], str)
    return quantity(count) > int(nonce)


async def _receipt(rpc: JsonRpc, tx: str) -> ReceiptAnswer | None:
    receipt = await rpc.find("eth_getTransactionReceipt", [tx], ReceiptAnswer)
    return receipt if receipt is not None and receipt.transaction_hash.lower() == tx else None


async def _known(rpc: JsonRpc, tx: str) -> bool:
    return await rpc.find("eth_getTransactionByHash", [tx], KnownTxAnswer) is not None
