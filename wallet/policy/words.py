"""A policy in sentences, and what one changes of another. People approve what they can read."""

from wallet.money import Amount
from wallet.policy.rules import Kind, Policy, Rule

_WHAT = {
    Kind.AMOUNT: "one withdrawal",
    Kind.CUSTOMER: "what one customer lets out within {hours} h",
    Kind.DESTINATION: "what goes to one destination within {hours} h",
    Kind.NEW_DESTINATION: "one withdrawal to where nothing of this customer was ever paid",
    Kind.HOUSE: "what all customers let out within {hours} h",
}
NO_POLICY = "nobody is asked by these books: there is no policy. What the signer's own file allows is all that bounds"


def rule_words(rule: Rule) -> str:
    what, least = _WHAT[rule.kind].format(hours=rule.hours), Amount(rule.units, rule.asset)
    return f"on {rule.network}, {least} or more in {what} takes {people(rule.approvals)}"


def people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def otherwise_words(policy: Policy) -> str:
    if policy.otherwise == 0:
        return "what is not named here passes without anybody"
    return f"what is not named here takes {people(policy.otherwise)}"


def policy_words(policy: Policy) -> list[str]:
    """One sentence for each rule, in an order that does not depend on how it was written."""
    free = [f"on {network}, {asset} passes" for (network, asset), rules in policy.rules.items() if not rules]
    rules = [rule_words(rule) for rules in policy.rules.values() for rule in rules]
    return [otherwise_words(policy), *sorted([*free, *rules])]


def changes_in_words(before: Policy | None, after: Policy) -> list[str]:
    """What falls away and what comes, each as a sentence."""
    old = policy_words(before) if before else [NO_POLICY]
    new = policy_words(after)
    return [*(f"- {one}" for one in old if one not in new), *(f"+ {one}" for one in new if one not in old)]
