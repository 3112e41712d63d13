"""Does a policy ask for people? Pure: what is known of one withdrawal in, how many people and why out."""

from collections.abc import Mapping
from dataclasses import dataclass

from wallet.policy.rules import Kind, Policy, Rule
from wallet.policy.words import otherwise_words, rule_words


@dataclass(frozen=True, slots=True)
class Facts:
    """`sums` are in base units, this withdrawal included, by kind of rule and hours."""

    network: str
    asset: str
    units: int
    is_new_destination: bool
    sums: Mapping[tuple[Kind, int], int]


@dataclass(frozen=True, slots=True)
class Caught:
    """`needed` people, the most that any of the rules in `because` asks for; 0 where it passes."""

    needed: int
    because: tuple[str, ...]


def catch(policy: Policy, facts: Facts) -> Caught:
    rules = policy.rules.get((facts.network, facts.asset))
    if rules is None:
        because = (otherwise_words(policy),) if policy.otherwise else ()
        return Caught(policy.otherwise, because)
    met = [rule for rule in rules if _is_met(rule, facts)]
    return Caught(max((rule.approvals for rule in met), default=0), tuple(rule_words(rule) for rule in met))


def _is_met(rule: Rule, facts: Facts) -> bool:
    match rule.kind:
        case Kind.AMOUNT:
            return facts.units >= rule.units
        case Kind.NEW_DESTINATION:
            return facts.is_new_destination and facts.units >= rule.units
        case Kind.CUSTOMER | Kind.DESTINATION | Kind.HOUSE:
            return facts.sums[rule.kind, rule.hours] >= rule.units
