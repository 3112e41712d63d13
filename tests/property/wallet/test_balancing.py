"""Any sequence of deposits, payments, holds and losses: what is taken is what was there, and the rest is owed."""

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from wallet.errors import Refusal
from wallet.ids import CustomerId, HoldId, NetworkId
from wallet.journal import Change, EventKind
from wallet.journal.judge import JudgedTransfer, Known, Totals, judge
from wallet.ledger import accounts, templates
from wallet.ledger.accounts import Flags
from wallet.ledger.transfers import Entry, hold
from wallet.money import Amount, Asset

EUR = Asset("EUR", 2)
BANK = NetworkId("sepa")
ANN, BEN = CustomerId("cus_ann"), CustomerId("cus_ben")
HOT = accounts.hot(BANK, EUR)
BALANCE, OWED = accounts.customer_balance(ANN, EUR), accounts.receivable(ANN, EUR)

Step = tuple[Literal["deposit", "pay", "hold", "loss", "freeze"], int]
STEPS = st.lists(
    st.tuples(st.sampled_from(["deposit", "deposit", "pay", "hold", "loss", "loss", "freeze"]), st.integers(1, 60)),
    max_size=30,
)


def entry_of(step: Step, number: int) -> Entry:
    what, units = step
    amount = Amount(units, EUR)
    match what:
        case "deposit":
            return templates.deposit_credited(ANN, BANK, amount, swept_later=False)
        case "pay":
            return templates.payment_sent(ANN, BEN, amount)
        case "hold":
            return (hold(BALANCE, accounts.transit(BANK, EUR), amount, HoldId(f"hld_{number}")),)
        case "loss" | "freeze":
            return templates.charged_back(ANN, HOT, amount)


def judged(known: Known, entry: Entry) -> list[JudgedTransfer] | None:
    try:
        return judge(Change("test", EventKind.PAYMENT_SENT, {}, entry=entry), known)
    except Refusal:
        return None


@given(STEPS)
def test_a_second_count_of_what_is_free_promised_and_owed_agrees(steps: list[Step]) -> None:
    """The oracle keeps three numbers, and knows neither accounts nor transfers."""
    known, free, promised, owed = Known(), 0, 0, 0
    for number, step in enumerate(steps):
        what, units = step
        if what == "freeze":  # and a loss while it lasts
            before = known.totals.get(BALANCE.id, Totals(flags=int(Flags.NO_OVERDRAFT)))
            known.totals[BALANCE.id] = frozen(before, Flags.NO_OVERDRAFT | Flags.FROZEN)
        found = judged(known, entry_of(step, number))
        match what:
            case "deposit":
                repaid = min(units, owed)
                owed, free = owed - repaid, free + units - repaid
            case "loss" | "freeze":
                taken = min(units, free)
                free, owed = free - taken, owed + units - taken
            case "pay":
                free -= units if free >= units else 0
            case "hold" if free >= units:
                free, promised = free - units, promised + units
        assert found is not None or what in {"pay", "hold"}
        if what == "freeze":
            known.totals[BALANCE.id] = frozen(known.totals[BALANCE.id], Flags.NO_OVERDRAFT)
        mine = known.totals.get(BALANCE.id, Totals())
        assert (mine.available, mine.debits_pending) == (free, promised)
        assert -known.totals.get(OWED.id, Totals()).posted == owed
        assert sum(each.posted for each in known.totals.values()) == 0


@given(STEPS, st.sampled_from(["deposit", "loss"]), st.integers(1, 200))
def test_the_parts_are_plain_come_to_the_amount_and_judge_the_same_again(
    steps: list[Step], what: Literal["deposit", "loss"], units: int
) -> None:
    """What stands in the journal says all: judged as it stands there, it does what the balancing transfer did."""
    known = Known()
    for number, step in enumerate(steps):
        judged(known, entry_of(step, number))
    again = Known(totals=dict(known.totals), holds=dict(known.holds))
    found = judged(known, entry_of((what, units), len(steps)))
    assert found is not None
    parts = tuple(each.transfer for each in found)
    assert 1 <= len(parts) <= 2
    assert sum(part.amount.units for part in parts) == units
    assert all(part.otherwise is None and part.amount.units > 0 for part in parts)
    assert judged(again, parts) == found
    assert again.totals == known.totals


def frozen(totals: Totals, flags: Flags) -> Totals:
    return Totals(
        totals.debits_pending, totals.debits_posted, totals.credits_pending, totals.credits_posted, int(flags)
    )
