"""Many small coins made one: what networks tell on which coins are unspent outputs."""

from typing import Protocol, runtime_checkable

from wallet.ports.submissions import Fee, Unsigned, UtxoSource


@runtime_checkable
class Gathering(Protocol):
    """A network on which what lies in many places costs more to pay with than what lies in one."""

    async def later_rate(self) -> int:
        """What a fee rate will be when nothing presses, in the unit of `Fee.rate`."""

    async def gather(self, source: UtxoSource, fee: Fee) -> Unsigned:
        """All of `source.available` that is worth its own fee goes to `source.change`, and nothing to anybody else. Raises
        `FundsShort` where that is not worth it."""
