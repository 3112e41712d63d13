"""Rows, versions, unique values and holds as they are judged: what is refused, in which words, and what is left behind."""

from collections.abc import Mapping

import msgspec
import pytest

from wallet.errors import (
    AccountClosed,
    AccountFrozen,
    AccountNotEmpty,
    AlreadyExists,
    BalanceOverflow,
    HoldNotOpen,
    InsufficientFunds,
    Refusal,
    Stale,
)
from wallet.ids import HoldId
from wallet.journal import Change, EventKind, Insert, Update
from wallet.journal.change import FlagChange, Requirement
from wallet.journal.judge import Known, OpenHold, Totals, UniqueKey, judge, unique_keys
from wallet.ledger.accounts import HOUSE, Account, Flags
from wallet.ledger.transfers import Transfer, hold, post, settle, void
from wallet.money import UNITS_MAX, Amount, Asset

EUR = Asset("EUR", 2)
ANN, BEN = Account("cus_ann", "balance", EUR), Account("cus_ben", "balance", EUR)
HOT, CAPITAL = Account(HOUSE, "hot@n", EUR), Account(HOUSE, "capital", EUR)
ONE, TWO = HoldId("hld_one"), HoldId("hld_two")
ROW = {"id": "cus_ann", "handle": "ann", "platform": "cus_shop", "reference": "7"}
HANDLE: UniqueKey = ("customers", ("handle",), ("ann",))
REFERENCE: UniqueKey = ("customers", ("platform", "reference"), ("cus_shop", "7"))


def eur(units: int) -> Amount:
    return Amount(units, EUR)


def change(
    *writes: Insert | Update, entry: tuple[Transfer, ...] = (), requires: tuple[Requirement, ...] = ()
) -> Change:
    return Change("test", EventKind.CUSTOMER_CREATED, {}, entry=entry, writes=writes, requires=requires)


def fresh(**versions: int | None) -> Known:
    return Known(versions={("customers", name): version for name, version in versions.items()})


def inserted(**values: object) -> Insert:
    return Insert("customers", {**ROW, **values})


def test_an_insert_claims_each_of_its_unique_values() -> None:
    assert unique_keys(inserted()) == [HANDLE, REFERENCE]
    assert unique_keys(inserted(handle=None)) == [REFERENCE]
    assert unique_keys(inserted(reference=None)) == [HANDLE]
    assert unique_keys(inserted(platform=None)) == [HANDLE]
    assert unique_keys(Insert("customers", {"id": "cus_ann"})) == []
    assert unique_keys(Insert("assets", {"id": "EUR"})) == []


def test_a_new_row_has_version_one_and_its_claims_are_taken() -> None:
    known = fresh(cus_ann=None)
    judge(change(inserted()), known)
    assert known.versions == {("customers", "cus_ann"): 1}
    assert known.taken == {HANDLE, REFERENCE}


def test_what_was_taken_before_stays_taken() -> None:
    other: UniqueKey = ("customers", ("handle",), ("ben",))
    known = Known(versions={("customers", "cus_ann"): None}, taken={other})
    judge(change(inserted()), known)
    assert known.taken == {other, HANDLE, REFERENCE}


@pytest.mark.parametrize(("taken", "words"), [(HANDLE, "handle"), (REFERENCE, "platform, reference")])
def test_a_claim_that_is_taken_is_refused(taken: UniqueKey, words: str) -> None:
    known = Known(versions={("customers", "cus_ann"): None}, taken={taken})
    with pytest.raises(AlreadyExists) as refused:
        judge(change(inserted()), known)
    assert refused.value.detail == {"table": "customers", "columns": words}
    assert known == Known(versions={("customers", "cus_ann"): None}, taken={taken})


def test_two_rows_of_one_change_cannot_claim_the_same() -> None:
    with pytest.raises(AlreadyExists, match="handle already exists in customers"):
        judge(change(inserted(), inserted(id="cus_two", reference="8")), fresh(cus_ann=None, cus_two=None))


def test_a_row_that_exists_is_not_inserted_again() -> None:
    for known in (fresh(cus_ann=1), fresh(cus_ann=7)):
        with pytest.raises(AlreadyExists) as refused:
            judge(change(inserted()), known)
        assert refused.value.detail == {"table": "customers", "columns": "id"}
    with pytest.raises(AlreadyExists, match="id already exists in customers"):
        judge(change(Insert("assets", {"id": "a"}), inserted(), inserted()), Known(
            versions={("assets", "a"): None, ("customers", "cus_ann"): None}
        ))  # fmt: skip


def test_an_update_moves_the_version_on_within_one_change_too() -> None:
    known = fresh(cus_ann=4)
    first, second = (Update("customers", "cus_ann", version, {"handle": "a"}) for version in (4, 5))
    judge(change(first, second), known)
    assert known.versions == {("customers", "cus_ann"): 6}


@pytest.mark.parametrize("version", [3, 5, None])
def test_an_update_of_another_version_is_stale(version: int | None) -> None:
    with pytest.raises(Stale) as stale:
        judge(change(Update("customers", "cus_ann", 4, {})), fresh(cus_ann=version))
    assert (stale.value.table, stale.value.row_id) == ("customers", "cus_ann")


def test_a_row_that_a_decision_rested_on_must_stand_at_that_version() -> None:
    need = Requirement("customers", "cus_ann", 4)
    judge(change(requires=(need,)), fresh(cus_ann=4))
    for version in (3, 5, None):
        with pytest.raises(Stale) as stale:
            judge(change(requires=(need,)), fresh(cus_ann=version))
        assert (stale.value.table, stale.value.row_id) == ("customers", "cus_ann")


def test_what_a_change_rests_on_is_what_was_before_its_own_writes() -> None:
    need, update = Requirement("customers", "cus_ann", 4), Update("customers", "cus_ann", 4, {})
    known = fresh(cus_ann=4)
    judge(change(update, requires=(need,)), known)
    assert known.versions == {("customers", "cus_ann"): 5}


def test_flags_are_set_and_the_totals_stay() -> None:
    known = Known(totals={ANN.id: Totals(1, 2, 3, 4, int(Flags.NO_OVERDRAFT))})
    frozen = FlagChange(ANN, Flags.NO_OVERDRAFT | Flags.FROZEN)
    new = FlagChange(BEN, Flags.CLOSED)
    judge(Change("test", EventKind.CUSTOMER_FROZEN, {}, flags=(frozen, new)), known)
    assert known.totals == {ANN.id: Totals(1, 2, 3, 4, 5), BEN.id: Totals(flags=8)}


def test_an_account_that_must_be_empty_is_judged_after_the_change() -> None:
    known = Known(totals={ANN.id: Totals(credits_posted=70, flags=1), BEN.id: Totals(flags=1)})
    emptied = Change("test", EventKind.CUSTOMER_CLOSED, {}, entry=(post(ANN, BEN, eur(70)),), empty=(ANN,))
    with pytest.raises(AccountNotEmpty):
        judge(msgspec.structs.replace(emptied, empty=(ANN, BEN)), known)
    assert known.totals[ANN.id].credits_posted == 70
    judge(emptied, known)
    assert known.totals[BEN.id].credits_posted == 70


def test_empty_means_that_nothing_is_promised_either_way() -> None:
    for totals in (Totals(5, 5, 0, 10), Totals(0, 5, 5, 5), Totals(0, 5, 0, 4), Totals(0, 4, 0, 5)):
        with pytest.raises(AccountNotEmpty) as refused:
            judge(Change("test", EventKind.CUSTOMER_CLOSED, {}, empty=(ANN,)), Known(totals={ANN.id: totals}))
        assert refused.value.detail == {"account": ANN.id}
    judge(Change("test", EventKind.CUSTOMER_CLOSED, {}, empty=(ANN, BEN)), Known(totals={ANN.id: Totals(0, 5, 0, 5)}))


def books(**flags: Flags) -> Known:
    """Ann has 100, of which 30 lie in a hold for Ben."""
    ann = Totals(debits_pending=30, credits_posted=100, flags=int(Flags.NO_OVERDRAFT | flags.get("ann", Flags.NONE)))
    ben = Totals(credits_pending=30, flags=int(Flags.NO_OVERDRAFT | flags.get("ben", Flags.NONE)))
    totals: dict[str, Totals] = {ANN.id: ann, BEN.id: ben, HOT.id: Totals(debits_posted=100, flags=2)}
    return Known(totals=totals, holds={ONE: OpenHold(ANN.id, BEN.id, "EUR", 50, 30)})


def judged(known: Known, *entry: Transfer) -> Known:
    judge(change(entry=entry), known)
    return known


def test_a_new_hold_is_kept_whole() -> None:
    known = judged(books(), hold(ANN, HOT, eur(20), TWO))
    assert known.holds[TWO] == OpenHold(ANN.id, HOT.id, "EUR", 20, 20)
    assert known.totals[ANN.id] == Totals(50, 0, 0, 100, 1)
    assert known.totals[HOT.id] == Totals(0, 100, 20, 0, 2)


def test_what_was_settled_or_voided_of_a_hold_remains_no_more() -> None:
    known = judged(books(), settle(ANN, BEN, eur(10), ONE), void(ANN, BEN, eur(5), ONE))
    assert known.holds[ONE] == OpenHold(ANN.id, BEN.id, "EUR", 50, 15)
    assert known.totals[ANN.id] == Totals(15, 10, 0, 100, 1)
    assert known.totals[BEN.id] == Totals(0, 0, 15, 10, 1)
    assert judged(known, settle(ANN, BEN, eur(15), ONE)).holds[ONE].remaining == 0


def test_a_hold_placed_in_the_same_change_is_known_by_its_own_name() -> None:
    known = judged(books(), hold(ANN, BEN, eur(7), TWO), settle(ANN, BEN, eur(3), TWO), void(ANN, BEN, eur(4), TWO))
    assert known.holds[TWO].remaining == 0
    assert known.holds[ONE].remaining == 30


Refused = tuple[Known, tuple[Transfer, ...], type[Refusal], Mapping[str, object]]
NO_HOLDS = Known(
    totals={ANN.id: Totals(credits_posted=100, flags=1)}, holds={ONE: OpenHold(ANN.id, BEN.id, "EUR", 9, 9)}
)
ONE_SIDED = Known(
    totals={ANN.id: Totals(debits_pending=9, credits_posted=100, flags=1)},
    holds={ONE: OpenHold(ANN.id, BEN.id, "EUR", 9, 9)},
)
OTHER_SIDED = Known(
    totals={BEN.id: Totals(credits_pending=9, flags=1)}, holds={ONE: OpenHold(ANN.id, BEN.id, "EUR", 9, 9)}
)
ABOVE = Known(totals={CAPITAL.id: Totals(debits_posted=UNITS_MAX)})
REFUSED: dict[str, Refused] = {
    "frozen": (books(ann=Flags.FROZEN), (post(ANN, BEN, eur(1)),), AccountFrozen, {"account": ANN.id}),
    "closed": (books(ann=Flags.CLOSED), (post(ANN, BEN, eur(1)),), AccountClosed, {"account": ANN.id}),
    "closed for arrivals": (books(ben=Flags.CLOSED), (post(ANN, BEN, eur(1)),), AccountClosed, {"account": BEN.id}),
    "not covered": (
        books(),
        (post(ANN, BEN, eur(71)),),
        InsufficientFunds,
        {"account": ANN.id, "asset": "EUR", "needed": "0.71", "available": "0.70"},
    ),
    "nothing there": (
        Known(),
        (post(ANN, BEN, eur(1)),),
        InsufficientFunds,
        {"account": ANN.id, "asset": "EUR", "needed": "0.01", "available": "0.00"},
    ),
    "a place that holds nothing": (
        Known(totals={HOT.id: Totals(debits_posted=5, credits_posted=5, flags=2)}),
        (post(CAPITAL, HOT, eur(1)),),
        InsufficientFunds,
        {"account": HOT.id, "asset": "EUR", "needed": "0.01", "available": "0.00"},
    ),
    "a place that holds less": (
        books(),
        (post(CAPITAL, HOT, eur(101)),),
        InsufficientFunds,
        {"account": HOT.id, "asset": "EUR", "needed": "1.01", "available": "1.00"},
    ),
    "more than the hold has": (
        books(),
        (settle(ANN, BEN, eur(31), ONE),),
        HoldNotOpen,
        {"hold": ONE, "remaining": "0"},
    ),
    "another hold": (books(), (void(ANN, BEN, eur(1), TWO),), HoldNotOpen, {"hold": TWO, "remaining": "0"}),
    "another payee": (
        Known({**books().totals, HOT.id: Totals(0, 100, 30, 0, 2)}, books().holds),
        (settle(ANN, HOT, eur(1), ONE),),
        HoldNotOpen,
        {"hold": ONE, "remaining": "30"},
    ),
    "more than is left of this hold": (
        Known({**books().totals, ANN.id: Totals(60, 0, 0, 100, 1), BEN.id: Totals(0, 0, 60, 0, 1)}, books().holds),
        (settle(ANN, BEN, eur(31), ONE),),
        HoldNotOpen,
        {"hold": ONE, "remaining": "30"},
    ),
    "pending on neither side": (
        NO_HOLDS,
        (settle(ANN, BEN, eur(9), ONE),),
        HoldNotOpen,
        {"hold": ONE, "remaining": "0"},
    ),
    "pending on the debit side alone": (
        ONE_SIDED,
        (settle(ANN, BEN, eur(9), ONE),),
        HoldNotOpen,
        {"hold": ONE, "remaining": "0"},
    ),
    "pending on the credit side alone": (
        OTHER_SIDED,
        (void(ANN, BEN, eur(9), ONE),),
        HoldNotOpen,
        {"hold": ONE, "remaining": "0"},
    ),
    "a hold's name again": (
        books(),
        (hold(ANN, BEN, eur(1), ONE),),
        AlreadyExists,
        {"table": "holds", "columns": "id"},
    ),
    "above the cap": (ABOVE, (post(CAPITAL, BEN, eur(1)),), BalanceOverflow, {"account": CAPITAL.id}),
    "above the cap of the other side": (
        Known(totals={BEN.id: Totals(credits_posted=UNITS_MAX)}),
        (post(CAPITAL, BEN, eur(1)),),
        BalanceOverflow,
        {"account": BEN.id},
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_why_a_transfer_is_refused(what: str) -> None:
    known, entry, kind, detail = REFUSED[what]
    with pytest.raises(kind) as refused:
        judged(Known(dict(known.totals), dict(known.holds)), *entry)
    assert {name: refused.value.detail[name] for name in detail} == detail


def test_up_to_the_cap_there_is_room() -> None:
    known = Known(
        totals={CAPITAL.id: Totals(debits_posted=UNITS_MAX - 1), BEN.id: Totals(credits_posted=UNITS_MAX - 1)}
    )
    assert judged(known, post(CAPITAL, BEN, eur(1))).totals[BEN.id].credits_posted == UNITS_MAX
