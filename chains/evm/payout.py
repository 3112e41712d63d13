"""The contract that pays many in one tx, and its calls at the level of bytes (`PayoutContract.yul`).

What this prevents: a signature over payments that people read in one way and the contract in another. There is one spelling
of a call, the one that is written here; whatever else the contract might make sense of is no call of ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from eth_hash.auto import keccak

from chains.evm import rlp
from chains.evm.address import checksum, to_bytes
from wallet.money import UNITS_MAX

PAYMENTS_MAX = 200  # a tx has at most 2^24 gas (EIP-7825); payments of some tokens take 80,000 each
UNITS_EACH_MAX = 2**96 - 1  # what fits beside an address in one word; whoever is paid more is paid alone
UNPAID_TOPIC = "0x77a3c9ba017f04f8837c55bec9f5b3eb86659639af6f2cc1f19e6c5b8d78040c"  # Unpaid(uint256,bytes32)
_PAY = bytes.fromhex("12e4cc6c")  # pay(address,uint256,bytes32[])
_APPROVE = bytes.fromhex("095ea7b3")  # approve(address,uint256), ERC-20
_HEAD = 4 + 4 * 32
_OFFSET = (96).to_bytes(32, "big")
CREATION = bytes.fromhex(
    "3460185761019c8061001e600039336000600101526000f35b600080fdfe7f000000000000000000000000000000000000000000000000"
    "000000000000000033186100f2576312e4cc6c60003560e01c186100f257600060043560243560443560601861015a573660643560051b"
    "6084011861015a5781156100f757813b1534176100f2576323b872dd60e01b60005233600452600581901c810160845b36811061009457"
    "505050505b60005260206000f35b8035606081901c6024526001600160601b038116604452825a106100f2576020608060646000808989"
    "f1600160805114601f3d11163d151716156100dc575b5060200161007f565b946100ea829660209361015e565b1794906100d3565b6000"
    "80fd5b905060845b36811061011d575050471561008b57600080808047335af161008b57600080fd5b803560008080806001600160601b"
    "038516606086901c88f115610144575b506020016100fc565b92610152829460209361015e565b17929061013b565b8280fd5b91909160"
    "83190160051c916001831b9260805260a0527f77a3c9ba017f04f8837c55bec9f5b3eb86659639af6f2cc1f19e6c5b8d78040c60406080"
    "a156"
)  # PayoutContract.yul, by solc 0.8.37 --strict-assembly --optimize --evm-version london
SOURCE_SHA256 = (
    "4394aaa59cfe7166ca49a7a264a2bf24e5865bac14c3372777a8c3b19987ecdd"  # of PayoutContract.yul, as it was compiled
)
_COPIED_FROM = 30  # how long the code is that makes the contract, and is no part of it
_OWNER_AT = 1  # where the contract has its owner, as a word


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment of a call: `target` is canonical, `units` are the token's own, or wei."""

    target: str
    units: int

    @property
    def word(self) -> bytes:
        return to_bytes(self.target) + self.units.to_bytes(12, "big")


@dataclass(frozen=True, slots=True)
class Payout:
    """A call of the contract. `token` is canonical, None for the chain's own asset; `gas_each` is the most that one payment of
    a token may use, 0 for ether: a payee gets the 2,300 that come with value."""

    token: str | None
    gas_each: int
    payments: tuple[Paid, ...]

    @property
    def units(self) -> int:
        return sum(payment.units for payment in self.payments)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a token's contract is asked to let `spender` move, of what belongs to who asks."""

    spender: str
    units: int


@dataclass(frozen=True, slots=True)
class Creation:
    """The tx makes our contract, of exactly our code; who sends it is its owner for ever."""


EVERYTHING = UNITS_MAX  # an allowance that no payment uses up: that is what most tokens do with it
Act = Payout | Allowance | Creation


def write_act(act: Act) -> bytes:
    """The calldata. Raises `ValueError` for a payout that has no spelling."""
    match act:
        case Payout():
            return _write_payout(act)
        case Allowance():
            return _APPROVE + _word(to_bytes(act.spender)) + act.units.to_bytes(32, "big")
        case Creation():
            return CREATION


def read_act(calldata: bytes) -> Payout | Allowance | None:
    """None for what is neither a call of the contract nor of approve(address,uint256). Raises `ValueError` for one that is
    spelled in another way than `write_act` does."""
    if calldata[:4] not in (_PAY, _APPROVE):
        return None
    act = _read_payout(calldata) if calldata[:4] == _PAY else _read_allowance(calldata)
    if write_act(act) != calldata:
        raise ValueError("a call of ours in another spelling than ours")
    return act


def deployed_code(owner: str) -> bytes:
    """What stands at the contract's address, if `owner` has made it."""
    code = bytearray(CREATION[_COPIED_FROM:])
    code[_OWNER_AT : _OWNER_AT + 32] = _word(to_bytes(owner))
    return bytes(code)


def created_address(owner: str, nonce: int) -> str:
    """Where a tx of this nonce makes its contract: keccak-256 of both in RLP (Yellow Paper, 7)."""
    return checksum(keccak(rlp.encode([to_bytes(owner), rlp.encode_quantity(nonce)]))[-20:])


def _write_payout(act: Payout) -> bytes:
    if not 0 < len(act.payments) <= PAYMENTS_MAX:
        raise ValueError(f"a payout makes 1 to {PAYMENTS_MAX} payments")
    if any(not 0 < payment.units <= UNITS_EACH_MAX for payment in act.payments):
        raise ValueError(f"a payment of a payout is of 1 to {UNITS_EACH_MAX} units")
    if (act.token is None) != (act.gas_each == 0):
        raise ValueError("a payment of a token has a limit of gas, and one of ether has the least")
    token = bytes(20) if act.token is None else to_bytes(act.token)
    if act.token is not None and not any(token):
        raise ValueError("no token has the address 0")
    numbers = (act.gas_each.to_bytes(32, "big"), _OFFSET, len(act.payments).to_bytes(32, "big"))
    return b"".join((_PAY, _word(token), *numbers, *(payment.word for payment in act.payments)))


def _read_payout(calldata: bytes) -> Payout:
    words = _words(calldata)
    if len(words) < 5 or len(calldata) > _HEAD + 32 * PAYMENTS_MAX:
        raise ValueError(f"a payout makes 1 to {PAYMENTS_MAX} payments")
    token = words[0][12:]
    payments = tuple(Paid(checksum(word[:20]), int.from_bytes(word[20:], "big")) for word in words[4:])
    return Payout(checksum(token) if any(token) else None, int.from_bytes(words[1], "big"), payments)


def _read_allowance(calldata: bytes) -> Allowance:
    words = _words(calldata)
    if len(words) != 2:
        raise ValueError("this is not a call of approve(address,uint256)")
    return Allowance(checksum(words[0][12:]), int.from_bytes(words[1], "big"))


def _words(calldata: bytes) -> Sequence[bytes]:
    return [calldata[at : at + 32] for at in range(4, len(calldata), 32)]


def _word(address: bytes) -> bytes:
    return bytes(12) + address
