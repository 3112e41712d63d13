"""What became of a tx of ours, judged from the active chain as the node shows it at one tip.

What this prevents: a refund for a tx that may still be paid. DEAD is said only with proof: an input of the tx existed in the
active chain, is spent there, the tx itself is not there, and the spender lies as deep as policy calls final. Nobody need
be found for that: the blocks above that depth are read, and the spender is in none of them. Everything short of it is UNKNOWN.
"""

from chains.bitcoin.answers import INVALID_ADDRESS_OR_KEY, Header, Indexes, TxState, UnspentState, units_of
from chains.bitcoin.scan import block_id, header, raw_block, tip
from chains.rpc.client import JsonRpc, RpcError
from wallet.money import Amount, Asset
from wallet.ports import BlockRef, Fate, Status, SubmissionRef

_WITH_FEE = 2  # getrawtransaction's verbosity


async def status(rpc: JsonRpc, submission: SubmissionRef, *, confirmations: int, asset: Asset) -> Status:
    """Raises `NetworkUnreachable` when the node does not answer; an answer that changed meanwhile is UNKNOWN."""
    at = await tip(rpc)
    found = await tx_state(rpc, submission.tx)
    if found is None or found.orphaned:
        dead = await _is_dead(rpc, submission, at, confirmations)
        return Status(Fate.DEAD if dead else Fate.UNKNOWN)
    if found.blockhash is None:
        return Status(Fate.PENDING)
    return _included(found, await header(rpc, found.blockhash), confirmations, asset)


async def tx_state(rpc: JsonRpc, tx: str) -> TxState | None:
    """The tx in the mempool, in the active chain or in an orphaned block; None where the node has none."""
    try:
        return await rpc.call("getrawtransaction", [tx, _WITH_FEE], TxState)
    except RpcError as error:
        if error.code == INVALID_ADDRESS_OR_KEY:
            return None
        raise


def _included(found: TxState, block: Header, confirmations: int, asset: Asset) -> Status:
    if block.confirmations < 1:
        return Status(Fate.UNKNOWN)  # orphaned between two questions
    fate = Fate.FINAL if block.confirmations >= confirmations else Fate.INCLUDED
    fee_paid = None if found.fee is None else Amount(units_of(found.fee), asset)
    return Status(fate, BlockRef(block.height, block.hash), fee_paid)


async def _is_dead(rpc: JsonRpc, submission: SubmissionRef, at: BlockRef, confirmations: int) -> bool:
    """Whether one input is finally used by something else. All that was read must belong to the one tip `at`."""
    indexes = await rpc.call("getindexinfo", [], Indexes)
    if indexes.txindex is None or not indexes.txindex.synced:
        return False  # a tx that the index has not reached yet looks like one that does not exist
    spent = [outpoint for outpoint in submission.consumes if await is_spent(rpc, outpoint)]
    recent = await _spent_in_recent_blocks(rpc, at, confirmations) if spent else frozenset[str]()
    return any(outpoint not in recent for outpoint in spent) and await tip(rpc) == at


async def is_spent(rpc: JsonRpc, outpoint: str) -> bool:
    """In the active chain, by a tx of the active chain. An output that is in no block now is not spent but missing."""
    parent, _, index = outpoint.partition(":")
    if await rpc.find("gettxout", [parent, int(index), False], UnspentState) is not None:
        return False
    made = await tx_state(rpc, parent)
    return made is not None and made.confirmations >= 1


async def _spent_in_recent_blocks(rpc: JsonRpc, at: BlockRef, confirmations: int) -> frozenset[str]:
    """The outpoints used by the blocks that are not final yet: the newest `confirmations` − 1."""
    spent: set[str] = set()
    for height in range(max(0, at.height - confirmations + 2), at.height + 1):
        block = await block_id(rpc, height)
        if block is not None:
            spent |= (await raw_block(rpc, block)).spent()
    return frozenset(spent)
