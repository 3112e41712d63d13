"""What some networks can do besides: pay many withdrawals through a contract of ours, in one submission."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from wallet.money import Asset
from wallet.ports.submissions import Fee, NonceSource, Unsigned


@dataclass(frozen=True, slots=True)
class PayoutSetup:
    """What makes it possible, or ends it: without an `asset` the contract is made; with one it may move all of that asset
    that its owner has, or none of it any more. A network's own asset comes with the call and needs no leave."""

    asset: Asset | None = None
    is_allowed: bool = True


@runtime_checkable
class PayingTogether(Protocol):
    """What a network can do that knows such a contract. Its owner is whoever makes it, for ever."""

    def pay_through(self, contract: str | None, assets: Collection[str] = ()) -> None:
        """From now on `build` takes as many instructions as `capabilities.batch_max` then says, of these assets, if `source`
        owns the contract; None: one at a time. Raises `ValueError` for what is no address."""

    def contract_made(self, owner: str, nonce: int) -> str:
        """The address of a contract that `owner` makes with this nonce."""

    def contract_code_hash(self, owner: str) -> str:
        """What the code is known by that must stand there (`TokenFacts.code_hash`)."""

    async def build_setup(self, setup: PayoutSetup, contract: str | None, source: NonceSource, fee: Fee) -> Unsigned:
        """Raises `FundsShort`, `NetworkRejected`, and `ValueError` for an asset that needs no leave here."""
