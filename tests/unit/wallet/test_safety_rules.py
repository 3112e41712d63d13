"""Which of two rules is tighter, as values."""

from hypothesis import given
from hypothesis import strategies as st

from wallet.safeguards.rules import UNITS, Caps, Rules, read_rules, rules_wire, tighter

CAPS = st.builds(Caps, *[st.none() | st.integers(0, 2**256 - 1)] * 3, st.booleans()).filter(
    lambda caps: not caps.is_empty
)
RULES = st.builds(Rules, st.integers(0, 10**7), st.booleans(), st.dictionaries(st.sampled_from(["BTC", "EUR"]), CAPS))


@given(RULES, RULES)
def test_the_tighter_of_two_allows_nothing_that_either_forbids(one: Rules, other: Rules) -> None:
    both = tighter(one, other)
    for rules in (one, other):
        assert both.destination_delay_s >= rules.destination_delay_s
        assert both.saved_only >= rules.saved_only
        for asset, caps in rules.caps.items():
            assert both.of(asset).payments >= caps.payments
            for name in UNITS:
                most = getattr(caps, name)
                held = getattr(both.of(asset), name)
                assert most is None or (held is not None and held <= most)


@given(RULES, RULES)
def test_tightening_by_what_holds_already_changes_nothing(one: Rules, other: Rules) -> None:
    both = tighter(one, other)
    assert tighter(both, one) == tighter(both, other) == both == tighter(other, one)
    assert tighter(one, Rules()) == one


@given(RULES)
def test_a_row_holds_rules_to_the_last_unit(rules: Rules) -> None:
    assert read_rules(rules_wire(rules)) == rules
