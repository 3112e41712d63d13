from decimal import Decimal

import msgspec
import pytest

from chains.bitcoin.answers import MempoolState, units_of
from wallet.ports import NetworkUnreachable


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("0", 0),
        ("0.00000001", 1),
        ("1e-8", 1),
        ("0.1", 10_000_000),
        ("0.29", 29_000_000),
        ("20999999.97690000", 2_099_999_997_690_000),
        ("21000000", 2_100_000_000_000_000),
    ],
)
def test_dpb_06_amounts_are_read_digit_by_digit(text: str, units: int) -> None:
    answer = f'{{"mempoolminfee": {text}, "minrelaytxfee": 0}}'
    assert units_of(msgspec.json.decode(answer, type=MempoolState).mempoolminfee) == units


@pytest.mark.parametrize(
    "text",
    [
        "-0.00000001",
        "0.000000001",
        "84000000.00000001",
        "1e999999",
        "1e-999999",
        f"0.00000001{'0' * 40}1",
        "NaN",
        "sNaN",
        "Infinity",
    ],
)
def test_rpc_06_an_amount_that_cannot_exist_is_no_answer(text: str) -> None:
    with pytest.raises(NetworkUnreachable):
        units_of(Decimal(text))
