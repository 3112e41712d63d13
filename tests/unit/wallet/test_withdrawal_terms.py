"""What arrives and what is held, to the last unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet.errors import AmountRefused
from wallet.ids import NetworkId
from wallet.money import Amount, Asset
from wallet.ports import Listing
from wallet.withdrawals.request import refuse_inexpressible
from wallet.withdrawals.terms import FeeMode, terms_of

BTC = Asset("BTC", 8)
UNITS = st.integers(min_value=0, max_value=21 * 10**14)


@given(amount=UNITS, fee=UNITS)
def test_a_charged_fee_is_on_top_and_the_amount_arrives(amount: int, fee: int) -> None:
    terms = terms_of(Amount(amount, BTC), FeeMode.CHARGED, Amount(fee, BTC))
    assert (terms.arrives.units, terms.fee.units, terms.total.units) == (amount, fee, amount + fee)


@given(amount=UNITS, fee=UNITS)
def test_an_included_fee_comes_out_of_the_amount_and_leaves_something(amount: int, fee: int) -> None:
    if fee and amount <= fee:
        with pytest.raises(AmountRefused):
            terms_of(Amount(amount, BTC), FeeMode.INCLUDED, Amount(fee, BTC))
        return
    terms = terms_of(Amount(amount, BTC), FeeMode.INCLUDED, Amount(fee, BTC))
    assert terms.total.units == amount
    assert terms.arrives.units == amount - fee


@pytest.mark.parametrize(("units", "carried"), [(10**12, True), (10**12 + 1, False), (3 * 10**12, True), (1, False)])
def test_more_decimals_than_a_token_has_there_are_refused(units: int, carried: bool) -> None:
    """Six on the network, eighteen in the ledger."""
    dollar = Asset("DUSD", 18)
    listing = Listing(NetworkId("ethereum"), dollar, "0x" + "1" * 40, 6)
    if carried:
        refuse_inexpressible(listing, Amount(units, dollar))
        return
    with pytest.raises(AmountRefused, match="at most 6 decimals"):
        refuse_inexpressible(listing, Amount(units, dollar))
