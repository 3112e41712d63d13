from dataclasses import replace

import pytest

from chains.signer.judging.effect import Effect, Outflow
from chains.signer.judging.judge import Usage, judge
from tests.unit.signer.scene import ETHER, POLICY, evm_payload, evm_request
from wallet.ports import SignerRefused

POLICY_EVM = POLICY["ethereum"]
REQUEST = evm_request(evm_payload())
EFFECT = Effect((Outflow("ETH", 2 * ETHER),), Outflow("ETH", 10**16), ("0xhot:0",))
UNUSED = Usage(spent={}, fees=0, references={}, consumed={})


def test_what_stays_exactly_at_every_limit_is_allowed() -> None:
    judge(REQUEST, EFFECT, POLICY_EVM, replace(UNUSED, spent={"ETH": 3 * ETHER}, fees=4 * 10**16))


@pytest.mark.parametrize(
    ("effect", "usage", "rule"),
    [
        (replace(EFFECT, outflows=(Outflow("ETH", 2 * ETHER + 1),)), UNUSED, "for one submission"),
        (replace(EFFECT, outflows=(Outflow("ETH", ETHER), Outflow("ETH", ETHER + 1))), UNUSED, "for one submission"),
        (EFFECT, replace(UNUSED, spent={"ETH": 3 * ETHER + 1}), "window's limit"),
        (replace(EFFECT, fee=Outflow("ETH", 10**16 + 1)), UNUSED, "above the cap"),
        (EFFECT, replace(UNUSED, fees=4 * 10**16 + 1), "fees would pass"),
        (replace(EFFECT, outflows=(Outflow("USDT", 1),)), UNUSED, "no limit here"),
        (EFFECT, replace(UNUSED, references={"wdr_1": "sub_0"}), "wdr_1 was signed in submission sub_0"),
        (EFFECT, replace(UNUSED, consumed={"0xhot:0": "sub_0"}), "used up by submission sub_0"),
    ],
)
def test_key_06_one_unit_above_a_limit_or_a_used_id_is_refused(effect: Effect, usage: Usage, rule: str) -> None:
    with pytest.raises(SignerRefused, match=rule):
        judge(REQUEST, effect, POLICY_EVM, usage)
