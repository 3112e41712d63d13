"""The providers of one network, asked at once: who answered, who did not and why.

What this prevents: one slow, dead or strange provider that holds up all others, and a provider that comes back as the door
to another chain. Each is asked who it is before it is asked anything else, again after every time that it did not answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from wallet.ids import NetworkId
from wallet.ports import (
    Network,
    NetworkError,
    NetworkMismatch,
    NetworkRateLimited,
    NetworkUnreachable,
)
from wallet.ports.providers import Provided, ProviderView

PATIENCE_S: Final = 2  # for those who are slower than enough others: an answer of a healthy node takes a tenth of it

T = TypeVar("T")
Question = Callable[[Network], Awaitable[T]]


class Providers:
    """`members` by host. `least` of them must answer, or nobody did."""

    def __init__(self, network: NetworkId, members: Mapping[str, Network], least: int) -> None:
        if not 1 <= least <= len(members):
            raise ValueError(f"{network}: a quorum is at least 1 and at most the number of providers")
        self._network = network
        self.members = dict(members)
        self.least = least
        self.errors: dict[str, NetworkError] = {}
        self._hosts = {id(member): host for host, member in members.items()}
        self._identity: str | None = None
        self._met: set[str] = set()

    async def identity(self) -> str:
        """All who answer are the same chain. Raises `NetworkMismatch` where two differ or one serves another."""
        outcomes = await self._outcomes(lambda network: network.identity(), self.members, PATIENCE_S)
        for outcome in outcomes.values():
            if isinstance(outcome, NetworkMismatch):
                raise outcome
        answers = self._answers(outcomes)
        if len(set(answers.values())) > 1:
            raise NetworkMismatch(f"{self._network}: the providers {', '.join(answers)} serve different chains")
        self._enough(outcomes)
        self._met = set(answers)
        self._identity = next(iter(answers.values()))
        return self._identity

    async def ask(
        self, question: Question[T], among: Iterable[str] | None = None, patience_s: int | None = PATIENCE_S
    ) -> dict[str, T]:
        """Answers by host, of at least `least`. Who has not answered `patience_s` after so many did is not waited for."""
        outcomes = await self.outcomes(question, among, patience_s)
        self._enough(outcomes)
        return self._answers(outcomes)

    async def outcomes(
        self, question: Question[T], among: Iterable[str] | None = None, patience_s: int | None = PATIENCE_S
    ) -> dict[str, T | NetworkError]:
        """As `ask`, with the errors of those who gave one."""
        if self._identity is None:
            await self.identity()
        hosts = self.members if among is None else tuple(among)
        return await self._outcomes(lambda network: self._met_first(network, question), hosts, patience_s)

    async def first(self, question: Question[T]) -> T:
        """The answer of the first that gives one, in the order of the configuration; one after the other."""
        outcomes: dict[str, T | NetworkError] = {}
        for host in self.members:
            outcomes |= await self.outcomes(question, [host], None)
            outcome = outcomes[host]
            if not isinstance(outcome, NetworkError):
                return outcome
            if not outcome.retry:
                raise outcome
        raise self._short_of(outcomes)

    def host(self, network: Network) -> str:
        return self._hosts[id(network)]

    def views(self) -> list[ProviderView]:
        """Host, circuit and error of each."""
        return [replace(self._own_view(host), host=host, error=self._error(host)) for host in self.members]

    def _own_view(self, host: str) -> ProviderView:
        network = self.members[host]
        return network.providers()[0] if isinstance(network, Provided) else ProviderView(host)

    def _error(self, host: str) -> str | None:
        error = self.errors.get(host)
        return f"{type(error).__name__}: {error}" if error is not None else None

    async def _met_first(self, network: Network, question: Question[T]) -> T:
        host = self.host(network)
        if host not in self._met:
            if await network.identity() != self._identity:
                raise NetworkMismatch(f"{self._network}: {host} serves another chain than the others")
            self._met.add(host)
        try:
            return await question(network)
        except (NetworkUnreachable, NetworkRateLimited):
            self._met.discard(host)
            raise

    async def _outcomes(
        self, question: Question[T], hosts: Iterable[str], patience_s: int | None
    ) -> dict[str, T | NetworkError]:
        tasks = {host: asyncio.ensure_future(_answer(question, self.members[host])) for host in hosts}
        try:
            await self._wait(set(tasks.values()), patience_s)
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
        outcomes = {host: self._outcome(host, task) for host, task in tasks.items()}
        for host, outcome in outcomes.items():
            self.errors.pop(host, None)
            if isinstance(outcome, NetworkError):
                self.errors[host] = outcome
        return outcomes

    async def _wait(self, waiting: "set[asyncio.Future[T | NetworkError]]", patience_s: int | None) -> None:
        """Until all have answered; once enough have, each further one within `patience_s`."""
        answered = 0
        while waiting:
            left_s = patience_s if answered >= self.least else None
            done, waiting = await asyncio.wait(waiting, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                return
            answered += sum(not isinstance(task.result(), NetworkError) for task in done)

    def _outcome(self, host: str, task: "asyncio.Future[T | NetworkError]") -> T | NetworkError:
        if task.done() and not task.cancelled():
            return task.result()
        self._met.discard(host)
        return NetworkUnreachable(f"{host}: slower than the others by more than {PATIENCE_S} s")

    def _answers(self, outcomes: Mapping[str, T | NetworkError]) -> dict[str, T]:
        return {host: outcome for host, outcome in outcomes.items() if not isinstance(outcome, NetworkError)}

    def _enough(self, outcomes: Mapping[str, T | NetworkError]) -> None:
        if len(self._answers(outcomes)) < self.least:
            raise self._short_of(outcomes)

    def _short_of(self, outcomes: Mapping[str, T | NetworkError]) -> NetworkError:
        """The error itself where all that failed did so in the same way."""
        errors = {host: outcome for host, outcome in outcomes.items() if isinstance(outcome, NetworkError)}
        kinds = {type(error) for error in errors.values()}
        if len(kinds) == 1 and len(errors) == len(outcomes):
            return next(iter(errors.values()))
        told = "; ".join(f"{host}: {error}" for host, error in errors.items())
        count = len(outcomes) - len(errors)
        return NetworkUnreachable(f"{self._network}: {count} providers answered, {self.least} are needed ({told})")


async def _answer(question: Question[T], network: Network) -> T | NetworkError:
    try:
        return await question(network)
    except NetworkError as error:
        return error
