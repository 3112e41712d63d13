"""What a network can tell besides where value can arrive that no block names: the balances of many addresses at one block."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from wallet.ports.arrivals import BlockRef


@runtime_checkable
class Balances(Protocol):
    """What a network can tell besides where value can arrive that no block names."""

    async def balances(self, addresses: Sequence[str], at: BlockRef) -> Mapping[str, Mapping[str, int]]:
        """By asset and address what lies there in whole ledger units, zeros left out. An address whose balance of a token its
        contract does not tell is left out too. Raises `BlockVanished` where the state of that block is not there any more."""
