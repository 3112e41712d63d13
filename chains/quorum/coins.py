"""A quorum of networks that show payments before they are in a block. Nothing of that is ever credited, so nobody need agree:
whatever one of them shows waits, and it is gone when none shows it."""

from collections.abc import Sequence

from chains.quorum.agreement import middle_raise
from chains.quorum.quorum import Quorum
from wallet.ports import Fee, Gathering, Incoming, Network, Replacing, Unsigned, UtxoSource
from wallet.ports.announcing import Announcing, Departure


class CoinQuorum(Quorum):
    """`wallet.ports.announcing.Announcing`, `wallet.ports.Gathering` and `Replacing` besides."""

    async def announced(self) -> Sequence[Incoming]:
        """What any of them shows: mempools differ, and a customer looks for their payment."""
        await self._undisputed()
        shown = await self._providers.ask(_announced)
        return tuple({one.identity: one for found in shown.values() for one in found}.values())

    async def departure(self, tx: str) -> Departure | None:
        """None while one of them has it; the strongest reason otherwise."""
        await self._undisputed()

        async def asked(network: Network) -> Departure | None:
            return await _announcing(network).departure(tx)

        told = list((await self._providers.ask(asked)).values())
        if None in told:
            return None
        return next(
            reason for reason in (Departure.CONFLICTED, Departure.REPLACED, Departure.DROPPED) if reason in told
        )

    async def later_rate(self) -> int:
        """The median, so that one provider alone makes nothing look cheap."""
        told = sorted((await self._providers.ask(_later_rate)).values())
        return told[len(told) >> 1]

    async def gather(self, source: UtxoSource, fee: Fee) -> Unsigned:
        """By the first that answers, as `build`."""

        async def asked(network: Network) -> Unsigned:
            return await _gathering(network).gather(source, fee)

        return await self._providers.first(asked)

    async def raise_fee(self, unsigned: bytes, consumes: Sequence[str], *, urgent: bool) -> Unsigned | None:
        """As `wallet.ports.Replacing`: the middle of what they find."""

        async def found(network: Network) -> Unsigned | None:
            if not isinstance(network, Replacing):
                raise TypeError(f"nothing is replaced on {network.id}")
            return await network.raise_fee(unsigned, consumes, urgent=urgent)

        return middle_raise(list((await self._providers.ask(found)).values()))


async def _later_rate(network: Network) -> int:
    return await _gathering(network).later_rate()


def _gathering(network: Network) -> Gathering:
    if not isinstance(network, Gathering):
        raise TypeError(f"{network.id} has no coins to gather")
    return network


async def _announced(network: Network) -> Sequence[Incoming]:
    return await _announcing(network).announced()


def _announcing(network: Network) -> Announcing:
    if not isinstance(network, Announcing):
        raise TypeError(f"{network.id} shows nothing before it is in a block")
    return network
