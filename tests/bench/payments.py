"""The load: payments between funded customers, made by the product's own functions, as its API makes them."""

import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from node.clock import SystemClock
from wallet.ids import CustomerId, NetworkId, PaymentId, encode_ulid, random_id
from wallet.journal import Change, EventKind, Insert, Journal, Request, Requirement
from wallet.journal.body import request_digest
from wallet.journal.receipts import JournalKey
from wallet.ledger import templates
from wallet.money import Amount, Asset
from wallet.payments.send import payment_change

EUR = Asset("EUR", 2)
BANK = NetworkId("sepa")
KEY = JournalKey.from_seed(bytes(32))  # receipts are on, as in a node; a key for tests
FUNDED_UNITS = 1_000_000_00
PAID_UNITS_MAX = 100_00
UNCOVERED_UNITS = 10**15  # more than all accounts hold together
FUNDED_AT_ONCE = 1_000  # accounts in one Change
_UNPAUSED = Requirement("assets", EUR.symbol, 1)


@cache
def customer(number: int) -> CustomerId:
    return CustomerId(f"cus_{encode_ulid(0, number)}")


async def open_books(journal: Journal, accounts: int) -> None:
    """Lists the asset and the key that signs, and funds every account, through the Journal like everything else."""
    await list_euro(journal)
    for change in _fundings(accounts):
        await journal.commit(change)


async def fund(books_dsn: str, accounts: int, opened: Callable[[Journal, int], Awaitable[None]] = open_books) -> None:
    """The same by a Journal that is then stopped; or what `opened` does."""
    journal = Journal(books_dsn, SystemClock(), KEY)
    await journal.start()
    await opened(journal, accounts)
    await journal.stop()


async def list_euro(journal: Journal) -> None:
    row = {"id": EUR.symbol, "decimals": EUR.decimals, "paused": False, "pause_reason": None}
    key = {"id": KEY.id, "created_at": datetime.now(UTC)}
    writes = (Insert("assets", row), Insert("journal_keys", key))
    await journal.commit(Change("bench", EventKind.ASSET_LISTED, {}, writes=writes))


def _fundings(accounts: int) -> Iterator[Change]:
    funds = Amount(FUNDED_UNITS, EUR)
    for first in range(0, accounts, FUNDED_AT_ONCE):
        numbers = range(first, min(first + FUNDED_AT_ONCE, accounts))
        entries = (templates.deposit_credited(customer(n), BANK, funds, swept_later=False) for n in numbers)
        entry = tuple(transfer for one in entries for transfer in one)
        yield Change("bench", EventKind.DEPOSIT_CREDITED, {}, entry=entry)


@dataclass(frozen=True, slots=True)
class Payments:
    """Makes payments from a random account to another, or all to one account when `hot`."""

    accounts: int
    hot: bool

    def payment(self) -> Change:
        return self._change(random.randint(1, PAID_UNITS_MAX))

    def uncovered(self) -> Change:
        """One that the Journal must refuse."""
        return self._change(UNCOVERED_UNITS)

    def _change(self, units: int) -> Change:
        payer = random.randrange(1, self.accounts)
        payee = 0 if self.hot else (payer + random.randrange(1, self.accounts)) % self.accounts
        return made_payment(customer(payer), customer(payee), Amount(units, EUR))


def made_payment(payer: CustomerId, payee: CustomerId, amount: Amount) -> Change:
    payment = PaymentId(random_id("pay"))
    meaning = {"to": payee, "asset": amount.asset.symbol, "units": str(amount.units), "note": None}
    request = Request(payer, "payment.send", f"order-{payment[4:]}", request_digest(meaning))
    return payment_change("key_bench", payment, payer, payee, amount, None, datetime.now(UTC), _UNPAUSED, request)
