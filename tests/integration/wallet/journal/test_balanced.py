"""LED-14: what is not balanced cannot be written down, and where code of ours forges it the Journal refuses before it writes.
LED-15: order is the sequence, whatever the clock says."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import asyncpg
import pytest
from msgspec.structs import force_setattr

from node.database import Dsns
from tests.integration.wallet.changes import connected, count_of, listed, paused
from wallet.errors import JournalUnavailable
from wallet.ids import CustomerId, NetworkId
from wallet.journal import Change, Committed, EventKind, Journal
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


@pytest.mark.parametrize(
    ("field", "value"),
    [("amount", Amount(0, EUR)), ("credit", accounts.capital(EUR)), ("credit", accounts.suspense(USD))],
    ids=["nothing", "to itself", "across assets"],
)
async def test_led_14_a_forged_transfer_fails_alone_and_leaves_nothing(
    dsns: Dsns, journal: Journal, field: str, value: object
) -> None:
    """Between accounts without a guard of their own, which would refuse it first; the Changes that queued beside it stand."""
    forged: Transfer = post(accounts.capital(EUR), accounts.suspense(EUR), Amount(1, EUR))
    force_setattr(forged, field, value)
    bad = Change("node", EventKind.DEPOSIT_CREDITED, {}, entry=(forged,))
    before, found, after = await asyncio.gather(
        journal.commit(listed()), journal.commit(bad), journal.commit(listed("USD")), return_exceptions=True
    )
    assert isinstance(found, JournalUnavailable)
    assert [each.seq for each in (before, after) if isinstance(each, Committed)] == [1, 2]
    assert await count_of(dsns.books, "journal") == 2
    assert await count_of(dsns.books, "transfers") == 0
    assert await count_of(dsns.books, "accounts") == 0
    again = post(accounts.capital(EUR), accounts.suspense(EUR), Amount(1, EUR))
    with pytest.raises(JournalUnavailable, match="put aside"):  # whatever forged it may have forged this one as well
        await journal.commit(Change("node", EventKind.DEPOSIT_CREDITED, {}, entry=(again,)))
    await journal.commit(Change("node", EventKind.DEPOSIT_CREDITED, {}, entry=(post(HOT, ANN, Amount(1, EUR)),)))


@pytest.mark.parametrize(("credit", "units"), [("house:suspense:EUR", 0), ("house:capital:EUR", 1)])
async def test_led_14_the_table_itself_takes_nothing_empty_and_nothing_to_itself(
    dsns: Dsns, credit: str, units: int
) -> None:
    async with connected(dsns.books) as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                "INSERT INTO transfers VALUES (1, 0, 'post', 'house:capital:EUR', $1, 'EUR', $2, NULL, 0, 0, 0, 0)",
                credit,
                units,
            )


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
