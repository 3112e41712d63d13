"""What a block says arrived, told from its txs, receipts and logs alone; pure, and to be proven by `scan`.

What this prevents: a claim that the block itself contradicts. A tx that failed claims nothing; a log of a contract that is
not listed is not heard; what leaves an address counts only in a tx that the address itself sent, so that a contract
cannot invent a departure to balance an arrival that it invented.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chains.evm.address import checksum_lower
from chains.evm.listings import Listings
from chains.evm.token import TransferLog, parse_transfer_log
from chains.evm.wire import BlockAnswer, ReceiptAnswer, TxAnswer, block_id, is_bytes, quantity
from wallet.ports import BlockVanished, NetworkUnreachable

_SUCCEEDED = 1

Holder = tuple[str, str]
"""A token's contract in lower case, and a canonical address."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Value that a block says went to `address`; `contract` is None for the chain's own asset."""

    identity: str
    tx: str
    address: str
    units: int
    contract: str | None = None


@dataclass(frozen=True, slots=True)
class BlockClaims:
    """`moved` is the net change of each holder's balance that the logs of the whole block amount to."""

    block: BlockAnswer
    claims: tuple[Claim, ...]
    moved: Counter[Holder]


def read_claims(
    chain_id: int, listings: Listings, block: BlockAnswer, receipts: Sequence[ReceiptAnswer]
) -> BlockClaims:
    """All claims of a block in its order, whoever they are for."""
    claims: list[Claim] = []
    moved: Counter[Holder] = Counter()
    for tx, receipt in zip(block.transactions, receipts, strict=True):
        if quantity(receipt.status) == _SUCCEEDED:
            transfers = list(_transfers(receipt, listings))
            claims.extend(_tx_claims(f"{chain_id}:{block_id(tx.hash)}", tx, transfers))
            for _, transfer in transfers:
                _move(moved, transfer, _canonical(tx.source))
    return BlockClaims(block, tuple(claims), moved)


def check_receipts(block: BlockAnswer, receipts: Sequence[ReceiptAnswer]) -> None:
    """Each tx of the block has its receipt, in order, and of this very block."""
    if any(block_id(receipt.block_hash) != block_id(block.hash) for receipt in receipts):
        raise BlockVanished("a receipt belongs to another block")
    if [receipt.transaction_hash.lower() for receipt in receipts] != [tx.hash.lower() for tx in block.transactions]:
        raise NetworkUnreachable("the receipts are not those of the block's txs")


def _tx_claims(identity: str, tx: TxAnswer, transfers: Sequence[tuple[int, TransferLog]]) -> Iterator[Claim]:
    if tx.target is not None and (units := quantity(tx.value)):
        yield Claim(f"{identity}:value", block_id(tx.hash), _canonical(tx.target), units)
    for ordinal, transfer in transfers:
        if transfer.units and transfer.source != transfer.target:
            yield Claim(
                identity=f"{identity}:log:{ordinal}",
                tx=block_id(tx.hash),
                address=transfer.target,
                units=transfer.units,
                contract=transfer.contract,
            )


def _transfers(receipt: ReceiptAnswer, listings: Listings) -> Iterator[tuple[int, TransferLog]]:
    """Transfers of listed tokens, each with its ordinal within the receipt."""
    for ordinal, log in enumerate(receipt.logs):
        if log.removed:
            raise BlockVanished("the node has removed a log of this block")
        if log.address.lower() in listings.tokens and (transfer := parse_transfer_log(log)):
            yield ordinal, transfer


def _canonical(address: str) -> str:
    if not is_bytes(address, 20):
        raise NetworkUnreachable("the node answered a malformed address")
    return checksum_lower(address[2:].lower())


def _move(moved: Counter[Holder], transfer: TransferLog, sender: str) -> None:
    if transfer.source == transfer.target:
        return
    moved[transfer.contract, transfer.target] += transfer.units
    if transfer.source == sender:
        moved[transfer.contract, transfer.source] -= transfer.units
