import pytest

from wallet.money import AMOUNT_TEXT_MAX, UNITS_MAX, Amount, AmountMalformed, Asset, format_units, parse_amount, rescale

EUR, ETH, RAW = Asset("EUR", 2), Asset("ETH", 18), Asset("RAW", 0)

REFUSED = [
    "-1", "+1", "-0", "-0.00", "00", "01", "1e3", "1E309", "1e-2", "NaN", "nan", "sNaN", "Infinity", "-Infinity", "inf",
    "0x10", "0b1", "1_000", " 1 ", "1 ", " 1", "1\n", "\n1", "1\t", "1\r\n", "\u0661\u0662\u0663", "\uff11\uff12", "1\u200b",
    "\ufeff1", "1,00", "1.000,00", "1'000", ".5", "5.", ".", "", "1.2.3", "1..2", "1/3", "1.000", "0.001", "one", "null",
    "true", "1.0\0", "\u00bd", "\u2460", "1\u0301", "\u0967", "1.\uff10", "9" * 5000, "0." + "0" * 5000, "1 EUR", "EUR 1",
    "(1)", "1-",
]  # fmt: skip
NOT_TEXT = [True, False, None, 0, 1, 0.1, 10**30, [], {}, ["1"], {"amount": "1"}, b"1", object()]


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_led_08_a_text_outside_the_grammar_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(AmountMalformed) as refusal:
        parse_amount(text, EUR)
    assert len(str(refusal.value)) < 80
    assert len(text) < 4 or text not in str(refusal.value)


WORDS: list[tuple[object, Asset, str]] = [
    (12.5, EUR, 'an amount is a decimal string, such as "12.50"'),
    ("1," + "0" * AMOUNT_TEXT_MAX, EUR, "an amount has at most 120 characters"),
    ("0." + "0" * (AMOUNT_TEXT_MAX - 1), EUR, "an amount has at most 120 characters"),
    ("0." + "0" * (AMOUNT_TEXT_MAX - 2), EUR, "EUR has at most 2 decimals"),
    ("1,5", EUR, 'an amount is ASCII digits with at most one point, such as "12.50"'),
    ("0.001", EUR, "EUR has at most 2 decimals"),
    (str(UNITS_MAX), EUR, "an amount is at most 2^256 - 1 base units"),
]


@pytest.mark.parametrize(("text", "asset", "words"), WORDS, ids=range(len(WORDS)))
def test_led_08_why_a_text_is_no_amount_is_said(text: object, asset: Asset, words: str) -> None:
    with pytest.raises(AmountMalformed) as refused:
        parse_amount(text, asset)
    assert (str(refused.value), refused.value.reason) == (words, words)


@pytest.mark.parametrize("value", NOT_TEXT, ids=[type(value).__name__ for value in NOT_TEXT])
def test_led_08_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(AmountMalformed, match="decimal string"):
        parse_amount(value, EUR)


@pytest.mark.parametrize(
    ("text", "asset", "units"),
    [
        ("0", EUR, 0),
        ("0.0", EUR, 0),
        ("0.00", EUR, 0),
        ("0.01", EUR, 1),
        ("0.1", EUR, 10),
        ("1", EUR, 100),
        ("10.50", EUR, 1050),
        ("7", RAW, 7),
        ("0.000000000000000001", ETH, 1),
        ("1.000000000000000001", ETH, 10**18 + 1),
        (str(UNITS_MAX), RAW, UNITS_MAX),
    ],
)
def test_led_08_the_grammar_is_read_exactly(text: str, asset: Asset, units: int) -> None:
    assert parse_amount(text, asset) == Amount(units, asset)


@pytest.mark.parametrize(
    ("text", "asset"), [("1.0", RAW), ("0.001", EUR), ("1.0000000000000000001", ETH), ("0.00000000000000000000", ETH)]
)
def test_led_08_too_many_decimals_are_an_error_and_never_rounded(text: str, asset: Asset) -> None:
    with pytest.raises(AmountMalformed, match="decimals"):
        parse_amount(text, asset)


def test_led_09_one_unit_above_the_cap_is_refused() -> None:
    with pytest.raises(AmountMalformed, match=r"2\^256"):
        parse_amount(str(UNITS_MAX + 1), RAW)


@pytest.mark.parametrize("units", [1.0, True, "1", None])
def test_an_amount_counts_in_whole_units_only(units: object) -> None:
    with pytest.raises(TypeError, match=r"^an amount counts base units in int$"):
        Amount(units, EUR)  # type: ignore[arg-type]


@pytest.mark.parametrize("units", [-1, UNITS_MAX + 1])
def test_an_amount_has_a_least_and_a_most(units: int) -> None:
    assert [Amount(bound, RAW).units for bound in (0, UNITS_MAX)] == [0, UNITS_MAX]
    with pytest.raises(ValueError, match=r"^an amount lies between 0 and 2\^256 - 1$"):
        Amount(units, RAW)


def test_amounts_add_up_and_come_apart_in_their_own_asset() -> None:
    assert Amount(2, EUR) + Amount(3, EUR) == Amount(5, EUR)
    assert Amount(5, EUR) - Amount(3, EUR) == Amount(2, EUR)
    assert Amount(5, EUR) - Amount(5, EUR) == Amount(0, EUR)


def test_amounts_of_one_asset_are_ordered_by_their_units() -> None:
    less, same, more = Amount(4, EUR), Amount(5, EUR), Amount(6, EUR)
    assert [one < same for one in (less, same, more)] == [True, False, False]
    assert [one <= same for one in (less, same, more)] == [True, True, False]
    assert [bool(Amount(units, EUR)) for units in (0, 1)] == [False, True]


@pytest.mark.parametrize(
    ("units", "scales", "expected"),
    [
        (5, (2, 2), 5),
        (5, (2, 4), 500),
        (500, (4, 2), 5),
        (501, (4, 2), None),
        (499, (4, 2), None),
        (0, (18, 0), 0),
        (10**18, (18, 0), 1),
    ],
)
def test_another_scale_is_exact_or_refused(units: int, scales: tuple[int, int], expected: int | None) -> None:
    assert rescale(units, from_decimals=scales[0], to_decimals=scales[1]) == expected


def test_amounts_of_different_assets_do_not_add_up() -> None:
    for work in (
        lambda: Amount(1, EUR) + Amount(1, ETH),
        lambda: Amount(1, EUR) < Amount(1, ETH),
        lambda: Amount(1, EUR) <= Amount(1, ETH),
    ):
        with pytest.raises(ValueError, match="EUR and ETH"):
            work()


def test_the_same_symbol_with_another_scale_is_another_asset() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        Amount(1, EUR) + Amount(1, Asset("EUR", 3))


def test_taking_away_more_than_there_is_raises() -> None:
    with pytest.raises(ValueError, match="lies between"):
        Amount(1, EUR) - Amount(2, EUR)


@pytest.mark.parametrize(
    ("units", "decimals", "text"),
    [(0, 2, "0.00"), (5, 2, "0.05"), (-5, 2, "-0.05"), (123, 0, "123"), (10**18, 18, "1." + "0" * 18)],
)
def test_figures_are_written_with_all_their_decimals(units: int, decimals: int, text: str) -> None:
    assert format_units(units, decimals) == text


@pytest.mark.parametrize(
    ("symbol", "decimals"),
    [("eur", 2), ("E", 2), ("USD\u0422", 6), ("EUR ", 2), ("EUR", -1), ("EUR", 37), ("A" * 13, 2), ("1ST", 2)],
)
def test_an_asset_that_could_be_confused_is_refused(symbol: str, decimals: int) -> None:
    with pytest.raises(
        ValueError, match=r"^an asset('s symbol is 2 to 12 capital letters and digits| has 0 to 36 decimals)$"
    ):
        Asset(symbol, decimals)


def test_the_bounds_of_an_assets_scale_are_within() -> None:
    assert [Asset("EUR", decimals).decimals for decimals in (0, 36)] == [0, 36]
