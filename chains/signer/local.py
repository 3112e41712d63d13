"""The signer within its own process: recall, weigh, judge, sign, remember, in that order and never interleaved."""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence

from chains.signer.addresses.certify import Certifier
from chains.signer.journal_proof import JournalProof
from chains.signer.judging.effect import Effect, check_references, refuse
from chains.signer.judging.guard import Guard
from chains.signer.judging.judge import Earlier, Usage, constant_digest, counts, judge
from chains.signer.judging.policy import NetworkPolicy, Policy
from chains.signer.keys.keys import Keys
from chains.signer.kinds import all_public_keys, hot_addresses, kept_bytes, sign_payload, signed_again, weigh
from chains.signer.memory.memory import Memory, MemoryUnfit, Record, Spend
from chains.signer.people.desk import Desk, stops_told
from chains.signer.people.operators import NOBODY, Operators
from wallet.addresses.certificate import Entry, Vouched
from wallet.ports import BATCH_MAX, Ground, Signed, SignerRefused, SignerStatus, SignerUnavailable, SignRequest

Now = Callable[[], int]
"""Unix seconds."""


def system_now() -> int:
    return int(time.time())


class LocalSigner:
    """Implements `wallet.ports.Signer`. Nothing in `sign` awaits: between the judgement and the memory nobody else runs."""

    def __init__(
        self,
        keys: Keys,
        policy: Policy,
        memory: Memory,
        now: Now = system_now,
        *,
        operators: Operators = NOBODY,
        withdrawals_hour_max: int | None = None,
    ) -> None:
        self._keys = keys
        self._policy = policy
        self._certifier = Certifier(keys, policy)
        self._memory = memory
        self._now = now
        self._guard = Guard(memory, withdrawals_hour_max, now)
        self.desk = Desk(memory, operators, policy, now)
        self.proof = JournalProof(memory, self.desk, now)

    def close(self) -> None:
        """Give the memory free for another signer."""
        self._memory.close()

    async def status(self) -> SignerStatus:
        wrong = self._memory.broken or self.proof.contradiction
        return SignerStatus(
            locked=wrong is not None,
            reason=wrong,
            networks=tuple(self._policy),
            stops=stops_told(self._memory.controls),
            hot=hot_addresses(self._policy, self._keys),
            certificate_key=self._certifier.key,
            fingerprint=self._keys.fingerprint,
        )

    async def certify(self, entries: Sequence[Entry]) -> Vouched:
        """As `wallet.addresses.certificate.Certifying`; no memory is needed for it."""
        return self._certifier.certify(entries)

    async def public_keys(self) -> Mapping[str, str]:
        return all_public_keys(self._keys, self._policy)

    async def check(self, request: SignRequest) -> None:
        """Changes nothing, but for the breaker: it trips when it is asked, not when it is too late."""
        try:
            if not self._signed_before(request):
                self._judge(request)
        finally:
            self._sync()

    async def stop(self, scope: str, why: str) -> SignerStatus:
        self.desk.stop(scope, why)
        return await self.status()

    async def sign(self, request: SignRequest) -> Signed:
        try:
            return self._sign(request)
        finally:  # also of a refusal, for the breaker may have tripped: no answer of any kind leaves before
            self._sync()

    async def sign_many(self, requests: Sequence[SignRequest]) -> list[Signed | SignerRefused]:
        """Judged one by one and in order, each knowing those before it; one sync of the memory, then all answers leave."""
        if len(requests) > BATCH_MAX:
            raise refuse(f"at most {BATCH_MAX} requests are signed at once")
        outcomes = [self._outcome(request) for request in requests]
        self._sync()
        return outcomes

    def _outcome(self, request: SignRequest) -> Signed | SignerRefused:
        try:
            return self._sign(request)
        except SignerRefused as refusal:
            return refusal

    def _sign(self, request: SignRequest) -> Signed:
        """Nothing of what this returns or raises may leave before `_sync`."""
        record = self._signed_before(request)
        if record is not None:
            return signed_again(self._network(request), record.signed, record.tx, request.payload)
        policy, effect = self._judge(request)
        signed = sign_payload(request, policy, self._keys)
        self._remember(request, effect, Signed(kept_bytes(policy, signed), signed.tx))
        return signed

    def _signed_before(self, request: SignRequest) -> Record | None:
        """The earlier signature for this very request; another request under the same id is refused."""
        if self._memory.broken is not None:
            raise SignerUnavailable(self._memory.broken)
        self._guard.refuse_stopped(request)
        check_references(request)
        record = self._memory.recall(request.submission, request.replacement)
        if record is not None and record.request != digest(request):
            raise refuse(f"submission {request.submission} was signed with other content", Ground.CONFLICT)
        if record is not None and self._memory.controls.stops:
            self._guard.refuse_stopped_assets(request, weigh(request, self._network(request), self._keys))
        return record

    def _judge(self, request: SignRequest) -> tuple[NetworkPolicy, Effect]:
        policy = self._network(request)
        effect = weigh(request, policy, self._keys)
        self._guard.refuse_stopped_assets(request, effect)
        usage = self._usage(request, policy, effect)
        judge(request, effect, policy, usage)
        self._guard.trip(request, counts(effect, usage.earlier), policy)
        return policy, effect

    def _network(self, request: SignRequest) -> NetworkPolicy:
        if request.network not in self._policy:
            raise refuse("this signer knows no such network")
        return self._policy[request.network]

    def _usage(self, request: SignRequest, policy: NetworkPolicy, effect: Effect) -> Usage:
        network, since = request.network, self._memory.time(self._now()) - policy.window_s
        references = {one: self._memory.reference_user(one) for one in request.references}
        consumed = {one: self._memory.consumer(network, one) for one in effect.consumes}
        return Usage(
            spent={one.asset: self._memory.spent(network, one.asset, since=since) for one in effect.outflows},
            fees=self._memory.fees(network, since=since),
            references={one: by for one, by in references.items() if by is not None},
            consumed={one: by for one, by in consumed.items() if by is not None},
            earlier=self._earlier(request),
        )

    def _earlier(self, request: SignRequest) -> Earlier | None:
        """What was signed for this submission, all variants taken together: their fees are what each grew by."""
        variants = self._memory.variants(request.submission)
        if not variants:
            return None
        first, fee_units = variants[0], sum(int(one.fee.units) for one in variants)
        return Earlier(first.purpose, first.references, first.consumes, first.constant, fee_units)

    def _remember(self, request: SignRequest, effect: Effect, kept: Signed) -> None:
        counted = counts(effect, self._earlier(request))
        record = Record(
            at=self._memory.time(self._now()),
            submission=request.submission,
            network=request.network,
            purpose=request.purpose.value,
            request=digest(request),
            references=request.references,
            consumes=effect.consumes,
            outflows=tuple(Spend(one.asset, str(one.units)) for one in counted.outflows),
            fee=Spend(counted.fee.asset, str(counted.fee.units)),
            tx=kept.tx,
            signed=kept.payload,
            replacement=request.replacement,
            constant=constant_digest(effect),
        )
        self._memory.stage(record)

    def _sync(self) -> None:
        try:
            self._memory.sync()
        except MemoryUnfit as reason:
            raise SignerUnavailable(str(reason)) from None


class LockedSigner:
    """Implements `wallet.ports.Signer` while nothing may be signed. Public keys are still told: deposits go on."""

    def __init__(self, keys: Keys, policy: Policy, reason: str) -> None:
        self._keys = keys
        self._policy = policy
        self._certifier = Certifier(keys, policy)
        self._reason = reason
        self.desk: Desk | None = None
        self.proof: JournalProof | None = None

    def close(self) -> None:
        """Nothing is held."""

    async def status(self) -> SignerStatus:
        hot = hot_addresses(self._policy, self._keys)
        return SignerStatus(
            locked=True,
            reason=self._reason,
            networks=tuple(self._policy),
            hot=hot,
            certificate_key=self._certifier.key,
            fingerprint=self._keys.fingerprint,
        )

    async def certify(self, entries: Sequence[Entry]) -> Vouched:
        """As `wallet.addresses.certificate.Certifying`; no memory is needed for it."""
        return self._certifier.certify(entries)

    async def public_keys(self) -> Mapping[str, str]:
        return all_public_keys(self._keys, self._policy)

    async def check(self, request: SignRequest) -> None:  # noqa: ARG002
        raise SignerUnavailable(self._reason)

    async def stop(self, scope: str, why: str) -> SignerStatus:  # noqa: ARG002
        raise SignerUnavailable(f"nothing is signed, for the signer is locked; a stop cannot be kept: {self._reason}")

    async def sign(self, request: SignRequest) -> Signed:  # noqa: ARG002
        raise SignerUnavailable(self._reason)

    async def sign_many(self, requests: Sequence[SignRequest]) -> list[Signed | SignerRefused]:  # noqa: ARG002
        raise SignerUnavailable(self._reason)


def digest(request: SignRequest) -> str:
    """Names the whole request: equal digests mean equal requests, field by field. Approvals came later, and that they name a
    withdrawal later still: a request without any is named as it always was, and one with some under a tag of its own. So do
    replacements."""
    fields = (request.submission, request.network, request.purpose.value, str(len(request.references)))
    texts = (*fields, *request.references, *request.paths)
    tag = b"coffer/sign-request/1"
    if request.approvals:
        tag = b"coffer/sign-request/2"
        given = tuple(text for one in request.approvals for text in (one.key, one.signature))
        if any(one.reference for one in request.approvals):
            tag = b"coffer/sign-request/3"
            given += tuple(one.reference for one in request.approvals)
        texts = (str(len(request.paths)), str(len(request.approvals)), *texts, *given)
    named = _sha256(tag, request.payload, *(text.encode() for text in texts))
    if request.replacement:
        named = _sha256(b"coffer/sign-request/replacement/1", str(request.replacement).encode(), named.encode())
    return named


def _sha256(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).hexdigest()
