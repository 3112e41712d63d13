"""What a block says arrived, told from its txs, receipts, logs, traces and withdrawals alone; pure, to be proven by `proof`.

What this prevents: a claim that the block itself contradicts. A tx that failed claims nothing; a log of a contract that is
not listed is not heard; what leaves an address counts only in a tx that the address itself sent, so that a contract
cannot invent a departure to balance an arrival that it invented.

Addresses stand here as nodes write them, in lower case: most are nobody's of ours, and the checksum of our canonical form
costs more than reading the whole tx.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from chains.evm.listings import Listings
from chains.evm.token import TRANSFER_TOPIC, TransferLog, read_transfer
from chains.evm.traces import Move
from chains.evm.wire import BlockAnswer, LogAnswer, ReceiptAnswer, TxAnswer, block_id, is_bytes, quantity
from wallet.ports import BlockVanished, NetworkUnreachable

WEI_PER_GWEI = 10**9
_SUCCEEDED = 1
_TRANSFER_TOPICS = 3
_WORD_OF = "0x" + "0" * 24  # and an address: how it stands in a topic

Holder = tuple[str | None, str]
"""A token's contract, None for the chain's own asset; and an address."""


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
class UnlistedLog:
    """A Transfer of a contract that is not listed, to `address`, as it stands there: nothing of it is read yet."""

    identity: str
    tx: str
    address: str
    log: LogAnswer


@dataclass(frozen=True, slots=True)
class BlockClaims:
    """For addresses of ours. `moved` is the net change of each holder's balance of a token that the logs of the whole block
    amount to."""

    block: BlockAnswer
    receipts: Sequence[ReceiptAnswer]
    moves: Sequence[Sequence[Move]]
    claims: list[Claim]
    moved: Counter[Holder]
    unlisted: list[UnlistedLog]

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


def paid_addresses(block: BlockAnswer, receipts: Sequence[ReceiptAnswer], moves: Sequence[Sequence[Move]]) -> set[str]:
    """Wherever something in this block may have gone, as the node writes it: nothing of it is read yet. Nearly all is nobody's
    of ours, and to read it costs many times what it costs to ask whose it is."""
    found = {tx.target for tx in block.transactions if tx.target is not None}
    found.update(move.target for inner in moves for move in inner)
    found.update(withdrawal.address for withdrawal in block.withdrawals or ())
    for receipt in receipts:
        for log in receipt.logs:
            if log.removed:
                raise BlockVanished("the node has removed a log of this block")
            topics = log.topics
            if len(topics) == _TRANSFER_TOPICS and topics[0] == TRANSFER_TOPIC:
                found.add("0x" + topics[2][26:])
    return found


def read_claims(
    chain_id: int,
    listings: Listings,
    block: BlockAnswer,
    receipts: Sequence[ReceiptAnswer],
    moves: Sequence[Sequence[Move]],
    ours: AbstractSet[str],
) -> BlockClaims:
    """All claims of a block for these addresses (in lower case), in its order. `moves` are empty where the node has no
    traces."""
    found = BlockClaims(block, receipts, moves, [], Counter(), [])
    words = {_WORD_OF + address[2:] for address in ours}
    for tx, receipt, inner in zip(block.transactions, receipts, moves, strict=True) if ours else ():
        logs = [(ordinal, log) for ordinal, log in enumerate(receipt.logs) if _names_one(log, words)]
        paid = (tx.target or "").lower() in ours or (inner and any(move.target.lower() in ours for move in inner))
        if (logs or paid) and quantity(receipt.status) == _SUCCEEDED:
            name = block_id(tx.hash)
            stem = f"{chain_id}:{name}"
            found.claims.extend(claim for claim in _native_claims(stem, name, tx, inner) if claim.address in ours)
            for ordinal, log in logs:
                _read_log(found, listings, ours, log, tx, f"{stem}:log:{ordinal}", name)
    found.claims.extend(claim for claim in _withdrawal_claims(chain_id, block) if claim.address in ours)
    return found


def _read_log(
    found: BlockClaims,
    listings: Listings,
    ours: AbstractSet[str],
    log: LogAnswer,
    tx: TxAnswer,
    identity: str,
    name: str,
) -> None:
    if log.address.lower() not in listings.tokens:
        if (target := _address_of(log.topics[2])) in ours:
            found.unlisted.append(UnlistedLog(identity, name, target, log))
    elif (transfer := read_transfer(log)) is not None and transfer.source != transfer.target:
        _move(found.moved, transfer, _address(tx.source))
        if transfer.units and transfer.target in ours:
            found.claims.append(Claim(identity, name, transfer.target, transfer.units, transfer.contract))


def check_receipts(block: BlockAnswer, receipts: Sequence[ReceiptAnswer]) -> None:
    """Each tx of the block has its receipt, in order, and of this very block."""
    here = block.hash  # nearly always written alike; where not, the spelling does not matter
    if any(receipt.block_hash != here and block_id(receipt.block_hash) != block_id(here) for receipt in receipts):
        raise BlockVanished("a receipt belongs to another block")
    told, wanted = [receipt.transaction_hash for receipt in receipts], [tx.hash for tx in block.transactions]
    if told != wanted and [one.lower() for one in told] != [one.lower() for one in wanted]:
        raise NetworkUnreachable("the receipts are not those of the block's txs")


def _native_claims(stem: str, name: str, tx: TxAnswer, inner: Sequence[Move]) -> Iterator[Claim]:
    if tx.target is not None and (units := quantity(tx.value)) and tx.target.lower() != tx.source.lower():
        yield Claim(f"{stem}:value", name, _address(tx.target), units)
    for move in inner:
        if move.target.lower() == tx.source.lower():
            continue  # what a tx brings back to its own sender is change of what left with it (`PayoutContract.yul`)
        path = ".".join(str(step) for step in move.path) or "create"
        yield Claim(f"{stem}:trace:{path}", name, _address(move.target), move.units)


def _withdrawal_claims(chain_id: int, block: BlockAnswer) -> Iterator[Claim]:
    """No tx carries them, so they are found in the block that they name."""
    for withdrawal in block.withdrawals or ():
        if units := quantity(withdrawal.amount) * WEI_PER_GWEI:
            identity = f"{chain_id}:withdrawal:{quantity(withdrawal.index)}"
            yield Claim(identity, block_id(block.hash), _address(withdrawal.address), units)


def _names_one(log: LogAnswer, words: AbstractSet[str]) -> bool:
    """Is it a Transfer of the standard's form (ERC-20) from or to one of these."""
    topics = log.topics
    if len(topics) != _TRANSFER_TOPICS or topics[0] != TRANSFER_TOPIC:
        return False
    return topics[2].lower() in words or topics[1].lower() in words


def _address_of(word: str) -> str:
    return "0x" + word[26:].lower()


def _address(text: str) -> str:
    """Raises `NetworkUnreachable` for what is no address: the node wrote it."""
    if not is_bytes(text, 20):
        raise NetworkUnreachable("the node answered a malformed address")
    return text.lower()


def _move(moved: Counter[Holder], transfer: TransferLog, sender: str) -> None:
    moved[transfer.contract, transfer.target] += transfer.units
    if transfer.source == sender:
        moved[transfer.contract, transfer.source] -= transfer.units


def _sent(found: BlockClaims, addresses: Collection[str]) -> dict[str, int]:
    """Wei that left each of these in txs of its own: their value, what they moved inside, and their fees in any case."""
    sent: Counter[str] = Counter()
    for tx, receipt, inner in zip(found.block.transactions, found.receipts, found.moves, strict=True):
        source = tx.source.lower()
        if source not in addresses:
            continue
        sent[source] += receipt.fee_wei
        if quantity(receipt.status) == _SUCCEEDED:
            away = tx.target is None or tx.target.lower() != source
            sent[source] += quantity(tx.value) if away else 0
            sent[source] += sum(move.units for move in inner if move.source.lower() == source)
    return sent
