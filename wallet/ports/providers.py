"""What the core asks of a network that stands on providers which may fail, lie, or contradict each other."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from wallet.ports.errors import NetworkError


class NetworkConflict(NetworkError):
    """Two providers contradict each other about what is final, or about what one block holds: somebody lies or is broken.

    Nothing of this network is credited or paid while it lasts. It ends when those who contradicted each other agree.
    The message names both by host; `hosts` are the same.
    """

    def __init__(self, message: str, hosts: tuple[str, str]) -> None:
        super().__init__(message)
        self.hosts = hosts


class CircuitState(StrEnum):
    """Whether a provider is asked: as usual; not for a while, since it failed often; or once, to see whether it answers."""

    CLOSED = "closed"
    OPEN = "open"
    TRYING = "trying"


@dataclass(frozen=True, slots=True)
class ProviderView:
    """One provider as it was seen last. `host` is host and port and nothing else of its URL, which may hold a key.

    `agrees` is None while there is nobody to agree with, or it has not answered. `error` is why it did not.
    `unproven` is why the block that it showed last could not be verified: it was taken at its word.
    """

    host: str
    circuit: CircuitState = CircuitState.CLOSED
    tip: int | None = None
    final: int | None = None
    agrees: bool | None = None
    error: str | None = None
    unproven: str | None = None


@runtime_checkable
class Provided(Protocol):
    """What a network behind providers can tell of them besides."""

    def providers(self) -> tuple[ProviderView, ...]: ...
