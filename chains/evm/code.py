"""What a token's contract is: its code, the code that it hands its calls on to, and what it says of itself.

What this prevents: a token that was looked at and listed, and is another one afterwards (DPE-16). A proxy's own code never
changes; so the code of its implementation is told as well, wherever the usual kinds of proxy keep it. Two batches of
questions however many contracts there are, each at one block.
"""

from collections.abc import Sequence

from eth_hash.auto import keccak

from chains.evm.address import checksum_lower
from chains.evm.token import DECIMALS_CALL, SYMBOL_CALL, parse_decimals, parse_text
from chains.evm.wire import at_block, is_bytes, is_failure, unread
from chains.rpc.client import Call, JsonRpc, RpcError
from wallet.ports import BlockRef, NetworkUnreachable
from wallet.ports.tokens import TokenFacts

_SLOTS = (
    "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc",  # EIP-1967, implementation
    "0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3",  # OpenZeppelin's before it: USDC has it
    "0xc5f16f0fcc639fa48a6947836d9850f504798523bf8c9a3a87d5876cf622bcf7",  # EIP-1822
)
_BEACON_SLOT = "0xa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50"  # EIP-1967
_BEACON_CALL = "0x5c60da1b"  # implementation()
_CLONE_START, _CLONE_END = "363d3d373d3d3d363d73", "5af43d82803e903d91602b57fd5bf3"  # EIP-1167
_DELEGATION = "ef0100"  # EIP-7702
_CODE_DIGITS_MAX = 2 * 64 * 1024  # twice what EIP-170 allows
_NO_CODE = "0x"

_Answer = str | RpcError


async def token_facts(rpc: JsonRpc, contracts: Sequence[str], at: BlockRef) -> list[TokenFacts]:
    """In the order of `contracts`. Raises the network's errors; what a contract does not tell is None."""
    questions = [call for contract in contracts for call in _questions(contract, at)]
    answers = await rpc.batch_outcomes(questions, str)
    width = len(_SLOTS) + 4
    parts = [answers[start : start + width] for start in range(0, len(answers), width)]
    implementations = [_implementation(part) for part in parts]
    beacons = [
        None if found is not None else _address(part[-1]) for part, found in zip(parts, implementations, strict=True)
    ]
    behind = await _behind_beacons(rpc, beacons, at)
    found = [one or other for one, other in zip(implementations, behind, strict=True)]
    codes = await _codes(rpc, found, at)
    return [
        TokenFacts(
            contract, parse_text(_text(part[1])), parse_decimals(_text(part[2])), _hash(part[0]), implementation, code
        )
        for contract, part, implementation, code in zip(contracts, parts, found, codes, strict=True)
    ]


def _questions(contract: str, at: BlockRef) -> list[Call]:
    where = at_block(at.id)
    called: list[Call] = [
        ("eth_call", [{"to": contract, "data": data}, where]) for data in (SYMBOL_CALL, DECIMALS_CALL)
    ]
    slots: list[Call] = [("eth_getStorageAt", [contract, slot, where]) for slot in (*_SLOTS, _BEACON_SLOT)]
    return [("eth_getCode", [contract, where]), *called, *slots]


async def _behind_beacons(rpc: JsonRpc, beacons: Sequence[str | None], at: BlockRef) -> list[str | None]:
    """What a beacon names (EIP-1967). Asked for only where there is one."""
    asked = [beacon for beacon in beacons if beacon is not None]
    calls: list[Call] = [("eth_call", [{"to": beacon, "data": _BEACON_CALL}, at_block(at.id)]) for beacon in asked]
    answers = iter(await rpc.batch_outcomes(calls, str) if calls else [])
    return [None if beacon is None else _address(next(answers)) for beacon in beacons]


async def _codes(rpc: JsonRpc, addresses: Sequence[str | None], at: BlockRef) -> list[str | None]:
    calls: list[Call] = [("eth_getCode", [one, at_block(at.id)]) for one in addresses if one is not None]
    answers = iter(await rpc.batch_outcomes(calls, str) if calls else [])
    return [None if one is None else _hash(next(answers)) for one in addresses]


def _implementation(part: Sequence[_Answer]) -> str | None:
    """Where the contract's own code sends its calls, or one of the slots names."""
    code = _text(part[0]).removeprefix("0x")
    if code.startswith(_CLONE_START) and code.endswith(_CLONE_END) and len(code) == 90:
        return checksum_lower(code[20:60])
    if code.startswith(_DELEGATION) and len(code) == 46:
        return checksum_lower(code[6:])
    slots = [_address(answer) for answer in part[3 : 3 + len(_SLOTS)]]
    return next((slot for slot in slots if slot is not None), None)


def _text(answer: _Answer) -> str:
    """Raises where the answer says nothing of the contract: silence of a provider is no fact about a token."""
    if isinstance(answer, RpcError):
        if not is_failure(answer):
            raise unread(answer)
        return _NO_CODE
    return answer.lower()


def _address(answer: _Answer) -> str | None:
    word = _text(answer)
    if not is_bytes(word, 32) or int(word, 16) == 0 or int(word, 16) >> 160:
        return None
    return checksum_lower(word[-40:])


def _hash(answer: _Answer) -> str | None:
    """Keccak-256 of the code, as EXTCODEHASH tells it; None where there is none."""
    code = _text(answer)
    if code == _NO_CODE:
        return None
    if len(code) > _CODE_DIGITS_MAX or not is_bytes(code, len(code) // 2 - 1):
        raise NetworkUnreachable("the node answered malformed code")
    return "0x" + keccak(bytes.fromhex(code[2:])).hex()
