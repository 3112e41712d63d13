"""LED-08 and LED-09 for all amounts: what is written is read back exactly, and only one way of writing is read."""

from hypothesis import given
from hypothesis import strategies as st

from wallet.money import AMOUNT_TEXT_MAX, UNITS_MAX, Amount, AmountMalformed, Asset, format_units, parse_amount, rescale

UNITS = st.integers(0, UNITS_MAX)
DECIMALS = st.integers(0, 36)
NEAR = st.text(alphabet="0123456789.+-eE_ ,xX\u0661\uff11\u200b\n\t", max_size=130)  # what looks like an amount


@given(UNITS, DECIMALS)
def test_led_09_an_amount_is_read_as_it_was_written(units: int, decimals: int) -> None:
    asset = Asset("XX", decimals)
    assert parse_amount(format_units(units, decimals), asset) == Amount(units, asset)


@given(st.integers(1, UNITS_MAX), DECIMALS)
def test_a_negative_figure_is_shown_and_never_read(units: int, decimals: int) -> None:
    assert format_units(-units, decimals) == "-" + format_units(units, decimals)
    assert not reads(format_units(-units, decimals), Asset("XX", decimals))


@given(st.one_of(NEAR, st.text(max_size=40)), DECIMALS)
def test_led_08_what_is_read_is_what_the_digits_say_and_all_else_is_refused(text: str, decimals: int) -> None:
    """The oracle counts digits; it knows neither the grammar nor the parser."""
    whole, point, fraction = text.partition(".")
    digits = set("0123456789")
    lawful = (
        bool(whole)
        and set(whole) <= digits
        and (whole == "0" or whole[0] != "0")
        and set(fraction) <= digits
        and bool(point) == bool(fraction)
        and len(fraction) <= decimals
        and len(text) <= AMOUNT_TEXT_MAX
    )
    units = int(whole + fraction + "0" * (decimals - len(fraction))) if lawful else UNITS_MAX + 1
    asset = Asset("XX", decimals)
    assert reads(text, asset) == (units <= UNITS_MAX)
    if units <= UNITS_MAX:
        assert parse_amount(text, asset).units == units


@given(UNITS, DECIMALS, DECIMALS)
def test_another_scale_is_exact_or_refused(units: int, one: int, two: int) -> None:
    there = rescale(units, from_decimals=one, to_decimals=two)
    if there is not None:
        assert units * 10**two == there * 10**one
        assert rescale(there, from_decimals=two, to_decimals=one) == units
    else:
        assert units * 10**two % 10**one != 0


def reads(text: str, asset: Asset) -> bool:
    try:
        parse_amount(text, asset)
    except AmountMalformed:
        return False
    return True
