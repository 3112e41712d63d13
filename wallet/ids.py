"""Identifiers: a prefix that tells the noun, then 26 characters that sort by time (ULID, Crockford base 32).

Each noun has its own type, so that a `WithdrawalId` cannot be passed for a `DepositId`.
"""

import os
import time
from collections.abc import Callable
from functools import lru_cache
from typing import NewType

CustomerId = NewType("CustomerId", str)  # cus_
AddressId = NewType("AddressId", str)  # adr_
DepositId = NewType("DepositId", str)  # dep_
WithdrawalId = NewType("WithdrawalId", str)  # wdr_
SubmissionId = NewType("SubmissionId", str)  # sub_
PaymentId = NewType("PaymentId", str)  # pay_
SettlementId = NewType("SettlementId", str)  # stl_
HoldId = NewType("HoldId", str)  # hld_
ApiKeyId = NewType("ApiKeyId", str)  # key_
VaultItemId = NewType("VaultItemId", str)  # vlt_
OperatorId = NewType("OperatorId", str)  # opr_
SavedDestinationId = NewType("SavedDestinationId", str)  # dst_
StatementId = NewType("StatementId", str)  # stm_
NetworkId = NewType("NetworkId", str)  # a configured short name: "ethereum", "bitcoin", "sepa"
AccountId = NewType("AccountId", str)  # owner:code:asset, see ledger/accounts.py

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_CHARACTER_OF = bytes(ord(_ALPHABET[byte & 31]) for byte in range(256))  # of a random byte: five of its bits
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]  # ten bits at a time

_DRAWN_AT_ONCE = 256  # each question to the operating system costs as much as all the rest of an identifier
_drawn: list[str] = []
os.register_at_fork(after_in_child=_drawn.clear)  # a child would make its parent's identifiers again

IdSource = Callable[[str], str]
"""Makes a fresh identifier for a prefix such as "dep". An input of every use case (style, rule 14)."""


def encode_ulid(at_ms: int, entropy: int) -> str:
    """26 characters: 48 bits of milliseconds, then 80 bits of entropy."""
    value = (at_ms << 80) | (entropy & ((1 << 80) - 1))
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(120, -1, -10)])


def random_id(prefix: str) -> str:
    """The production `IdSource`: the wall clock for order, the operating system's entropy for uniqueness. As `encode_ulid`, but
    without a number in between: each request makes some."""
    return f"{prefix}_{_time_part(time.time_ns() // 1_000_000)}{_entropy_part()}"


def _entropy_part() -> str:
    if not _drawn:
        text = os.urandom(16 * _DRAWN_AT_ONCE).translate(_CHARACTER_OF).decode("ascii")
        _drawn.extend([text[first : first + 16] for first in range(0, len(text), 16)])
    return _drawn.pop()


@lru_cache(maxsize=4)
def _time_part(at_ms: int) -> str:
    return encode_ulid(at_ms, 0)[:10]
