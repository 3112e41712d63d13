"""Accounts of customers who have limits: the Journal itself refuses what leaves without having asked for them."""

import pytest

from tests.unit.wallet.test_judge import ANN, BEN, HOT, ONE, eur, known
from wallet.errors import AccountFrozen, Unmetered
from wallet.ids import HoldId
from wallet.journal import Change, EventKind
from wallet.journal.body import encode_body
from wallet.journal.change import FlagChange
from wallet.journal.judge import Known, judge
from wallet.ledger.accounts import Account, Flags
from wallet.ledger.transfers import Transfer, hold, post, post_fact, post_up_to, settle, void
from wallet.proofs.replay import Replay, read_body

OWED = Account("cus_ann", "receivable", ANN.asset)


def paying(*entry: Transfer, metered: bool = False) -> Change:
    return Change("test", EventKind.PAYMENT_SENT, {}, entry=entry, metered=metered)


@pytest.mark.parametrize("entry", [post(ANN, BEN, eur(10)), hold(ANN, BEN, eur(10), HoldId("hld_two"))])
def test_wdr_12_an_exit_that_asked_for_no_limits_is_refused_where_there_are_some(entry: Transfer) -> None:
    with pytest.raises(Unmetered) as refused:
        judge(paying(entry), known(ann=Flags.METERED))
    assert (refused.value.table, refused.value.row_id) == ("safeguards", "cus_ann")
    judge(paying(entry, metered=True), known(ann=Flags.METERED))
    judge(paying(entry), known())


@pytest.mark.parametrize(
    "entry",
    [
        settle(ANN, BEN, eur(10), ONE),
        void(ANN, BEN, eur(10), ONE),
        post(HOT, ANN, eur(10)),
        post_fact(ANN, HOT, eur(10)),
        post_up_to(ANN, HOT, eur(10), otherwise=OWED),
    ],
)
def test_what_is_no_new_exit_needs_no_asking(entry: Transfer) -> None:
    judge(paying(entry), known(ann=Flags.METERED))


def test_a_freeze_counts_also_for_who_asked() -> None:
    with pytest.raises(AccountFrozen):
        judge(paying(post(ANN, BEN, eur(10)), metered=True), known(ann=Flags.METERED | Flags.FROZEN))


FREEZE = FlagChange(ANN, Flags.NO_OVERDRAFT | Flags.FROZEN)
THAW = FlagChange(ANN, Flags.NO_OVERDRAFT)
METER = FlagChange(ANN, Flags.METERED, Flags.METERED)
UNMETER = FlagChange(ANN, Flags.NONE, Flags.METERED)


@pytest.mark.parametrize(
    ("steps", "flags"),
    [
        ((METER, FREEZE), Flags.NO_OVERDRAFT | Flags.FROZEN | Flags.METERED),
        ((FREEZE, METER), Flags.NO_OVERDRAFT | Flags.FROZEN | Flags.METERED),
        ((FREEZE, METER, THAW), Flags.NO_OVERDRAFT | Flags.METERED),
        ((METER, FREEZE, UNMETER), Flags.NO_OVERDRAFT | Flags.FROZEN),
        ((METER, UNMETER), Flags.NO_OVERDRAFT),
    ],
)
def test_freezing_and_limiting_leave_each_other_alone_in_the_books_and_in_their_replay(
    steps: tuple[FlagChange, ...], flags: Flags
) -> None:
    books, replay = Known(), Replay()
    for step in steps:
        change = Change("test", EventKind.CUSTOMER_FROZEN, {}, flags=(step,))
        judge(change, books)
        replay.apply(1, read_body(encode_body(change, [], ()).whole), [])
    assert books.totals[ANN.id].flags == flags
    assert replay.flags_of(ANN.id) == flags
