"""Two providers that contradict each other, and how that ends: what they differed about is asked of both again.

What this prevents: a network that goes on because one of the two fell silent. Only agreement ends a dispute.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from chains.quorum.agreement import contradiction, fates_apart, merge_blocks
from chains.quorum.providers import Providers
from chains.quorum.readers import only_block
from wallet.ids import NetworkId
from wallet.ports import BlockRef, Network, NetworkError, SubmissionRef
from wallet.ports.providers import NetworkConflict

RECHECK_MS: Final = 5_000  # between two questions whether a conflict has ended; some of them are dear

T = TypeVar("T")
Check = Callable[[], Awaitable[tuple[str, str] | None]]
"""Asks again what was contradicted: the two that still differ, or None when they agree. Raises when one does not answer."""


@dataclass(slots=True)
class Dispute:
    """`about` is what the two `hosts` differ in, in words; `check` asks them again."""

    network: NetworkId
    about: str
    hosts: tuple[str, str]
    check: Check
    checked_at_ms: int

    def error(self) -> NetworkConflict:
        one, two = self.hosts
        return NetworkConflict(f"{self.network}: {one} and {two} contradict each other about {self.about}", self.hosts)

    async def ended(self) -> bool:
        """Whether the two agree by now. Asked every `RECHECK_MS`; in between, and while one is silent, they do not."""
        if now_ms() - self.checked_at_ms < RECHECK_MS:
            return False
        self.checked_at_ms = now_ms()
        try:
            return await self.check() is None
        except NetworkError:
            return False


def now_ms() -> int:
    return int(asyncio.get_running_loop().time() * 1_000)


async def finals_apart(providers: Providers, height: int, hosts: tuple[str, str]) -> tuple[str, str] | None:
    return contradiction(await ask_both(providers, lambda network: network.block_ref(height), hosts))


async def blocks_apart(providers: Providers, height: int, hosts: tuple[str, str]) -> tuple[str, str] | None:
    one, two = (await ask_both(providers, lambda network: only_block(network, height), hosts)).values()
    return None if one.id == two.id and merge_blocks([one, two], 1) is not None else hosts


async def outcomes_apart(
    providers: Providers, submission: SubmissionRef, hosts: tuple[str, str]
) -> tuple[str, str] | None:
    return fates_apart(await ask_both(providers, lambda network: network.status(submission), hosts))


async def holdings_apart(
    providers: Providers, addresses: Sequence[str], at: BlockRef, hosts: tuple[str, str]
) -> tuple[str, str] | None:
    seen = await ask_both(providers, lambda network: network.observe(addresses, at), hosts)
    return contradiction({host: (one.block, tuple(sorted(one.units.items()))) for host, one in seen.items()})


async def ask_both(
    providers: Providers, question: Callable[[Network], Awaitable[T]], hosts: tuple[str, str]
) -> dict[str, T]:
    """The answers of both. Raises the error of the one that gives none."""
    outcomes = await providers.outcomes(question, hosts, None)
    for outcome in outcomes.values():
        if isinstance(outcome, NetworkError):
            raise outcome
    return {host: outcome for host, outcome in outcomes.items() if not isinstance(outcome, NetworkError)}
