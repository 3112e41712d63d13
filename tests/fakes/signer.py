"""A signer that signs for fake networks. It remembers what it signed, can be locked, and can refuse."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wallet.ids import SubmissionId
from wallet.ports import (
    Ground,
    Purpose,
    Signed,
    SignerRefused,
    SignerStatus,
    SignerStop,
    SignerUnavailable,
    SignRequest,
)


@dataclass(slots=True)
class FakeSigner:
    """Implements `wallet.ports.Signer`."""

    locked: bool = False
    absent: bool = False
    refusing: str | None = None
    stops: dict[str, str] = field(default_factory=dict)
    ground: Ground = Ground.POLICY
    cancelling: bool = True  # self-cancels are signed whatever else is refused
    signed: dict[tuple[SubmissionId, int], Signed] = field(default_factory=dict)

    async def status(self) -> SignerStatus:
        self._answer()
        stops = tuple(SignerStop(scope, why, "operators", 0) for scope, why in self.stops.items())
        return SignerStatus(self.locked, "a test locked it" if self.locked else None, stops=stops)

    async def public_keys(self) -> Mapping[str, str]:
        self._answer()
        return {}

    async def check(self, request: SignRequest) -> None:
        self._answer()
        stopped = self.stops.keys() & {"all", f"network:{request.network}"}
        if stopped:
            raise SignerRefused(f"stopped: {stopped}", Ground.STOPPED)
        cancels = request.purpose is Purpose.SELF_CANCEL and self.cancelling
        if self.refusing is not None and (request.submission, request.replacement) not in self.signed and not cancels:
            raise SignerRefused(self.refusing, self.ground)

    async def stop(self, scope: str, why: str) -> SignerStatus:
        self._answer()
        self.stops.setdefault(scope, why)
        return await self.status()

    async def sign(self, request: SignRequest) -> Signed:
        await self.check(request)
        if self.locked:
            raise SignerUnavailable("locked")
        name = (request.submission, request.replacement)
        if name not in self.signed:
            payload = json.dumps({"plan": json.loads(request.payload), "signature": "fake"}).encode()
            self.signed[name] = Signed(payload, hashlib.sha256(request.payload).hexdigest())
        return self.signed[name]

    async def sign_many(self, requests: Sequence[SignRequest]) -> list[Signed | SignerRefused]:
        return [await self._outcome(request) for request in requests]

    async def _outcome(self, request: SignRequest) -> Signed | SignerRefused:
        try:
            return await self.sign(request)
        except SignerRefused as refusal:
            return refusal

    def _answer(self) -> None:
        if self.absent:
            raise SignerUnavailable("no signer, as a test wished")
