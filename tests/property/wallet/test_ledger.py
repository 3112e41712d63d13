"""Any sequence of what can happen in a bank: the ledger does what a bank on paper does, and keeps its invariants."""

import asyncio
import os
from collections import defaultdict
from collections.abc import Callable, Coroutine
from copy import deepcopy
from itertools import count
from typing import Any, ClassVar

import asyncpg
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from node.clock import SystemClock
from node.database import Dsns
from tests.property.wallet.orders import (
    EUR,
    HANDLES,
    OF_ANN,
    ONLY_ROWS,
    ROWS,
    UNDER_CEILINGS,
    USD,
    WISHES,
    Wish,
    as_change,
    as_order,
    asset_of,
    money,
)
from tests.property.wallet.paper import Paper
from wallet.errors import Refusal, Stale
from wallet.journal import Change, Journal
from wallet.journal.judge import Known, Totals, judge
from wallet.proofs.verify import verify

COLUMNS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
MORE = 20 if os.environ.get("COFFER_TEST_ALL") == "1" else 1
_EXAMPLES = count()

UNDONE = money("reverse_pay", "reverse_out", "charge_back", "charge_back_at_bank", "lose")
CHART = {
    "customer": {"owed": ("balance", "fees", "markup"), "receivables": ("receivable",)},
    "house": {
        "places": ("hot", "deposits", "transit"),
        "house": ("capital", "fees_earned", "network_fees", "suspense", "loss", "clearing"),
    },
}

Holds = dict[str, tuple[int, int]]
"""What was promised under a name, and what is left of it."""


class LedgerMachine(RuleBasedStateMachine):
    """Wishes go to the ledger and to the bank on paper, alone or many in one batch; verdicts and figures must agree."""

    def __init__(self) -> None:
        super().__init__()
        self.paper, self.example = Paper(), next(_EXAMPLES)

    def commit(self, changes: list[Change]) -> list[str | None]:
        """The code of each refusal, None for what is done."""
        raise NotImplementedError

    def totals(self) -> dict[str, Totals]:
        raise NotImplementedError

    def holds(self) -> Holds:
        raise NotImplementedError

    def versions(self) -> dict[str, int]:
        raise NotImplementedError

    @rule(wishes=st.lists(money("deposit", "deposit_to_sweep", "fund"), min_size=1, max_size=3))
    def money_arrives(self, wishes: list[Wish]) -> None:
        self.batch(wishes)

    @rule(wishes=st.lists(money("pay", "hold", "ask"), min_size=1, max_size=4))
    def customers_spend(self, wishes: list[Wish]) -> None:
        self.batch(wishes)

    @rule(wishes=st.lists(money("settle", "void", "release", "paid", "reserve"), min_size=1, max_size=4))
    def promises_end(self, wishes: list[Wish]) -> None:
        self.batch(wishes)

    @rule(wishes=st.lists(money("place", "settle_out", "end", "pay_fee", "collect"), min_size=1, max_size=4))
    def platforms_trade(self, wishes: list[Wish]) -> None:
        """Holds of theirs end as they say, or by time, which is the same to the books."""
        self.batch(wishes)

    @rule(wishes=st.lists(UNDONE, min_size=1, max_size=3))
    def what_was_done_is_undone(self, wishes: list[Wish]) -> None:
        self.batch(wishes)

    @rule(wishes=st.lists(UNDER_CEILINGS, min_size=1, max_size=4))
    def networks_state_what_there_is(self, wishes: list[Wish]) -> None:
        self.batch(wishes)

    @rule(wishes=st.lists(ONLY_ROWS, min_size=1, max_size=4))
    def rows_are_written(self, wishes: list[Wish]) -> None:
        self.batch(wishes)

    @rule(wishes=st.lists(OF_ANN, min_size=1, max_size=8))
    def one_person_promises_and_keeps(self, wishes: list[Wish]) -> None:
        self.batch(wishes)

    @rule(wishes=st.lists(WISHES, min_size=1, max_size=6))
    def batch(self, wishes: list[Wish]) -> None:
        told = self.commit([as_change(wish, self.example) for wish in wishes])
        for wish, code in zip(wishes, told, strict=True):
            faults = self.paper.takes(as_order(wish, self.example))
            assert code in faults if faults else code is None, (wish, code, faults)

    @invariant()
    def no_money_is_made_or_lost(self) -> None:
        """I1; and what is promised by one side is promised to the other."""
        totals = self.totals()
        for symbol in {name.rpartition(":")[2] for name in totals}:
            every = [each for name, each in totals.items() if name.endswith(f":{symbol}")]
            assert sum(each.posted for each in every) == 0
            assert sum(each.debits_pending for each in every) == sum(each.credits_pending for each in every)

    @invariant()
    def what_is_owed_and_owned_lies_somewhere(self) -> None:
        """I2, by the chart: every account is on one of its sides."""
        sides: dict[str, int] = defaultdict(int)
        for name, totals in self.totals().items():
            owner, code, _ = name.split(":")
            place = code.partition("@")[0]
            known = CHART["house" if owner == "house" else "customer"]
            sides[next(side for side, codes in known.items() if place in codes)] += totals.posted
        assert sides["owed"] + sides["house"] == -sides["places"] - sides["receivables"]

    @invariant()
    def nothing_stays_in_clearing(self) -> None:
        assert all(totals.posted == 0 for name, totals in self.totals().items() if ":clearing:" in name)

    @invariant()
    def available_is_posted_less_held_and_never_negative(self) -> None:
        """I3, on every balance of a customer."""
        for name, totals in self.totals().items():
            if ":balance:" in name or ":fees:" in name:
                assert totals.available == totals.posted - totals.debits_pending >= 0

    @invariant()
    def no_hold_ends_more_than_once(self) -> None:
        holds = self.holds()
        assert all(0 <= rest <= units for units, rest in holds.values())
        assert {name: rest for name, (_, rest) in holds.items()} == {n: self.paper.rest(n) for n in self.paper.holds()}

    @invariant()
    def every_figure_is_the_one_on_paper(self) -> None:
        totals = self.totals()
        assert set(totals) == self.paper.accounts()
        for name, found in totals.items():
            told = (found.posted, found.debits_pending, found.credits_pending)
            assert told == (self.paper.has(name), self.paper.held(name), self.paper.coming(name)), name

    @invariant()
    def versions_count_what_was_written(self) -> None:
        wanted = {row: self.paper.version(row) for row in ROWS}
        assert self.versions() == {row: version for row, version in wanted.items() if version is not None}

    def row_id(self, row: str) -> str:
        return f"cus_{self.example}_{row}"


class JudgedLedger(LedgerMachine):
    """The judgement alone, without a database: thousands of steps."""

    def __init__(self) -> None:
        super().__init__()
        self.known = Known(versions={("customers", self.row_id(row)): None for row in ROWS})

    def commit(self, changes: list[Change]) -> list[str | None]:
        return [self._judged(change) for change in changes]

    def totals(self) -> dict[str, Totals]:
        return self.known.totals

    def holds(self) -> Holds:
        return {name: (hold.units, hold.remaining) for name, hold in self.known.holds.items()}

    def versions(self) -> dict[str, int]:
        return {key[1].rpartition("_")[2]: version for key, version in self.known.versions.items() if version}

    def _judged(self, change: Change) -> str | None:
        before = deepcopy(self.known)
        try:
            judge(change, self.known)
        except (Refusal, Stale) as refusal:
            assert self.known == before
            return code_of(refusal)
        return None

    @invariant()
    def a_name_is_taken_once(self) -> None:
        taken = {each.handle for each in self.paper.rows if each.version is None}
        assert self.known.taken == {("customers", ("handle",), (f"{name}-{self.example}",)) for name in taken}
        assert taken <= set(HANDLES)


class StoredLedger(LedgerMachine):
    """The whole Journal on PostgreSQL; at the end everything is rebuilt from the journal and compared."""

    dsn: ClassVar[str]
    wait: ClassVar[Callable[[Coroutine[Any, Any, Any]], Any]]

    def __init__(self) -> None:
        super().__init__()
        self.journal = Journal(self.dsn, SystemClock())
        self._do(self.journal.start())
        self.reader: asyncpg.Connection = self._do(asyncpg.connect(self.dsn))

    def commit(self, changes: list[Change]) -> list[str | None]:
        async def together() -> list[Any]:
            return await asyncio.gather(*map(self.journal.commit, changes), return_exceptions=True)

        return [code_of(found) if isinstance(found, Exception) else None for found in self._do(together())]

    def totals(self) -> dict[str, Totals]:
        sql = f"SELECT id, {', '.join(COLUMNS)} FROM accounts WHERE asset = ANY ($1)"
        rows = self._rows(sql, [asset_of(asset, self.example).symbol for asset in (EUR, USD)])
        return {row[0]: Totals(int(row[1]), int(row[2]), int(row[3]), int(row[4])) for row in rows}

    def holds(self) -> Holds:
        rows = self._rows("SELECT id, units, remaining FROM holds WHERE split_part(id, '_', 2) = $1", str(self.example))
        return {row[0]: (int(row[1]), int(row[2])) for row in rows}

    def versions(self) -> dict[str, int]:
        rows = self._rows("SELECT id, version FROM customers WHERE id = ANY ($1)", [self.row_id(row) for row in ROWS])
        return {row[0].rpartition("_")[2]: row[1] for row in rows}

    def teardown(self) -> None:
        self._do(verify(self.reader))
        self._do(self.reader.close())
        self._do(self.journal.stop())

    def _rows(self, sql: str, *values: object) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = self._do(self.reader.fetch(sql, *values))
        return rows

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return type(self).wait(work)


def code_of(refusal: Exception) -> str:
    if isinstance(refusal, Stale):
        return "stale"
    assert isinstance(refusal, Refusal), refusal
    return refusal.stable_code


def test_the_judgement_agrees_with_a_bank_on_paper() -> None:
    rules = settings(max_examples=250 * MORE, stateful_step_count=20, deadline=None, database=None)
    run_state_machine_as_test(JudgedLedger, settings=rules)


def test_the_journal_agrees_with_a_bank_on_paper_and_is_rebuilt_bit_for_bit(dsns: Dsns) -> None:
    with asyncio.Runner() as runner:
        StoredLedger.dsn, StoredLedger.wait = dsns.books, runner.run
        rules = settings(
            max_examples=20 * MORE, stateful_step_count=12, deadline=None, database=None, phases=[Phase.generate]
        )  # without shrinking, which would take minutes here: what the judgement does wrong is shrunk above
        run_state_machine_as_test(StoredLedger, settings=rules)
