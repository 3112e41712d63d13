"""Any sequence of credits, payments, swaps, holds, settlements and voids: the ledger does what a second bank does."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any, ClassVar

import asyncpg
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from node.clock import SystemClock
from node.database import Dsns
from tests.property.wallet.bank import Bank, Step
from wallet.errors import Refusal
from wallet.ids import CustomerId, HoldId, NetworkId
from wallet.journal import Change, EventKind, Journal
from wallet.journal.judge import Known, Totals, judge
from wallet.journal.verify import verify
from wallet.ledger import accounts, templates
from wallet.ledger.transfers import Entry, hold, settle, void
from wallet.money import Amount, Asset

EUR, USD = Asset("EUR", 2), Asset("USD", 2)
PEOPLE, HOLDS = ("ann", "ben", "cem"), ("one", "two", "three")
UNITS = st.integers(1, 120)
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(
        st.just("credit"), st.just(""), st.sampled_from([*PEOPLE, *(f"{p}/2" for p in PEOPLE)]), UNITS, st.just("")
    ),
    st.permutations(PEOPLE).flatmap(
        lambda p: st.tuples(st.sampled_from(["pay", "swap"]), st.just(p[0]), st.just(p[1]), UNITS, st.just(""))
    ),
    st.tuples(
        st.sampled_from(["hold", "settle", "void"]),
        st.sampled_from(PEOPLE),
        st.just(""),
        UNITS,
        st.sampled_from(HOLDS),
    ),
)
COLUMNS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
MORE = 20 if os.environ.get("COFFER_TEST_ALL") == "1" else 1
_EXAMPLES = count()


class LedgerMachine(RuleBasedStateMachine):
    """Steps go to the ledger and to the second bank, alone or many in one batch; verdicts and balances must agree."""

    def __init__(self) -> None:
        super().__init__()
        self.bank = Bank()
        self.example = next(_EXAMPLES)
        self.place = NetworkId(f"bank{self.example}")

    def commit(self, changes: list[Change]) -> list[str | None]:
        """The code of each refusal, None for what is done."""
        raise NotImplementedError

    def totals(self) -> dict[str, Totals]:
        raise NotImplementedError

    @rule(steps=st.lists(STEPS, min_size=1, max_size=8))
    def batch(self, steps: list[Step]) -> None:
        told = self.commit([self.change(step) for step in steps])
        assert told == [self.bank.does(step) for step in steps]

    @invariant()
    def balances_agree_and_no_money_is_made_or_lost(self) -> None:
        totals = self.totals()
        for name in (*PEOPLE, *(f"{person}/2" for person in PEOPLE)):
            found = totals.get(self.balance(name).id, Totals())
            assert (found.posted, found.debits_pending) == (self.bank.posted(name), self.bank.held(name))
            assert found.available == self.bank.free[name] >= 0
        for asset in (EUR, USD):
            every = [each for name, each in totals.items() if name.endswith(f":{asset.symbol}")]
            assert sum(each.posted for each in every) == 0
            assert sum(each.debits_pending for each in every) == sum(each.credits_pending for each in every)

    def balance(self, name: str) -> accounts.Account:
        person, _, second = name.partition("/")
        return accounts.customer_balance(CustomerId(f"cus_{self.example}_{person}"), USD if second else EUR)

    def change(self, step: Step) -> Change:
        return Change("test", EventKind.PAYMENT_SENT, {}, entry=self.entry(step))

    def entry(self, step: Step) -> Entry:
        what, payer, payee, units, name = step
        asset = self.balance(payee if what == "credit" else payer).asset
        amount, named = Amount(units, asset), HoldId(f"hld_{self.example}_{name}")
        transit, hot = accounts.transit(self.place, asset), accounts.hot(self.place, asset)
        match what:
            case "credit":
                return templates.deposit_credited(
                    CustomerId(self.balance(payee).owner), self.place, amount, swept_later=False
                )
            case "pay":
                return self.payment(payer, payee, units)
            case "swap":
                return (*self.payment(payer, payee, units), *self.payment(f"{payee}/2", f"{payer}/2", units))
            case "hold":
                return (hold(self.balance(payer), transit, amount, named),)
            case "void":
                return (void(self.balance(payer), transit, amount, named),)
            case "settle":
                left = templates.submission_reserved(hot, self.place, amount, Amount(0, asset), hot)
                return (*left, settle(self.balance(payer), transit, amount, named))

    def payment(self, payer: str, payee: str, units: int) -> Entry:
        one, two = self.balance(payer), self.balance(payee)
        return templates.payment_sent(CustomerId(one.owner), CustomerId(two.owner), Amount(units, one.asset))


class JudgedLedger(LedgerMachine):
    """The judgement alone, without a database: thousands of steps."""

    def __init__(self) -> None:
        super().__init__()
        self.known = Known()

    def commit(self, changes: list[Change]) -> list[str | None]:
        return [self._judged(change) for change in changes]

    def totals(self) -> dict[str, Totals]:
        return self.known.totals

    def _judged(self, change: Change) -> str | None:
        before = dict(self.known.totals), dict(self.known.holds)
        try:
            judge(change, self.known)
        except Refusal as refusal:
            assert (self.known.totals, self.known.holds) == before
            return refusal.stable_code
        return None


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

        return [found.stable_code if isinstance(found, Refusal) else None for found in self._do(together())]

    def totals(self) -> dict[str, Totals]:
        async def read() -> dict[str, Totals]:
            rows = await self.reader.fetch(f"SELECT id, {', '.join(COLUMNS)} FROM accounts")
            return {row[0]: Totals(int(row[1]), int(row[2]), int(row[3]), int(row[4])) for row in rows}

        found: dict[str, Totals] = self._do(read())
        return found

    def teardown(self) -> None:
        self._do(verify(self.reader))
        self._do(self.reader.close())
        self._do(self.journal.stop())

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return type(self).wait(work)


def test_the_judgement_agrees_with_a_second_bank() -> None:
    rules = settings(max_examples=60 * MORE, stateful_step_count=20, deadline=None, database=None)
    run_state_machine_as_test(JudgedLedger, settings=rules)


def test_the_journal_agrees_with_a_second_bank_and_is_rebuilt_bit_for_bit(dsns: Dsns) -> None:
    with asyncio.Runner() as runner:
        StoredLedger.dsn, StoredLedger.wait = dsns.books, runner.run
        rules = settings(max_examples=10 * MORE, stateful_step_count=12, deadline=None, database=None)
        run_state_machine_as_test(StoredLedger, settings=rules)
