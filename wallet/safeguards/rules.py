"""What may be ruled about money that leaves, as values. Pure: which of two rules is tighter, and what a row holds of them.

Money is base units; in a row it stands as digit strings, so that no reader rounds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

UNITS = ("withdrawal_units", "day_units", "week_units")


@dataclass(frozen=True, slots=True)
class Caps:
    """Limits in one asset; None is no limit. `withdrawal_units` bounds one withdrawal, the others what leaves within any 24
    hours and any 7 days. Payments to others count in those only if `payments` says so."""

    withdrawal_units: int | None = None
    day_units: int | None = None
    week_units: int | None = None
    payments: bool = False

    @property
    def is_empty(self) -> bool:
        return all(getattr(self, name) is None for name in UNITS)


NO_CAPS = Caps()


def _nothing() -> Mapping[str, Caps]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Rules:
    """A customer's own. `caps` is by asset symbol and has no empty ones."""

    destination_delay_s: int = 0
    saved_only: bool = False
    caps: Mapping[str, Caps] = field(default_factory=_nothing)

    def of(self, asset: str) -> Caps:
        return self.caps.get(asset, NO_CAPS)


def tighter(one: Rules, other: Rules) -> Rules:
    """Both at once: of each part the tighter of the two."""
    assets = sorted({*one.caps, *other.caps})
    return Rules(
        max(one.destination_delay_s, other.destination_delay_s),
        one.saved_only or other.saved_only,
        {asset: _tighter_caps(one.of(asset), other.of(asset)) for asset in assets},
    )


def _tighter_caps(one: Caps, other: Caps) -> Caps:
    return Caps(
        _least(one.withdrawal_units, other.withdrawal_units),
        _least(one.day_units, other.day_units),
        _least(one.week_units, other.week_units),
        one.payments or other.payments,
    )


def _least(one: int | None, other: int | None) -> int | None:
    given = [units for units in (one, other) if units is not None]
    return min(given, default=None)


# ── as a row holds them ──────────────────────────────────────────────────────────────────────────────────────────────


def rules_wire(rules: Rules) -> dict[str, object]:
    return {
        "destination_delay_s": rules.destination_delay_s,
        "saved_only": rules.saved_only,
        "limits": caps_wire(rules.caps),
    }


def read_rules(wire: Mapping[str, Any]) -> Rules:
    return Rules(wire["destination_delay_s"], wire["saved_only"], read_caps(wire["limits"]))


def caps_wire(caps: Mapping[str, Caps]) -> dict[str, object]:
    return {asset: {**_given(one), "payments": one.payments} for asset, one in caps.items() if not one.is_empty}


def _given(caps: Caps) -> dict[str, str]:
    found = {name: getattr(caps, name) for name in UNITS}
    return {name: str(units) for name, units in found.items() if units is not None}


def read_caps(wire: Mapping[str, Any]) -> dict[str, Caps]:
    return {asset: _read_one(one) for asset, one in wire.items()}


def _read_one(wire: Mapping[str, Any]) -> Caps:
    withdrawal, day, week = [int(wire[name]) if name in wire else None for name in UNITS]
    return Caps(withdrawal, day, week, wire["payments"])
