"""A policy as it is written, and as it is judged. Pure.

otherwise = 2                    so many people approve what no table names; 0 lets it pass

[networks.bitcoin.BTC]           a withdrawal waits for the most people that any rule asks for
amount = [{ from = "0.5", approvals = 1 }, { from = "5", approvals = 2 }]
customer = [{ from = "2", hours = 24, approvals = 1 }]       with what this customer has let out in the window
destination = [{ from = "2", hours = 24, approvals = 1 }]    with what went there; at a bank, from this customer
new_destination = [{ from = "0.1", approvals = 1 }]          nothing of this customer's was ever paid there
house = [{ from = "20", hours = 24, approvals = 2 }]         with what all customers have let out

[networks.sepa.EUR]              named, and free
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import msgspec

from wallet.errors import PolicyRefused
from wallet.money import Asset, parse_amount

TEXT_MAX = 12_000  # characters: more than two people read through
HOURS_MAX = 31 * 24
APPROVALS_MAX = 8


class Kind(StrEnum):
    AMOUNT = "amount"
    CUSTOMER = "customer"
    DESTINATION = "destination"
    NEW_DESTINATION = "new_destination"
    HOUSE = "house"


SUMS = (Kind.CUSTOMER, Kind.DESTINATION, Kind.HOUSE)


@dataclass(frozen=True, slots=True)
class Rule:
    """`units` or more of the asset take so many people; of what is summed, over the last `hours`."""

    kind: Kind
    network: str
    asset: Asset
    units: int
    approvals: int
    hours: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """`rules` by network and asset. What is not named takes `otherwise` people."""

    otherwise: int
    rules: Mapping[tuple[str, str], tuple[Rule, ...]]


_Approvals = Annotated[int, msgspec.Meta(ge=1, le=APPROVALS_MAX)]
_Hours = Annotated[int, msgspec.Meta(ge=1, le=HOURS_MAX)]


class _One(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"least": "from"}):
    least: str
    approvals: _Approvals


class _Sum(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"least": "from"}):
    least: str
    approvals: _Approvals
    hours: _Hours


class _Asset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    amount: tuple[_One, ...] = ()
    customer: tuple[_Sum, ...] = ()
    destination: tuple[_Sum, ...] = ()
    new_destination: tuple[_One, ...] = ()
    house: tuple[_Sum, ...] = ()


class _Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    otherwise: Annotated[int, msgspec.Meta(ge=0, le=APPROVALS_MAX)] = 2
    networks: dict[str, dict[str, _Asset]] = {}


def read_policy(text: str, assets: Mapping[str, Asset]) -> Policy:
    """Amounts are in the ledger's scale. Raises `PolicyRefused`; unknown keys and assets are errors."""
    if len(text) > TEXT_MAX:
        raise PolicyRefused(f"a policy has at most {TEXT_MAX} characters: people are to read it through")
    try:
        written = msgspec.convert(tomllib.loads(text), type=_Text)
        rules = {
            (network, symbol): _rules(network, assets[symbol], table)
            for network, tables in written.networks.items()
            for symbol, table in tables.items()
        }
    except KeyError as unknown:
        raise PolicyRefused(f"no asset {unknown.args[0]}") from None
    except RecursionError:  # lists nested without end
        raise PolicyRefused("this is nested deeper than any policy") from None
    except ValueError as reason:
        raise PolicyRefused(str(reason)) from None
    return Policy(written.otherwise, rules)


def _rules(network: str, asset: Asset, table: _Asset) -> tuple[Rule, ...]:
    single = ((Kind.AMOUNT, table.amount), (Kind.NEW_DESTINATION, table.new_destination))
    summed = ((Kind.CUSTOMER, table.customer), (Kind.DESTINATION, table.destination), (Kind.HOUSE, table.house))
    return (
        *(Rule(kind, network, asset, _least(one.least, asset), one.approvals) for kind, rows in single for one in rows),
        *(
            Rule(kind, network, asset, _least(one.least, asset), one.approvals, one.hours)
            for kind, rows in summed
            for one in rows
        ),
    )


def _least(text: str, asset: Asset) -> int:
    return parse_amount(text, asset).units
