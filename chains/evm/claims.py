"""What a block says arrived, told from its txs, receipts, logs, traces and withdrawals alone; pure, to be proven by `proof`.

What this prevents: a claim that the block itself contradicts. A tx that failed claims nothing; a log of a contract that is
not listed is not heard; what leaves an address counts only in a tx that the address itself sent, so that a contract
cannot invent a departure to balance an arrival that it invented.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from chains.evm.address import checksum_lower
from chains.evm.listings import Listings
from chains.evm.token import TransferLog, parse_transfer_log
from chains.evm.traces import Move
from chains.evm.wire import BlockAnswer, ReceiptAnswer, TxAnswer, block_id, is_bytes, quantity
from wallet.ports import BlockVanished, NetworkUnreachable

WEI_PER_GWEI = 10**9
_SUCCEEDED = 1

Holder = tuple[str | None, str]
"""A token's contract in lower case, None for the chain's own asset; and a canonical address."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Value that a block says went to `address`; `contract` is None for the chain's own asset."""

    identity: str
    tx: str
    address: str
    units: int
    contract: str | None = None

    @property
    def holder(self) -> Holder:
        return self.contract, self.address


@dataclass(frozen=True, slots=True)
class BlockClaims:
    """`moved` is the net change of each holder's balance of a token that the logs of the whole block amount to."""

    block: BlockAnswer
    receipts: Sequence[ReceiptAnswer]
    moves: Sequence[Sequence[Move]]
    claims: tuple[Claim, ...]
    moved: Counter[Holder]

    def net(self, holders: Collection[Holder]) -> dict[Holder, int]:
        """By how much the balance of each of these must have changed, if all that the block says is true."""
        native = {address for contract, address in holders if contract is None}
        arrived = Counter[str]()
        for claim in self.claims:
            if claim.contract is None:
                arrived[claim.address] += claim.units
        sent = _sent(self, native) if native else {}
        return {
            (contract, address): arrived[address] - sent.get(address, 0)
            if contract is None
            else self.moved[contract, address]
            for contract, address in holders
        }


def read_claims(
    chain_id: int,
    listings: Listings,
    block: BlockAnswer,
    receipts: Sequence[ReceiptAnswer],
    moves: Sequence[Sequence[Move]],
) -> BlockClaims:
    """All claims of a block in its order, whoever they are for. `moves` are empty where the node has no traces."""
    claims: list[Claim] = []
    moved: Counter[Holder] = Counter()
    for tx, receipt, inner in zip(block.transactions, receipts, moves, strict=True):
        if quantity(receipt.status) == _SUCCEEDED:
            transfers = list(_transfers(receipt, listings))
            claims.extend(_tx_claims(f"{chain_id}:{block_id(tx.hash)}", tx, transfers, inner))
            for _, transfer in transfers:
                _move(moved, transfer, canonical(tx.source))
    claims.extend(_withdrawal_claims(chain_id, block))
    return BlockClaims(block, receipts, moves, tuple(claims), moved)


def check_receipts(block: BlockAnswer, receipts: Sequence[ReceiptAnswer]) -> None:
    """Each tx of the block has its receipt, in order, and of this very block."""
    if any(block_id(receipt.block_hash) != block_id(block.hash) for receipt in receipts):
        raise BlockVanished("a receipt belongs to another block")
    if [receipt.transaction_hash.lower() for receipt in receipts] != [tx.hash.lower() for tx in block.transactions]:
        raise NetworkUnreachable("the receipts are not those of the block's txs")


def canonical(address: str) -> str:
    """Raises `NetworkUnreachable` for what is no address: the node wrote it."""
    if not is_bytes(address, 20):
        raise NetworkUnreachable("the node answered a malformed address")
    return checksum_lower(address[2:].lower())


def _tx_claims(
    identity: str, tx: TxAnswer, transfers: Sequence[tuple[int, TransferLog]], inner: Sequence[Move]
) -> Iterator[Claim]:
    name = block_id(tx.hash)
    if tx.target is not None and tx.target.lower() != tx.source.lower() and (units := quantity(tx.value)):
        yield Claim(f"{identity}:value", name, canonical(tx.target), units)
    for move in inner:
        path = ".".join(str(step) for step in move.path) or "create"
        yield Claim(f"{identity}:trace:{path}", name, canonical(move.target), move.units)
    for ordinal, transfer in transfers:
        if transfer.units and transfer.source != transfer.target:
            yield Claim(f"{identity}:log:{ordinal}", name, transfer.target, transfer.units, transfer.contract)


def _withdrawal_claims(chain_id: int, block: BlockAnswer) -> Iterator[Claim]:
    """No tx carries them, so they are found in the block that they name."""
    for withdrawal in block.withdrawals or ():
        if units := quantity(withdrawal.amount) * WEI_PER_GWEI:
            identity = f"{chain_id}:withdrawal:{quantity(withdrawal.index)}"
            yield Claim(identity, block_id(block.hash), canonical(withdrawal.address), units)


def _transfers(receipt: ReceiptAnswer, listings: Listings) -> Iterator[tuple[int, TransferLog]]:
    """Transfers of listed tokens, each with its ordinal within the receipt."""
    for ordinal, log in enumerate(receipt.logs):
        if log.removed:
            raise BlockVanished("the node has removed a log of this block")
        if log.address.lower() in listings.tokens and (transfer := parse_transfer_log(log)):
            yield ordinal, transfer


def _move(moved: Counter[Holder], transfer: TransferLog, sender: str) -> None:
    if transfer.source == transfer.target:
        return
    moved[transfer.contract, transfer.target] += transfer.units
    if transfer.source == sender:
        moved[transfer.contract, transfer.source] -= transfer.units


def _sent(found: BlockClaims, addresses: Collection[str]) -> dict[str, int]:
    """Wei that left each of these in txs of its own: their value, what they moved inside, and their fees in any case."""
    by_text = {address.lower(): address for address in addresses}
    sent: Counter[str] = Counter()
    for tx, receipt, inner in zip(found.block.transactions, found.receipts, found.moves, strict=True):
        source = by_text.get(tx.source.lower())
        if source is None:
            continue
        sent[source] += receipt.fee_wei
        if quantity(receipt.status) == _SUCCEEDED:
            away = tx.target is None or tx.target.lower() != tx.source.lower()
            sent[source] += quantity(tx.value) if away else 0
            sent[source] += sum(move.units for move in inner if move.source.lower() == source.lower())
    return sent
