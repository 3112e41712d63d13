import pytest

from chains.bitcoin.address import script_of
from chains.bitcoin.coins import dust_units, fee_units
from chains.bitcoin.parameters import MAIN
from tests.unit.chains.bitcoin.test_address import P2PKH_MAIN, P2SH_MAIN, P2TR_MAIN, P2WPKH_MAIN, P2WSH_MAIN


@pytest.mark.parametrize(
    ("address", "units"),
    [(P2PKH_MAIN, 546), (P2SH_MAIN, 540), (P2WPKH_MAIN, 294), (P2WSH_MAIN, 330), (P2TR_MAIN, 330)],
)
def test_dust_is_what_bitcoin_core_calls_dust_at_its_default_rate(address: str, units: int) -> None:
    assert dust_units(script_of(address, MAIN), 3_000) == units


def test_a_fee_is_rounded_up() -> None:
    assert fee_units(141, 1_001) == 142
    assert fee_units(141, 1) == 1
