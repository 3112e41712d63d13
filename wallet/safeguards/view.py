"""Safeguards in the words of the API: `per_withdrawal`, `per_24h`, `per_7d`, amounts as decimal strings."""

from collections.abc import Mapping

from wallet.context import Context
from wallet.journal.body import time_text
from wallet.money import format_units
from wallet.safeguards.read import Safeguards
from wallet.safeguards.rules import Caps, Rules

NAMES = {"withdrawal_units": "per_withdrawal", "day_units": "per_24h", "week_units": "per_7d"}


def safeguards_view(context: Context, guards: Safeguards) -> dict[str, object]:
    pending = None
    if guards.loosening is not None and guards.loosens_at is not None:
        pending = {"at": time_text(guards.loosens_at), "rules": rules_view(context, guards.loosening)}
    return {
        "customer": guards.owner,
        "rules": rules_view(context, guards.rules),
        "loosening": pending,
        "operator_limits": caps_view(context, guards.limits),
    }


def rules_view(context: Context, rules: Rules) -> dict[str, object]:
    return {
        "destination_delay_s": rules.destination_delay_s,
        "saved_only": rules.saved_only,
        "limits": caps_view(context, rules.caps),
    }


def caps_view(context: Context, caps: Mapping[str, Caps]) -> list[dict[str, object]]:
    return [_one(context, asset, caps[asset]) for asset in sorted(caps)]


def _one(context: Context, symbol: str, caps: Caps) -> dict[str, object]:
    decimals = context.asset(symbol).decimals
    units = {shown: getattr(caps, name) for name, shown in NAMES.items()}
    texts = {shown: None if n is None else format_units(n, decimals) for shown, n in units.items()}
    return {"asset": symbol, **texts, "payments": caps.payments}
