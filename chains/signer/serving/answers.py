"""What the signer answers to one question, and the line that its log gets for it."""

from typing import Protocol

import structlog

from chains.signer.journal_proof import JournalProof
from chains.signer.people.desk import Desk, stops_told
from chains.signer.people.operators import Gathered
from chains.signer.serving.wire import (
    Ask,
    AskAdopt,
    AskCertify,
    AskCheck,
    AskDesk,
    AskEnrol,
    AskPeople,
    AskProve,
    AskPublicKeys,
    AskResume,
    AskSign,
    AskSignMany,
    AskStatus,
    AskStop,
    Tell,
    TellAgreed,
    TellDesk,
    TellGathered,
    TellProven,
    TellPublicKeys,
    TellRefused,
    TellSigned,
    TellSignedMany,
    TellStatus,
    TellUnavailable,
    TellUnproven,
    TellVouched,
)
from wallet.addresses.certificate import Certifying
from wallet.ports import Signed, Signer, SignerRefused, SignerUnavailable, SignRequest

_log = structlog.get_logger("chains.signer.server")


class Served(Signer, Certifying, Protocol):
    """A signer, and where people speak to it; None while it is locked."""

    @property
    def desk(self) -> Desk | None: ...

    @property
    def proof(self) -> JournalProof | None: ...


async def answer(signer: Served, ask: Ask, *, must_prove: bool = False) -> Tell:
    """The answer to one question; refusals are answers."""
    try:
        tell = _unproven(signer, ask) if must_prove else None
        if tell is None:
            tell = await _ask(signer, ask)
    except SignerRefused as refusal:
        tell = _refusal(refusal)
    except SignerUnavailable as locked:
        tell = TellUnavailable(str(locked))
    _record_asked(ask, tell)
    return tell


def _unproven(signer: Served, ask: Ask) -> Tell | None:
    """Whoever has shown no journal in this life of the signer gets neither signature nor dry run."""
    if not isinstance(ask, AskCheck | AskSign | AskSignMany) or signer.proof is None:
        return None
    return None if signer.proof.is_proven(ask.session) else TellUnproven(signer.proof.seen())


async def _ask(signer: Served, ask: Ask) -> Tell:
    match ask:
        case AskStatus():
            return TellStatus(await signer.status())
        case AskPublicKeys():
            return TellPublicKeys(dict(await signer.public_keys()))
        case AskCheck(request, _):
            await signer.check(request)
            return TellAgreed()
        case AskSign(request, _):
            return TellSigned(await signer.sign(request))
        case AskSignMany(requests, _):
            return TellSignedMany(tuple(map(_told, await signer.sign_many(requests))))
        case _:
            return await _ask_besides(signer, ask)


async def _ask_besides(signer: Served, ask: AskProve | AskCertify | AskPeople) -> Tell:
    if isinstance(ask, AskCertify):
        return TellVouched(await signer.certify(ask.entries))
    return await _ask_for_people(signer, ask)


async def _ask_for_people(signer: Served, ask: AskProve | AskPeople) -> Tell:
    if isinstance(ask, AskStop):
        return TellStatus(await signer.stop(ask.scope, ask.why))
    desk, proof = signer.desk, signer.proof
    if desk is None or proof is None:
        raise SignerUnavailable("the signer is locked; nothing can be decided here")
    match ask:
        case AskProve(knows):
            return TellProven(proof.prove(knows))
        case AskDesk():
            return _desk(desk, proof)
        case AskResume(scope, why, approval):
            return _gathered(desk.resume(scope, why, approval))
        case AskEnrol(operators, needed, approval):
            return _gathered(desk.enrol(operators, needed, approval))
        case AskAdopt(approval):
            return _gathered(proof.adopt(approval))


def _desk(desk: Desk, proof: JournalProof) -> TellDesk:
    who, controls = desk.operators, desk.controls
    return TellDesk(
        challenge=controls.challenge,
        needed=who.needed,
        operators=who.keys,
        stops=stops_told(controls),
        version=who.version,
        records=proof.records,
        contradiction=proof.contradiction,
        journal=proof.shown,
    )


def _gathered(gathered: Gathered) -> TellGathered:
    return TellGathered(gathered.signed, gathered.needed, gathered.done)


def _told(outcome: Signed | SignerRefused) -> TellSigned | TellRefused:
    return TellSigned(outcome) if isinstance(outcome, Signed) else _refusal(outcome)


def _refusal(refused: SignerRefused) -> TellRefused:
    return TellRefused(str(refused), refused.ground, refused.approvals, refused.reference)


def _record_asked(ask: Ask, tell: Tell) -> None:
    match ask, tell:
        case AskSignMany(requests, _), TellSignedMany(outcomes):
            for request, outcome in zip(requests, outcomes, strict=True):
                _record("AskSign", request, outcome)
        case AskSignMany(requests, _), _:
            for request in requests:
                _record("AskSign", request, tell)
        case AskCheck() | AskSign(), _:
            _record(type(ask).__name__, ask.request, tell)
        case AskStop(scope, _) | AskResume(scope, _, _), _:
            _log.warning("signer_told", question=type(ask).__name__, scope=scope[:80], outcome=type(tell).__name__)
        case AskProve() | AskAdopt() | AskEnrol(), _:
            _log.warning("signer_told", question=type(ask).__name__, outcome=type(tell).__name__)


def _record(question: str, request: SignRequest, tell: Tell) -> None:
    """One line per question that concerns money: ids, the outcome and the rule, never the payload."""
    reason = tell.reason if isinstance(tell, TellRefused | TellUnavailable) else None
    _log.info(
        "signer_asked",
        question=question,
        submission=request.submission[:64],
        network=request.network[:64],
        purpose=request.purpose.value,
        outcome=type(tell).__name__,
        reason=reason,
    )
