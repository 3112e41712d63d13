"""What a network with contracts can tell and do besides `wallet.ports.Network`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from wallet.ports.arrivals import BlockRef
from wallet.ports.listings import Listing
from wallet.ports.submissions import Fee, Unsigned


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What a token's contract is at a block: Keccak-256 of its code, and of the code that it hands calls on to where it is a
    proxy (EIP-1967, EIP-1167, EIP-1822). None for what is not there. `symbol` is what it calls itself, of any characters."""

    contract: str
    symbol: str | None
    decimals: int | None
    code_hash: str | None
    implementation: str | None
    implementation_hash: str | None


@runtime_checkable
class Tokens(Protocol):
    """What a network with contracts can tell besides, and that it takes up a token while it runs."""

    async def token_facts(self, contracts: Sequence[str], at: BlockRef) -> Sequence[TokenFacts]:
        """In the order of `contracts`; asked twice about one block, it may answer from memory. Raises `ValueError` for what is
        no contract's address."""

    def carry(self, listing: Listing) -> None:
        """From now on blocks are read with this token. Raises `ValueError` for one that does not fit; again changes nothing."""


@dataclass(frozen=True, slots=True)
class StrayTransfer:
    """A token that is not listed, from an address of ours to where its owner wants it; in the contract's own units, with
    addresses in canonical form."""

    contract: str
    source: str
    target: str
    units: int


@runtime_checkable
class Recovering(Protocol):
    """What a network can do that sends strays back."""

    def check_contract(self, contract: str) -> str:
        """In canonical form. Raises `ValueError` for one that is listed, or none."""

    async def build_recovery(self, transfer: StrayTransfer, nonce: int, fee: Fee) -> Unsigned:
        """The unsigned tx; its `fee_max` is the gas that the source needs. Raises `FundsShort` where the token is not there any
        more, and `NetworkRejected`."""
