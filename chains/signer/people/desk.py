"""Where people speak to the signer: anybody who may ask it stops it; what loosens takes enrolled operators' signatures.

Signatures are gathered until there are enough; they are kept in this process only, so after a restart each signs again.
"""

import re
from collections.abc import Callable, Mapping

from chains.signer.judging.effect import refuse
from chains.signer.judging.policy import Policy
from chains.signer.memory.controls import ALL, Controls, Enrolled, Resumed, Stopped
from chains.signer.memory.memory import Memory, MemoryUnfit
from chains.signer.people.acts import ENROL, RESUME, act_digest, enrol_fields, resume_fields
from chains.signer.people.operators import Gathered, Operators, OperatorsRefused, enrol
from wallet.ports import Approval, SignerStop, SignerUnavailable

WHY_CHARACTERS_MAX = 500
GATHERED_MAX = 64  # signatures kept for acts that are not done yet
_SCOPE = re.compile(r"all|(network|asset):[A-Za-z0-9._-]{1,64}", re.ASCII)


class Desk:
    """Over the memory of a signer that is not locked."""

    def __init__(self, memory: Memory, operators: Operators, policy: Policy, now: Callable[[], int]) -> None:
        self._memory = memory
        self._operators = operators
        self._policy = policy
        self._now = now
        self._gathered: dict[bytes, list[Approval]] = {}
        self.keep: Callable[[Operators, Enrolled], None] | None = None  # where the list lies; set by the start

    @property
    def controls(self) -> Controls:
        return self._memory.controls

    @property
    def operators(self) -> Operators:
        return self._operators

    def stop(self, scope: str, why: str) -> None:
        """Durable when this returns; a second stop of the scope changes nothing. Raises `SignerRefused`,
        `SignerUnavailable` where the disk fails, and then nothing is signed either."""
        self._check_scope(scope)
        if scope not in self.controls.stops:
            self._keep(Stopped(self._time(), scope, _clean(why), "operators"))

    def resume(self, scope: str, why: str, approval: Approval) -> Gathered:
        """One more signature for lifting the stop of this scope as it stands. Raises `SignerRefused`."""
        stop = self.controls.stops.get(scope)
        if stop is None:
            raise refuse(f"{scope} is not stopped")
        digest = act_digest(RESUME, self.controls.challenge, resume_fields(scope, stop.at, stop.why))
        gathered = self.gather(digest, approval)
        if gathered.done:
            self._keep(Resumed(self._time(), scope, _clean(why), gathered.signed))
        return gathered

    def enrol(self, keys: Mapping[str, str], needed: int, approval: Approval) -> Gathered:
        """One more signature, of those who are enrolled now, for another list. Raises `SignerRefused`."""
        if self.keep is None or self._operators.dev:
            raise refuse("this signer's operators are not changed: they were made for development")
        try:
            wanted = enrol(self._operators.version + 1, keys, needed)
        except OperatorsRefused as reason:
            raise refuse(str(reason)) from None
        gathered = self.gather(act_digest(ENROL, self.controls.challenge, enrol_fields(wanted.digest)), approval)
        if gathered.done:
            self._replace(wanted, gathered.signed)
        return gathered

    def _replace(self, wanted: Operators, by: tuple[str, ...]) -> None:
        assert self.keep is not None, "asked before"
        try:
            self.keep(wanted, Enrolled(self._time(), wanted.version, wanted.digest, by))
        except (MemoryUnfit, OSError) as reason:
            raise SignerUnavailable(f"this could not be kept: {reason}") from None
        self._operators = wanted

    def gather(self, digest: bytes, approval: Approval) -> Gathered:
        """One more signature over an act. Raises `SignerRefused` for one that is none of the enrolled's."""
        if not self._operators.signed_by(digest, [approval]):
            raise refuse("this is no enrolled operator's signature over the act as it stands now")
        if sum(map(len, self._gathered.values())) >= GATHERED_MAX:
            self._gathered.clear()
        approvals = self._gathered.setdefault(digest, [])
        approvals.append(approval)
        signed = self._operators.signed_by(digest, approvals)
        done = len(signed) >= self._operators.needed
        if done:
            self._gathered.clear()
        return Gathered(signed, self._operators.needed, done)

    def _keep(self, control: Stopped | Resumed) -> None:
        try:
            self._memory.stage_control(control)
            self._memory.sync()
        except MemoryUnfit as reason:
            raise SignerUnavailable(f"nothing is signed, but this could not be kept: {reason}") from None

    def _time(self) -> int:
        return self._memory.time(self._now())

    def _check_scope(self, scope: str) -> None:
        """A misspelled stop must not be believed to have stopped something."""
        kind, _, name = scope.partition(":")
        known = {
            "network": set(self._policy),
            "asset": {one for rules in self._policy.values() for one in rules.limits},
        }
        if not _SCOPE.fullmatch(scope) or (scope != ALL and name not in known[kind]):
            raise refuse(
                f"this signer knows no such {kind if name else 'scope'}: stop all, a network or an asset of its"
            )


def stops_told(controls: Controls) -> tuple[SignerStop, ...]:
    return tuple(SignerStop(one.scope, one.why, one.by, one.at) for one in controls.stops.values())


def _clean(why: str) -> str:
    """One line that a terminal can show."""
    return "".join(character if character.isprintable() else " " for character in why)[:WHY_CHARACTERS_MAX]
