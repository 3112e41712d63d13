"""Addresses of ours: from which keys they are derived, and the book of those that were handed out."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from wallet.ids import NetworkId


class Branch(StrEnum):
    """Customers' deposit addresses, and the node's own (index 0 is the hot address; operators fund it). A network that
    gives customers a second kind of address has a branch of keys for it, each with a counter of its own."""

    DEPOSIT = "deposit"
    HOUSE = "house"
    DEPOSIT_TAPROOT = "deposit-taproot"


@dataclass(frozen=True, slots=True)
class Derived:
    """An address made from public material only, with the path by which the signer finds its key."""

    address: str
    path: str


class AddressBook(Protocol):
    async def known(self, network: NetworkId, addresses: Collection[str]) -> frozenset[str]:
        """Which of these are ours, in canonical form; they may be asked for in small letters, as nodes write them. Current at
        the moment of the call, across processes. Ours is also what was handed out on another network with the same keys."""
