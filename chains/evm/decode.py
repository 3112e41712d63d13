"""Type-2 txs (EIP-1559) as bytes and as fields: the one shape in which value leaves this network.

What this prevents: a signature over something else than we read. Only this can be written here: a payment of the chain's own
asset without calldata; a call of a token's transfer(address,uint256) without value; and what belongs to the contract that
pays many in one tx, each in one spelling (`payout`). Everything else is refused, also what a node would accept. The signer
reads payloads with these two files and nothing else of the network.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from eth_hash.auto import keccak

from chains.evm import rlp
from chains.evm.address import checksum, to_bytes
from chains.evm.payout import CREATION, Act, Creation, Payout, read_act
from chains.evm.token import parse_transfer_call

TYPE = b"\x02"
WORD_MAX = 2**256 - 1
GAS_MAX = 2**64 - 1
NONCE_MAX = 2**64 - 2  # EIP-2681
CHAIN_ID_MAX = 2**63 - 1
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # secp256k1, SEC 2
_UNSIGNED_FIELDS = 9
_SIGNED_FIELDS = 12


class PayloadMalformed(ValueError):
    """Bytes that are not a tx of the kinds that this network makes."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """What a token's contract is asked to do: `target` is canonical, `units` are the contract's own."""

    target: str
    units: int


@dataclass(frozen=True, slots=True)
class Signature:
    y_parity: int
    r: int
    s: int


@dataclass(frozen=True, slots=True)
class EvmTx:
    """All fields of a tx. Fees are wei per gas, `value` is wei; `target` is the payee, or the contract when `transfer` or `act`
    is there, and empty where a contract is made. `signature` is None while the payload is unsigned."""

    chain_id: int
    nonce: int
    max_priority_fee_per_gas: int
    max_fee_per_gas: int
    gas_limit: int
    target: str
    value: int
    calldata: bytes
    transfer: Transfer | None = None
    signature: Signature | None = None
    act: Act | None = None

    @property
    def pays_plainly(self) -> bool:
        """Nothing but value in the chain's own asset, to `target`."""
        return self.transfer is None and self.act is None

    @property
    def fee_max_wei(self) -> int:
        return self.gas_limit * self.max_fee_per_gas


def encode_unsigned(tx: EvmTx) -> bytes:
    """The payload to sign; its keccak-256 is the signing hash."""
    return TYPE + rlp.encode(_fields(tx))


def with_signature(payload: bytes, y_parity: int, r: int, s: int) -> bytes:
    """The signed tx: an unsigned payload's own fields, then the signature's. Raises `PayloadMalformed`."""
    fields = rlp.decode(payload[1:])
    if isinstance(fields, bytes) or len(fields) != _UNSIGNED_FIELDS:
        raise PayloadMalformed("only an unsigned payload takes a signature")
    return TYPE + rlp.encode([*fields, *map(rlp.encode_quantity, (y_parity, r, s))])


def tx_id(signed: bytes) -> str:
    return "0x" + keccak(signed).hex()


def decode(payload: bytes) -> EvmTx:
    """An unsigned or a signed payload. Raises `PayloadMalformed`."""
    try:
        return _decode(payload)
    except ValueError as error:
        raise PayloadMalformed(str(error)) from error


def _decode(payload: bytes) -> EvmTx:
    if payload[:1] != TYPE:
        raise PayloadMalformed("the payload is not a tx of type 2")
    fields = rlp.decode(payload[1:])
    if isinstance(fields, bytes) or len(fields) not in {_UNSIGNED_FIELDS, _SIGNED_FIELDS}:
        raise PayloadMalformed("a tx has 9 fields unsigned and 12 signed")
    target, calldata = _octets(fields[5]), _octets(fields[7])
    if fields[8] != []:
        raise PayloadMalformed("an access list is not ours")
    transfer, act = _read_call(target, calldata)
    tx = EvmTx(
        chain_id=_number(fields[0], CHAIN_ID_MAX, "chain id", least=1),
        nonce=_number(fields[1], NONCE_MAX, "nonce"),
        max_priority_fee_per_gas=_number(fields[2], WORD_MAX, "priority fee"),
        max_fee_per_gas=_number(fields[3], WORD_MAX, "fee"),
        gas_limit=_number(fields[4], GAS_MAX, "gas limit"),
        target=checksum(target) if target else "",
        value=_number(fields[6], WORD_MAX, "value"),
        calldata=calldata,
        transfer=transfer,
        signature=_signature(fields[9:]) if len(fields) == _SIGNED_FIELDS else None,
        act=act,
    )
    _check(tx)
    return tx


def _read_call(target: bytes, calldata: bytes) -> tuple[Transfer | None, Act | None]:
    """What the calldata asks for: one of the two, or neither where there is none."""
    if not target:
        if calldata != CREATION:
            raise PayloadMalformed("the only contract that is made is our own")
        return None, Creation()
    if not calldata:
        return None, None
    act = read_act(calldata)
    return (Transfer(*parse_transfer_call(calldata)), None) if act is None else (None, act)


def _check(tx: EvmTx) -> None:
    if tx.max_priority_fee_per_gas > tx.max_fee_per_gas:
        raise PayloadMalformed("the priority fee is above the whole fee")
    if tx.fee_max_wei > WORD_MAX:
        raise PayloadMalformed("the fee is above 2^256 - 1")
    if tx.transfer is not None and tx.value:
        raise PayloadMalformed("a token's transfer carries no value")
    if tx.act is not None and tx.value != (tx.act.units if isinstance(tx.act, Payout) and tx.act.token is None else 0):
        raise PayloadMalformed("a payout of ether carries exactly what it pays, and nothing else carries any")


def _signature(fields: Sequence[rlp.Item]) -> Signature:
    """EIP-2: only the lower half of s, or the same payment would have two hashes."""
    return Signature(
        y_parity=_number(fields[0], 1, "y parity"),
        r=_number(fields[1], CURVE_ORDER - 1, "r", least=1),
        s=_number(fields[2], CURVE_ORDER >> 1, "s", least=1),
    )


def _fields(tx: EvmTx) -> list[rlp.Item]:
    numbers = (tx.chain_id, tx.nonce, tx.max_priority_fee_per_gas, tx.max_fee_per_gas, tx.gas_limit)
    return [*map(rlp.encode_quantity, numbers), to_bytes(tx.target), rlp.encode_quantity(tx.value), tx.calldata, []]


def _number(item: rlp.Item, most: int, name: str, *, least: int = 0) -> int:
    number = rlp.decode_quantity(item)
    if not least <= number <= most:
        raise PayloadMalformed(f"the {name} is out of range")
    return number


def _octets(item: rlp.Item) -> bytes:
    if not isinstance(item, bytes):
        raise PayloadMalformed("a list stands where bytes belong")
    return item
