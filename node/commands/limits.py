"""`coffer limit`: how much may leave a customer."""

import json
from collections.abc import Mapping
from typing import Any

from wallet.context import Context
from wallet.customers.create import find_customer
from wallet.ids import CustomerId
from wallet.limits.view import limits_view
from wallet.money import parse_amount
from wallet.safeguards.operator_limits import set_operator_limits
from wallet.safeguards.read import safeguards_of
from wallet.safeguards.rules import Caps
from wallet.safeguards.view import safeguards_view


async def set_limits(
    context: Context,
    name: str,
    asset: str,
    most: tuple[str | None, str | None, str | None],
    reason: str,
    *,
    payments: bool,
) -> Mapping[str, object]:
    """Per withdrawal, per 24 hours, per 7 days. Raises `AmountMalformed` beside what `set_operator_limits` raises."""
    scale = context.asset(asset)
    withdrawal, day, week = [None if text is None else parse_amount(text, scale).units for text in most]
    caps = Caps(withdrawal, day, week, payments)
    return (await set_operator_limits(context, "cli", name, asset, caps, reason)).result


async def print_limits(context: Context, name: str, *, as_json: bool) -> int:
    """The rules that hold, those that will, and a line for each limit."""
    owner = CustomerId((await find_customer(context, name))["id"])
    rules: dict[str, Any] = safeguards_view(context, await safeguards_of(context, owner))
    limits: list[dict[str, Any]] = await limits_view(context, owner)
    if as_json:
        print(json.dumps({**rules, "left": limits}))  # noqa: T201  a command's result
        return 0
    lines = [_rules_line("rules", rules["rules"])]
    if rules["loosening"] is not None:
        lines.append(_rules_line(f"from {rules['loosening']['at']} on", rules["loosening"]["rules"]))
    lines += [_limit_line(one) for one in limits] or ["no limits"]
    print("\n".join(lines))  # noqa: T201  a command's result
    return 0


def _rules_line(when: str, rules: Mapping[str, Any]) -> str:
    where = "saved destinations alone" if rules["saved_only"] else "any destination"
    limits = "".join(
        f"; {one['asset']} {', '.join(f'{k} {one[k]}' for k in _KINDS if one[k] is not None)}"
        for one in rules["limits"]
    )
    return f"{when}: {where}; a new one waits at least {rules['destination_delay_s']} s{limits}"


_KINDS = ("per_withdrawal", "per_24h", "per_7d")


def _limit_line(one: Mapping[str, Any]) -> str:
    more = f", more from {one['more_at']} on" if one["more_at"] else ""
    what = "withdrawals and payments" if one["payments"] else "withdrawals"
    return f"{one['asset']} {one['limit']} ({one['set_by']}, {what}): {one['left']} of {one['most']} left{more}"
