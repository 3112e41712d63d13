"""Judging is pure: what is refused leaves no trace, whatever the books were, and what is accepted keeps every rule."""

from copy import deepcopy

from hypothesis import assume, given
from hypothesis import strategies as st

from wallet.errors import Refusal, Stale
from wallet.ids import HoldId
from wallet.journal import Change, EventKind, Insert, Requirement, Update
from wallet.journal.judge import Known, OpenHold, Totals, judge
from wallet.ledger.accounts import HOUSE, Account, Flags
from wallet.ledger.transfers import Move, Transfer
from wallet.money import UNITS_MAX, Amount, Asset

EUR = Asset("EUR", 2)
ACCOUNTS = [
    Account(*named, EUR) for named in (("cus_a", "balance"), ("cus_b", "balance"), (HOUSE, "hot@n"), (HOUSE, "capital"))
]
SIZES = st.one_of(st.integers(1, 9), st.sampled_from([UNITS_MAX - 1, UNITS_MAX]))
HOLD_NAMES = [HoldId("hld_one"), HoldId("hld_two")]


@st.composite
def books(draw: st.DrawFn) -> Known:
    """Books that obey their own rules, with a freeze or a closing here and there."""
    known = Known(versions={("assets", "EUR"): draw(st.sampled_from([None, 1, 2])), ("assets", "USD"): None})
    for account in draw(st.lists(st.sampled_from(ACCOUNTS), unique=True)):
        much, some, held = draw(SIZES), draw(st.integers(0, 9)), draw(st.integers(0, 9))
        extra = draw(st.sampled_from([Flags.NONE, Flags.NONE, Flags.FROZEN, Flags.CLOSED]))
        side = {"debits_posted": much} if account.code.startswith("hot") else {"credits_posted": much}
        pending = {"debits_pending": min(held, much)} if account.owner != HOUSE else {"credits_pending": some}
        known.totals[account.id] = Totals(flags=account.opening_flags | extra, **side, **pending)
    for name in draw(st.lists(st.sampled_from(HOLD_NAMES), unique=True)):
        known.holds[name] = OpenHold(ACCOUNTS[0].id, ACCOUNTS[2].id, "EUR", 9, draw(st.integers(0, 9)))
    return known


@st.composite
def transfers(draw: st.DrawFn) -> Transfer:
    debit, credit = draw(st.permutations(ACCOUNTS))[:2]
    move = draw(st.sampled_from(list(Move)))
    hold = None if move is Move.POST else draw(st.sampled_from(HOLD_NAMES))
    return Transfer(move, debit, credit, Amount(draw(SIZES), EUR), hold)


ASSET_ROW = {"id": "USD", "decimals": 2, "paused": False, "pause_reason": None}
WRITES = st.one_of(
    st.just(Insert("assets", ASSET_ROW)),
    st.just(Insert("assets", {**ASSET_ROW, "id": "EUR"})),
    st.builds(Update, st.just("assets"), st.just("EUR"), st.integers(1, 3), st.just({"paused": True})),
)
CHANGES = st.builds(
    Change,
    actor=st.just("test"),
    kind=st.just(EventKind.PAYMENT_SENT),
    data=st.just({}),
    entry=st.lists(transfers(), max_size=4).map(tuple),
    requires=st.lists(st.builds(Requirement, st.just("assets"), st.just("EUR"), st.integers(1, 2)), max_size=1).map(
        tuple
    ),
    writes=st.lists(WRITES, max_size=2).map(tuple),
)


@given(books(), CHANGES)
def test_what_is_refused_leaves_no_trace(known: Known, change: Change) -> None:
    before = deepcopy(known)
    try:
        judge(change, known)
    except (Refusal, Stale):
        assert known == before


@given(books(), CHANGES)
def test_the_same_books_and_change_have_the_same_verdict(known: Known, change: Change) -> None:
    assert verdict(deepcopy(known), change) == verdict(known, change)


@given(books(), CHANGES)
def test_what_is_accepted_keeps_every_rule(known: Known, change: Change) -> None:
    before = deepcopy(known)
    assume(verdict(known, change) is None)
    for name, totals in known.totals.items():
        old = before.totals.get(name, Totals())
        figures = (totals.debits_pending, totals.debits_posted, totals.credits_pending, totals.credits_posted)
        assert all(0 <= figure <= UNITS_MAX for figure in figures)
        assert not totals.flags & Flags.NO_OVERDRAFT or totals.available >= 0
        assert not totals.flags & Flags.NO_OVERSPEND or totals.posted <= 0
        if old.flags & (Flags.FROZEN | Flags.CLOSED):
            assert totals.debits_posted + totals.debits_pending <= old.debits_posted + old.debits_pending
    for hold in known.holds.values():
        assert 0 <= hold.remaining <= hold.units
    posted = [(t.posted, before.totals.get(name, Totals()).posted) for name, t in known.totals.items()]
    assert sum(now for now, _ in posted) == sum(then for _, then in posted)


@given(books(), CHANGES)
def test_versions_go_up_by_one_for_each_write(known: Known, change: Change) -> None:
    before = dict(known.versions)
    assume(verdict(known, change) is None)
    for key, version in before.items():
        writes = [w for w in change.writes if (w.row["id"] if isinstance(w, Insert) else w.id) == key[1]]
        assert known.versions[key] == ((version or 0) + len(writes) or None)


def verdict(known: Known, change: Change) -> str | None:
    try:
        judge(change, known)
    except (Refusal, Stale) as refusal:
        return str(refusal)
    return None
