"""ERC-20 (EIP-20) at the level of bytes: the five calls that we make and the one log that we read."""

from dataclasses import dataclass

from chains.evm.address import checksum, to_bytes
from chains.evm.wire import LogAnswer, is_bytes
from wallet.money import UNITS_MAX

TRANSFER_TOPIC = (
    "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"  # Transfer(address,address,uint256)
)
_TRANSFER = bytes.fromhex("a9059cbb")  # transfer(address,uint256)
_BALANCE_OF = "0x70a08231"  # balanceOf(address)
_ALLOWANCE = "0xdd62ed3e"  # allowance(address,address)
DECIMALS_CALL = "0x313ce567"  # decimals()
TOTAL_SUPPLY_CALL = "0x18160ddd"  # totalSupply()
SYMBOL_CALL = "0x95d89b41"  # symbol()
TEXT_BYTES_MAX = 64  # symbols have three to six letters; who writes more wants to be seen
_PADDING = "0" * 24
_DECIMALS_MAX = 255  # a byte


@dataclass(frozen=True, slots=True)
class TransferLog:
    """One Transfer as a contract claims it. Addresses in lower case, not canonical: that costs more than all the rest; `units`
    are the contract's own."""

    contract: str
    source: str
    target: str
    units: int


def transfer_call(target: str, units: int) -> bytes:
    return _TRANSFER + bytes(12) + to_bytes(target) + units.to_bytes(32, "big")


def parse_transfer_call(calldata: bytes) -> tuple[str, int]:
    """Target and units of exactly what `transfer_call` makes. Raises `ValueError` for any other calldata."""
    if len(calldata) != 68 or calldata[:4] != _TRANSFER or any(calldata[4:16]):
        raise ValueError("this is not a call of transfer(address,uint256)")
    return checksum(calldata[16:36]), int.from_bytes(calldata[36:], "big")


def balance_call(contract: str, owner: str) -> dict[str, str]:
    """The parameter of eth_call."""
    return {"to": contract, "data": _BALANCE_OF + _PADDING + owner[2:].lower()}


def allowance_call(contract: str, owner: str, spender: str) -> dict[str, str]:
    """The parameter of eth_call: how much of what `owner` has `spender` may move."""
    words = (_PADDING + address[2:].lower() for address in (owner, spender))
    return {"to": contract, "data": _ALLOWANCE + "".join(words)}


def parse_word(answer: str) -> int | None:
    """The number that a call answered, None where it is not exactly one word."""
    return int(answer, 16) if is_bytes(answer, 32) else None


def parse_decimals(answer: str) -> int | None:
    """None for what is no byte."""
    number = parse_word(answer)
    return number if number is not None and number <= _DECIMALS_MAX else None


def parse_text(answer: str) -> str | None:
    """A short text that a call answered, as a string or, in the first tokens, as one word; None for everything else."""
    if parse_word(answer) is not None:
        return _printable(bytes.fromhex(answer[2:]).rstrip(b"\0"))
    if len(answer) < 130 or not is_bytes(answer, (len(answer) - 2) >> 1):
        return None
    words = bytes.fromhex(answer[2:])
    start, length = int.from_bytes(words[:32], "big"), int.from_bytes(words[32:64], "big")
    return _printable(words[64 : 64 + length]) if start == 32 and length <= len(words) - 64 else None


def _printable(letters: bytes) -> str | None:
    if not 0 < len(letters) <= TEXT_BYTES_MAX:
        return None
    text = letters.decode("utf-8", "replace")
    return text if text.isprintable() else None


def accepts_transfer(answer: str) -> bool:
    """True is one word that says 1; tokens of USDT's kind answer nothing at all and revert when they refuse."""
    return answer == "0x" or parse_word(answer) == 1


def read_transfer(log: LogAnswer) -> TransferLog | None:
    """None for every log that is not an ERC-20 Transfer in its standard form."""
    if len(log.topics) != 3 or log.topics[0] != TRANSFER_TOPIC:
        return None
    source, target, units = _topic_address(log.topics[1]), _topic_address(log.topics[2]), parse_word(log.data)
    if source is None or target is None or units is None or units > UNITS_MAX:
        return None
    return TransferLog(log.address.lower(), source, target, units)


def _topic_address(topic: str) -> str | None:
    if not is_bytes(topic, 32) or topic[2:26] != _PADDING:
        return None
    return "0x" + topic[26:].lower()
