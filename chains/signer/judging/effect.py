"""What signing a payload would do, in the terms of the policy: the common tongue of all kinds of network."""

import re
from dataclasses import dataclass

from wallet.ports import Ground, SignerRefused, SignRequest

_ID = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)
REFERENCES_MAX = 1000
REPLACEMENTS_MAX = 1000  # each has a higher fee than the last, under one cap: far fewer are ever made


@dataclass(frozen=True, slots=True)
class Outflow:
    """Units of an asset, in its scale on the network, that leave us: to pay the withdrawal `reference` to `target`, in the
    network's canonical spelling. What names neither can have no approvals, and passes no threshold."""

    asset: str
    units: int
    reference: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """`outflows` count against the asset limits, `fee` is the most that the submission can cost, `consumes` are the nonce,
    outpoints or message id that it uses up. `constant` is what a replacement may not change: all of the payload but the
    network fee and the change that comes back to us; empty where nothing is ever replaced. `touches` are the assets that move
    between addresses of ours."""

    outflows: tuple[Outflow, ...]
    fee: Outflow
    consumes: tuple[str, ...]
    constant: bytes = b""
    touches: tuple[str, ...] = ()


def refuse(rule: str, ground: Ground = Ground.POLICY) -> SignerRefused:
    """The refusal for a broken rule. The text is for operators and must not repeat what the payload says of people."""
    return SignerRefused(rule, ground)


def check_references(request: SignRequest) -> None:
    """Ids are bounded and spelled in one way; "-" is kept out, since banks see "_" as "-". Raises `SignerRefused`."""
    if not _ID.fullmatch(request.submission) or not all(_ID.fullmatch(one) for one in request.references):
        raise refuse("an id has 1 to 64 letters, digits and underscores")
    if not 0 <= request.replacement <= REPLACEMENTS_MAX:
        raise refuse(f"a submission has at most {REPLACEMENTS_MAX} replacements")
    if len(request.references) > REFERENCES_MAX or len(set(request.references)) != len(request.references):
        raise refuse(f"a submission pays 1 to {REFERENCES_MAX} withdrawals, each once")
