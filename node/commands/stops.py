"""Stop the signer and lift stops, over its own socket. The node sees it there, pauses and goes on by itself."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from chains.signer.people.acts import ADOPT, ENROL, RESUME, act_digest, adopt_fields, enrol_fields, resume_fields
from chains.signer.people.operators import OperatorsRefused, enrol
from chains.signer.serving.wire import AskAct, AskAdopt, AskEnrol, AskResume, TellDesk, TellGathered
from chains.signer_client import SignerClient
from node.command_line import at_config, say
from node.commands.acting import sign_digest
from node.commands.status import shown_stop
from node.compose import signer_socket
from wallet.errors import NotAllowed
from wallet.ports import Approval, SignerRefused, SignerStop

Out = Callable[[str], None]
"""Where a result goes."""


async def stop_at_signer(scope: str, why: str, config: Path, socket: Path | None, out: Out, *, as_json: bool) -> int:
    """Raises `NotAllowed` with the signer's words, `SignerUnavailable`."""
    try:
        status = await signer_at(config, socket).stop(scope, why)
    except SignerRefused as refusal:
        raise NotAllowed(str(refusal)) from None
    if as_json:
        out(json.dumps({"stops": [shown_stop(stop) for stop in status.stops]}))
        return 0
    out(f"{scope} is stopped: nothing of it is signed from now on. The node pauses it by itself.")
    _tell([stop for stop in status.stops if stop.scope == scope])
    return 0


async def resume_at_signer(
    scope: str, why: str, key: Path, config: Path, socket: Path | None, out: Out, *, as_json: bool
) -> int:
    """Raises `NotAllowed` with the signer's words, `SignerUnavailable`."""
    signer = signer_at(config, socket)
    desk = await signer.desk()
    stop = _stop_of(desk, scope)
    _tell([stop])
    digest = act_digest(RESUME, desk.challenge, resume_fields(scope, stop.at, stop.why))
    gathered = await acted(signer, AskResume(scope, why, approval_of(key, digest)))
    _show(gathered, f"{scope} is resumed", out, as_json=as_json)
    return 0


async def adopt_at_signer(key: Path, config: Path, socket: Path | None, out: Out, *, as_json: bool) -> int:
    """Raises `NotAllowed` with the signer's words, `SignerUnavailable`."""
    signer = signer_at(config, socket)
    desk = await signer.desk()
    if desk.journal is None or desk.contradiction is None:
        raise NotAllowed("no journal that was shown to the signer contradicts its memory")
    say(desk.contradiction)
    say(
        f"you vouch for the journal up to Change {desk.journal.seq} and for the memory of {desk.records} lines, as they are"
    )
    fields = adopt_fields(desk.journal.seq, desk.journal.head, desk.records)
    approval = approval_of(key, act_digest(ADOPT, desk.challenge, fields))
    _show(
        await acted(signer, AskAdopt(approval)), "memory and journal are one truth from here on", out, as_json=as_json
    )
    return 0


async def enrol_at_signer(
    wanted: Mapping[str, str], needed: int, key: Path, at: tuple[Path, Path | None], out: Out, *, as_json: bool
) -> int:
    """Raises `NotAllowed` with the signer's words, `SignerUnavailable`."""
    signer = signer_at(*at)
    desk = await signer.desk()
    try:
        operators = enrol(desk.version + 1, wanted, needed)
    except OperatorsRefused as reason:
        raise NotAllowed(str(reason)) from None
    say(f"from then on {needed} of {', '.join(operators.keys)} decide, and nobody else")
    approval = approval_of(key, act_digest(ENROL, desk.challenge, enrol_fields(operators.digest)))
    ask = AskEnrol(operators.keys, needed, approval)
    _show(await acted(signer, ask), "the new operators are enrolled", out, as_json=as_json)
    return 0


async def show_operators(config: Path, socket: Path | None, out: Out, *, as_json: bool) -> int:
    """Raises `SignerUnavailable`."""
    desk = await signer_at(config, socket).desk()
    if as_json:
        out(json.dumps({"version": desk.version, "needed": desk.needed, "operators": desk.operators}))
        return 0
    out(f"{desk.needed} of these decide together (list {desk.version}):")
    for name, key in desk.operators.items():
        out(f"{name}  {key}")
    return 0


def _show(gathered: TellGathered, done: str, out: Out, *, as_json: bool) -> None:
    if as_json:
        out(json.dumps(told(gathered)))
    else:
        out(f"{done}, signed by {', '.join(gathered.signed)}" if gathered.done else waits_for_more(gathered))


def signer_at(config: Path, socket: Path | None) -> SignerClient:
    return SignerClient(signer_socket(at_config(config)) if socket is None else socket)


async def acted(signer: SignerClient, ask: AskAct) -> TellGathered:
    try:
        return await signer.act(ask)
    except SignerRefused as refusal:
        raise NotAllowed(str(refusal)) from None


def approval_of(key: Path, digest: bytes) -> Approval:
    signed = sign_digest(key, digest.hex())
    return Approval(signed.key, signed.signature)


def told(gathered: TellGathered) -> dict[str, object]:
    return {"signed": list(gathered.signed), "needed": gathered.needed, "done": gathered.done}


def waits_for_more(gathered: TellGathered) -> str:
    return (
        f"signed by {', '.join(gathered.signed)}: {len(gathered.signed)} of {gathered.needed}. "
        "Another enrolled operator gives the same command with a key of their own, before the signer is restarted."
    )


def _stop_of(desk: TellDesk, scope: str) -> SignerStop:
    for stop in desk.stops:
        if stop.scope == scope:
            return stop
    raise NotAllowed(f"{scope} is not stopped")


def _tell(stops: list[SignerStop]) -> None:
    for stop in stops:
        shown = shown_stop(stop)
        say(f"{shown['scope']} was stopped by {shown['by']} at {shown['at']}: {shown['why']}")
