import copy
import tomllib
from typing import Any

import pytest

from chains.signer.judging.policy import EvmPolicy, Limit, PolicyMalformed, SepaPolicy, UtxoPolicy, read_policy
from tests.unit.signer.scene import DUSD, IBAN, NETWORKS

WRITTEN = """
[ethereum]
kind = "evm"
chain_id = 31337
fee_max = "0.05"
fee_window_max = "1"
gas_funding_max = "0.02"
window_s = 86400

[ethereum.assets.ETH]
decimals = 18
submission_max = "10"
window_max = "50"
"""


def test_amounts_become_whole_units_in_the_assets_scale() -> None:
    policy = read_policy(NETWORKS)
    evm, bitcoin, sepa = policy["ethereum"], policy["bitcoin"], policy["sepa"]
    assert isinstance(evm, EvmPolicy)
    assert evm.limits["ETH"] == Limit("ETH", 2 * 10**18, 5 * 10**18)
    assert evm.limits["DUSD"] == Limit("DUSD", 1_000_000_000, 2_500_000_000)
    assert evm.fees == Limit("ETH", 10**16, 5 * 10**16)
    assert evm.contracts == {DUSD.lower(): "DUSD"}
    assert isinstance(bitcoin, UtxoPolicy)
    assert (bitcoin.chain.name, bitcoin.main, bitcoin.fees.submission_max) == ("regtest", False, 10_000)
    assert isinstance(sepa, SepaPolicy)
    assert (sepa.iban, sepa.limits["EUR"].submission_max, sepa.fees.submission_max) == (IBAN, 100_000, 0)


def test_the_documented_form_is_read() -> None:
    assert isinstance(read_policy(tomllib.loads(WRITTEN))["ethereum"], EvmPolicy)


@pytest.mark.parametrize(
    ("network", "place", "value", "reason"),
    [
        ("ethereum", ("kind",), "solana", "kind"),
        ("ethereum", ("chain_id",), 0, "chain_id"),
        ("ethereum", ("chain_id",), "1", "chain_id"),
        ("ethereum", ("fee_max",), 0.05, "fee_max"),
        ("ethereum", ("fee_max",), "-1", "an amount is"),
        ("ethereum", ("fee_max",), "1e3", "an amount is"),
        ("ethereum", ("gas_funding_max",), "0.0000000000000000001", "at most 18 decimals"),
        ("ethereum", ("window_s",), 0, "window_s"),
        ("ethereum", ("window_s",), 10**9, "window_s"),
        ("ethereum", ("fee_maximum",), "1", "fee_maximum"),
        ("ethereum", ("assets", "ETH", "window_max"), None, "window_max"),
        ("ethereum", ("assets", "ETH", "contract"), "0x" + "1" * 40, "exactly one asset"),
        ("ethereum", ("assets", "DUSD", "contract"), None, "contract|exactly one"),
        ("ethereum", ("assets", "DUSD", "contract"), "0x1234", "40 hexadecimal"),
        ("ethereum", ("assets", "DUSD", "decimals"), 37, "decimals"),
        ("ethereum", ("assets", "dusd"), NETWORKS["ethereum"]["assets"]["DUSD"], "capital letters|two assets"),  # type: ignore[index]
        ("bitcoin", ("chain",), "testnet5", "a chain of the Bitcoin family"),
        ("bitcoin", ("assets", "BTC", "decimals"), 9, "BTC with 8 decimals"),
        ("bitcoin", ("assets", "LTC"), {"decimals": 8, "submission_max": "1", "window_max": "1"}, "the one asset"),
        ("sepa", ("iban",), "DE89370400440532013001", "sepa"),
        ("sepa", ("fee_max",), "1", "fee_max"),
        ("sepa", ("assets", "EUR", "submission_max"), "1.005", "at most 2 decimals"),
    ],
)
def test_a_policy_that_is_not_exactly_one_is_refused_with_its_place(
    network: str, place: tuple[str, ...], value: object, reason: str
) -> None:
    written: Any = copy.deepcopy(NETWORKS)
    table = written[network]
    for step in place[:-1]:
        table = table[step]
    if value is None:
        del table[place[-1]]
    else:
        table[place[-1]] = value
    with pytest.raises(PolicyMalformed, match=reason) as refusal:
        read_policy(written)
    assert str(refusal.value).startswith(f"networks.{network}: ")
