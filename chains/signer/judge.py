"""Limits and used-up ids: may this effect happen, given what has happened already? Pure; values in, refusal out.

What this prevents: paying a withdrawal twice (WDR-03), and moving more than the automatic limit, whoever asks (KEY-06).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from chains.signer.approvals import check_payments_approved
from chains.signer.effect import Effect, Outflow, refuse
from chains.signer.policy import Limit, NetworkPolicy
from wallet.ports import Ground, SignRequest


@dataclass(frozen=True, slots=True)
class Usage:
    """What the memory says. `spent` and `fees` are units within the window; `references` and `consumed` name the earlier
    submission that used up an id, for those of the request only."""

    spent: Mapping[str, int]
    fees: int
    references: Mapping[str, str]
    consumed: Mapping[str, str]


def judge(request: SignRequest, effect: Effect, policy: NetworkPolicy, usage: Usage) -> None:
    """Raises `SignerRefused` with the first rule that the request breaks."""
    for reference in request.references:
        if reference in usage.references:
            raise refuse(
                f"withdrawal {reference} was signed in submission {usage.references[reference]}", Ground.CONFLICT
            )
    for consumed in effect.consumes:
        if consumed in usage.consumed:
            raise refuse(f"{consumed} was used up by submission {usage.consumed[consumed]}", Ground.CONFLICT)
    _judge_fee(effect.fee, policy.fees, usage.fees)
    totals = _totals(effect.outflows)
    for asset, units in totals.items():
        _judge_submission(asset, units, policy.limits.get(asset))
    check_payments_approved(request, effect.outflows, policy.limits)
    for asset, units in totals.items():
        _judge_window(units, policy.limits[asset], usage.spent.get(asset, 0))


def _judge_fee(fee: Outflow, limit: Limit, spent: int) -> None:
    if fee.units > limit.submission_max:
        raise refuse(f"a network fee of {fee.units} {limit.asset} units is above the cap of {limit.submission_max}")
    if spent + fee.units > limit.window_max:
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
