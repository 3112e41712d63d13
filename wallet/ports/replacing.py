"""What a network can tell of what no block takes: the same again at a higher fee, and a nonce used up by nothing."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from wallet.ports.submissions import NonceSource, Unsigned


@runtime_checkable
class Replacing(Protocol):
    """A network on which signed bytes can be replaced by others on the same nonce or inputs."""

    async def raise_fee(self, unsigned: bytes, consumes: Sequence[str], *, urgent: bool) -> Unsigned | None:
        """The same payments on the same nonce or inputs, which `consumes` names, at the present price, and at the least at
        what the network's own rule asks of a replacement of `unsigned` (the dearest so far). None where `unsigned` pays the
        present price, unless it is `urgent`.

        Raises `FeeTooHigh` above our own cap, `FeeAbsurd`, `FundsShort` where the source cannot bear more, and the network's
        other errors."""


@runtime_checkable
class Cancelling(Protocol):
    """A network whose submissions use up nonces, in order: one that is missing holds up all that come after it."""

    async def build_self_cancel(self, source: NonceSource) -> Unsigned:
        """A payment of nothing to our own hot address. Raises as `raise_fee`."""
