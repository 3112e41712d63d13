"""What a network whose destinations may be programs can tell of one before anything is promised."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from wallet.money import Amount
from wallet.ports.submissions import Destination


@dataclass(frozen=True, slots=True)
class Recipient:
    """`is_contract`: there is code at the destination, which may refuse what is sent to it, or cost more."""

    is_contract: bool


@runtime_checkable
class Trying(Protocol):
    async def try_recipient(self, amount: Amount, source: str, destination: Destination) -> Recipient:
        """The payment of `amount` from `source`, as it would go now. Raises `RecipientRefuses`, `CostTooHigh`, another
        `NetworkRejected` for what nobody should be paid at, and the network's errors. Where the source is short of funds it
        is not tried, and what stands at the destination is told all the same."""
