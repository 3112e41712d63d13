"""What people decided, and what the breaker did by itself: lines of the memory's chain, beside the signatures.

What this prevents: a stop that a restart lifts, a resumption that is played again, a policy or a list of operators that is
older than one that was in force. They are synced as signatures are, and a memory without them does not verify.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

HOUR_S = 3600
ALL = "all"
BREAKER = "breaker"  # who stopped it, when nobody did


class Stopped(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="control", tag="stopped"):
    """Nothing within the scope is signed. `by` is "operators", or `BREAKER`; `at` in Unix seconds."""

    at: int
    scope: str
    why: str
    by: str


class Resumed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="control", tag="resumed"):
    """Enrolled operators, by name, lifted the stop of this very scope; the breaker counts anew there."""

    at: int
    scope: str
    why: str
    by: tuple[str, ...]


class PolicyTaken(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="control", tag="policy"):
    """From here on no policy of a lower version is accepted, nor another of the same."""

    at: int
    version: int
    digest: str


class Enrolled(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="control", tag="enrolled"):
    """From here on this list of operators counts and no other; `by` are those who agreed, nobody for the first one."""

    at: int
    version: int
    digest: str
    by: tuple[str, ...]


class HeadSeen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="control", tag="head"):
    """How far the node's journal was when it last came, so that an older one, or another, is noticed."""

    at: int
    seq: int
    hash: str


class Adopted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="control", tag="adopted"):
    """Enrolled operators looked at a memory and a journal that contradicted each other, and vouch for both up to here:
    `submission` is the newest that the journal then knew."""

    at: int
    seq: int
    hash: str
    submission: str
    by: tuple[str, ...]


Control = Stopped | Resumed | PolicyTaken | Enrolled | HeadSeen | Adopted
_decoder: msgspec.json.Decoder[Control] = msgspec.json.Decoder(Control)
_BEGINNING = b'{"control":'


def is_control(body: bytes) -> bool:
    """Lines of the two sorts begin differently: a signature's with its time."""
    return body.startswith(_BEGINNING)


def decode_control(body: bytes) -> Control:
    """Raises `msgspec.DecodeError`."""
    return _decoder.decode(body)


class Rolling:
    """A sum over what was added within the last hour. Times never go back."""

    __slots__ = ("_added", "_total")

    def __init__(self) -> None:
        self._added: deque[tuple[int, int]] = deque()
        self._total = 0

    def add(self, at: int, units: int) -> None:
        self._added.append((at, units))
        self._total += units

    def within_hour(self, now: int) -> int:
        while self._added and self._added[0][0] <= now - HOUR_S:
            self._total -= self._added.popleft()[1]
        return self._total

    def forget(self) -> None:
        self._added.clear()
        self._total = 0


@dataclass(slots=True)
class Controls:
    """Where the lines so far have led. `challenge` is the seal of the last act of people: what they sign next contains it,
    so that no signature of theirs is good twice."""

    challenge: str = ""
    stops: dict[str, Stopped] = field(default_factory=dict)
    policy: PolicyTaken | None = None
    enrolled: Enrolled | None = None
    head: HeadSeen | None = None
    adopted: Adopted | None = None
    _outflows: dict[tuple[str, str], Rolling] = field(default_factory=dict)
    _withdrawals: Rolling = field(default_factory=Rolling)

    def take(self, control: Control, mac: str) -> None:
        match control:
            case Stopped():
                self.stops.setdefault(control.scope, control)
            case Resumed():
                self._resume(control.scope)
            case PolicyTaken():
                self.policy = control
            case Enrolled():
                self.enrolled = control
            case HeadSeen():
                self.head = control
            case Adopted():
                self.adopted, self.head = control, HeadSeen(control.at, control.seq, control.hash)
        if isinstance(control, Resumed | Enrolled | Adopted):
            self.challenge = mac

    def count(self, at: int, network: str, outflows: Iterable[tuple[str, int]], withdrawals: int) -> None:
        """A signature was made."""
        for asset, units in outflows:
            self._outflows.setdefault((network, asset), Rolling()).add(at, units)
        self._withdrawals.add(at, withdrawals)

    def outflow(self, network: str, asset: str, now: int) -> int:
        """Units that left within the hour, network fees among them."""
        rolling = self._outflows.get((network, asset))
        return 0 if rolling is None else rolling.within_hour(now)

    def withdrawals(self, now: int) -> int:
        return self._withdrawals.within_hour(now)

    def stops_on(self, network: str, assets: Iterable[str]) -> Iterator[Stopped]:
        """Those that a signature on this network, which moves these assets, would fall under."""
        for scope in (ALL, network_scope(network), *map(asset_scope, assets)):
            if scope in self.stops:
                yield self.stops[scope]

    def _resume(self, scope: str) -> None:
        self.stops.pop(scope, None)
        for (network, asset), rolling in self._outflows.items():
            if scope in {ALL, network_scope(network), asset_scope(asset)}:
                rolling.forget()
        if scope == ALL:
            self._withdrawals.forget()


def network_scope(network: str) -> str:
    return f"network:{network}"


def asset_scope(asset: str) -> str:
    return f"asset:{asset}"
