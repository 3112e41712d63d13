"""LED-14: what is not balanced cannot be written down, and where code of ours forges it the database refuses. LED-15: order is
the sequence, whatever the clock says."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from node.database import Dsns
from tests.integration.wallet.changes import connected, count_of, listed, paused
from wallet.errors import JournalUnavailable
from wallet.ids import CustomerId, NetworkId
from wallet.journal import Change, EventKind, Journal
from wallet.ledger import accounts
from wallet.ledger.accounts import Account
from wallet.ledger.transfers import Transfer, post
from wallet.money import Amount, Asset
from wallet.proofs.verify import verify

EUR, USD = Asset("EUR", 2), Asset("USD", 2)
HOT, ANN = accounts.hot(NetworkId("bank"), EUR), accounts.customer_balance(CustomerId("cus_ann"), EUR)


@pytest.mark.parametrize(
    ("debit", "credit", "amount"),
    [
        (HOT, ANN, Amount(0, EUR)),
        (ANN, ANN, Amount(1, EUR)),
        (HOT, accounts.customer_balance(CustomerId("cus_ann"), USD), Amount(1, EUR)),
        (HOT, ANN, Amount(1, USD)),
    ],
    ids=["nothing", "to itself", "two assets", "another asset"],
)
def test_led_14_a_transfer_that_is_empty_or_not_of_one_asset_does_not_exist(
    debit: Account, credit: Account, amount: Amount
) -> None:
    with pytest.raises(ValueError, match="a transfer moves"):
        post(debit, credit, amount)


@pytest.mark.parametrize("field", ["amount", "credit"])
async def test_led_14_a_forged_empty_transfer_is_refused_by_the_database_and_leaves_nothing(
    dsns: Dsns, journal: Journal, field: str
) -> None:
    capital = accounts.capital(EUR)  # without a guard of its own that would refuse it first
    forged: Transfer = post(capital, accounts.suspense(EUR), Amount(1, EUR))
    object.__setattr__(forged, field, Amount(0, EUR) if field == "amount" else capital)
    with pytest.raises(JournalUnavailable):
        await journal.commit(Change("node", EventKind.DEPOSIT_CREDITED, {}, entry=(forged,)))
    assert await count_of(dsns.books, "journal") == 0
    assert await count_of(dsns.books, "transfers") == 0


class BackwardClock:
    """Goes back an hour each time that somebody looks."""

    def __init__(self) -> None:
        self._at = datetime.now(UTC)

    def now(self) -> datetime:
        self._at -= timedelta(hours=1)
        return self._at

    async def sleep(self, seconds: float) -> None:
        return


async def test_led_15_order_is_the_sequence_without_gaps_though_the_clock_goes_back(dsns: Dsns) -> None:
    journal = Journal(dsns.books, BackwardClock())
    await journal.start()
    try:
        made = [await journal.commit(listed())]
        made += [await journal.commit(paused(version, "again")) for version in (1, 2, 3, 4)]
    finally:
        await journal.stop()
    assert [each.seq for each in made] == [1, 2, 3, 4, 5]
    assert all(one.at <= two.at for one, two in pairwise(made))
    async with connected(dsns.books) as reader:
        await verify(reader)
