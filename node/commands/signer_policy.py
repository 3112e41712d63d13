"""Show the signer's policy in words, and sign it, on any machine that has the file: neither signer nor node is asked."""

import json
from pathlib import Path
from typing import Any

from chains.signer.judging.policy import Limit, NetworkPolicy
from chains.signer.people.signed_policy import add_signature, read_signatures, signers
from chains.signer.settings import Settings, read_settings
from node.commands.stops import Out, approval_of


async def show_policy(file: Path, out: Out, *, as_json: bool) -> int:
    """Raises `SettingsRefused`, `PolicyRefused` where what was signed is another policy."""
    settings = read_settings(file)
    shown = _shown(settings)
    shown["signed_by"] = signers(settings.policy_digest, read_signatures(file, settings.policy_digest))
    if as_json:
        out(json.dumps(shown))
        return 0
    out(f"Policy version {shown['version']}, digest {shown['digest']}")
    out(f"Withdrawals within an hour, of all assets together: {shown['withdrawals_hour_max'] or 'no bound'}")
    for network, limits in shown["networks"].items():
        for limit in limits:
            out(f"{network}  {_in_words(limit)}")
    for key in shown["signed_by"]:
        out(f"Signed by {key}")
    return 0


async def sign_policy_file(file: Path, key: Path, out: Out) -> int:
    """Raises `SettingsRefused`, `NotAllowed` for a file that is no key."""
    settings = read_settings(file)
    count = add_signature(file, settings.policy_digest, approval_of(key, bytes.fromhex(settings.policy_digest)))
    out(f"policy version {settings.policy_version} ({settings.policy_digest[:16]}…) has {count} signatures")
    return 0


def _shown(settings: Settings) -> dict[str, Any]:
    return {
        "version": settings.policy_version,
        "digest": settings.policy_digest,
        "withdrawals_hour_max": settings.withdrawals_hour_max,
        "networks": {network: _limits(rules) for network, rules in settings.policy.items()},
    }


def _limits(rules: NetworkPolicy) -> list[dict[str, Any]]:
    """In base units, the network fee's last."""
    fees = {**_limit(rules.fees), "asset": f"{rules.fees.asset} network fees"}
    return [*(_limit(limit) for limit in rules.limits.values()), {**fees, "window_s": rules.window_s}]


def _limit(limit: Limit) -> dict[str, Any]:
    told = {
        "asset": limit.asset,
        "submission_max": limit.submission_max,
        "window_max": limit.window_max,
        "hour_max": limit.hour_max,
    }
    if limit.threshold is not None:
        told |= {"approvals_above": limit.threshold.above, "approvals": limit.threshold.rule.approvals}
    return told


def _in_words(limit: dict[str, Any]) -> str:
    hour = f", {limit['hour_max']} an hour" if limit["hour_max"] is not None else ""
    people = f", above {limit['approvals_above']} with {limit['approvals']} approvals" if "approvals" in limit else ""
    return f"{limit['asset']}: at most {limit['submission_max']} units at once, {limit['window_max']} a window{hour}{people}"
