"""Limits and used-up ids: may this effect happen, given what has happened already? Pure; values in, refusal out.

What this prevents: paying a withdrawal twice (WDR-03), and moving more than the automatic limit, whoever asks (KEY-06). A
replacement is the same payment again: it uses up nothing new, and only what its fee grows by counts.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from chains.signer.judging.approvals import check_payments_approved
from chains.signer.judging.effect import Effect, Outflow, refuse
from chains.signer.judging.policy import Limit, NetworkPolicy
from wallet.ports import Ground, Purpose, SignRequest


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was signed for the same submission before. `constant` is a digest; `fee_units` the dearest fee so far."""

    purpose: str
    references: tuple[str, ...]
    consumes: tuple[str, ...]
    constant: str
    fee_units: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What the memory says. `spent` and `fees` are units within the window; `references` and `consumed` name the earlier
    submission that used up an id, for those of the request only. `earlier` is of the request's own submission."""

    spent: Mapping[str, int]
    fees: int
    references: Mapping[str, str]
    consumed: Mapping[str, str]
    earlier: Earlier | None = None


def judge(request: SignRequest, effect: Effect, policy: NetworkPolicy, usage: Usage) -> None:
    """Raises `SignerRefused` with the first rule that the request breaks."""
    if usage.earlier is None:
        _judge_new(request, effect, usage)
    else:
        _judge_replacement(request, effect, usage.earlier)
    counted = counts(effect, usage.earlier)
    _judge_fee(effect.fee, counted.fee.units, policy.fees, usage.fees)
    totals = _totals(counted.outflows)
    for asset, units in totals.items():
        _judge_submission(asset, units, policy.limits.get(asset))
    check_payments_approved(request, counted.outflows, policy.limits)
    for asset, units in totals.items():
        _judge_window(units, policy.limits[asset], usage.spent.get(asset, 0))


def counts(effect: Effect, earlier: Earlier | None) -> Effect:
    """What of it counts against the windows: of a replacement only what its fee grows by."""
    if earlier is None:
        return effect
    return replace(effect, outflows=(), fee=Outflow(effect.fee.asset, effect.fee.units - earlier.fee_units))


def constant_digest(effect: Effect) -> str:
    return hashlib.sha256(effect.constant).hexdigest() if effect.constant else ""


def _judge_new(request: SignRequest, effect: Effect, usage: Usage) -> None:
    if request.replacement and request.purpose is not Purpose.SELF_CANCEL:
        raise refuse("nothing was signed that this could replace", Ground.CONFLICT)
    for reference in request.references:
        if reference in usage.references:
            raise refuse(
                f"withdrawal {reference} was signed in submission {usage.references[reference]}", Ground.CONFLICT
            )
    for consumed in effect.consumes:
        if consumed in usage.consumed:
            raise refuse(f"{consumed} was used up by submission {usage.consumed[consumed]}", Ground.CONFLICT)


def _judge_replacement(request: SignRequest, effect: Effect, earlier: Earlier) -> None:
    """The same act to the unit, and dearer: of equals the network would take either, and nobody would know why."""
    if not request.replacement:
        raise refuse(f"submission {request.submission} was signed as something else", Ground.CONFLICT)
    if not earlier.constant or not effect.constant:
        raise refuse("what this would replace is none of those that can be")
    same = (request.purpose.value, request.references, effect.consumes, constant_digest(effect))
    if same != (earlier.purpose, earlier.references, earlier.consumes, earlier.constant):
        raise refuse("a replacement differs from what it replaces in more than its fee", Ground.CONFLICT)
    if effect.fee.units <= earlier.fee_units:
        raise refuse("a replacement costs more than what it replaces")


def _judge_fee(fee: Outflow, growth: int, limit: Limit, spent: int) -> None:
    if fee.units > limit.submission_max:
        raise refuse(f"a network fee of {fee.units} {limit.asset} units is above the cap of {limit.submission_max}")
    if spent + growth > limit.window_max:
        raise refuse(
            f"network fees would pass the window's limit of {limit.window_max} {limit.asset} units", Ground.WINDOW
        )


def _judge_submission(asset: str, units: int, limit: Limit | None) -> None:
    if limit is None:
        raise refuse(f"{asset} has no limit here, so nothing of it is paid out")
    if units > limit.submission_max:
        raise refuse(f"{units} {asset} units are above the limit of {limit.submission_max} for one submission")


def _judge_window(units: int, limit: Limit, spent: int) -> None:
    if spent + units > limit.window_max:
        raise refuse(f"{units} {limit.asset} units would pass the window's limit of {limit.window_max}", Ground.WINDOW)


def _totals(outflows: tuple[Outflow, ...]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for outflow in outflows:
        totals[outflow.asset] = totals.get(outflow.asset, 0) + outflow.units
    return totals
