"""Whoever owns the node, its database and every API key asks the signer itself: its own bounds hold all the same."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chains.evm.decode import decode
from chains.signer.judging.policy import read_policy
from chains.signer.local import LocalSigner
from tests.unit.signer.scene import (
    DEPOSIT,
    ETHER,
    HOT,
    KEYS,
    NETWORKS,
    NOW,
    OUTSIDE,
    evm_address,
    evm_payload,
    evm_request,
    open_memory,
)
from wallet.ports import Purpose, Signed, SignRequest

WINDOW_MAX, FEES_MAX, GAS_MAX, HOUR_MAX = 5 * ETHER, ETHER // 20, ETHER // 10, 3 * ETHER
ASSETS = {"ETH": {"decimals": 18, "submission_max": "2", "window_max": "5", "hour_max": "3"}}
POLICY = read_policy(
    {"ethereum": {**NETWORKS["ethereum"], "window_s": 86_400, "gas_funding_window_max": "0.1", "assets": ASSETS}}
)
BIDS = st.tuples(
    st.sampled_from([Purpose.WITHDRAWAL, Purpose.GAS_FUNDING, Purpose.SWEEP]),
    st.integers(1, 3 * ETHER) | st.just(2 * ETHER) | st.integers(1, ETHER // 50),
    st.integers(10**9, ETHER // 50 // 21_000),
    st.integers(0, 4000),
)


def asked(purpose: Purpose, number: int, units: int, price: int) -> SignRequest:
    """The next nonce of the address that pays, and ids that nothing was signed for."""
    references: tuple[str, ...] = ()
    paths: tuple[str, ...] = (HOT,)
    match purpose:
        case Purpose.WITHDRAWAL:
            target, references = OUTSIDE, (f"wdr_{number}",)
        case Purpose.GAS_FUNDING:
            target, paths = evm_address(DEPOSIT), (HOT, DEPOSIT)
        case _:
            target, paths = evm_address(HOT), (DEPOSIT,)
    payload = evm_payload(target, units, nonce=number, gas_limit=21_000, max_fee=price)
    return evm_request(payload, submission=f"sub_{number}", purpose=purpose, references=references, paths=paths)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bids=st.lists(BIDS, min_size=15, max_size=40))
async def test_key_06_what_leaves_in_a_window_is_bounded_whatever_is_asked(
    tmp_path_factory: pytest.TempPathFactory, bids: list[tuple[Purpose, int, int, int]]
) -> None:
    memory, now = open_memory(tmp_path_factory.mktemp("memory")), [NOW]
    signer = LocalSigner(KEYS, POLICY, memory, lambda: now[0])
    left: list[tuple[int, int, int, int]] = []
    for number, (purpose, units, price, wait) in enumerate(bids):
        now[0] += wait
        (outcome,) = await signer.sign_many([asked(purpose, number, units, price)])
        if isinstance(outcome, Signed):
            tx = decode(outcome.payload)
            paid, gas = (tx.value, 0) if purpose is Purpose.WITHDRAWAL else (0, tx.value)
            left.append((now[0], paid, tx.fee_max_wei, gas if purpose is Purpose.GAS_FUNDING else 0))
    memory.close()
    for end, *_ in left:
        day = [one for one in left if end - 86_400 < one[0] <= end]
        hour = [one for one in left if end - 3600 < one[0] <= end]
        assert sum(paid for _, paid, _, _ in day) <= WINDOW_MAX
        assert sum(fee for _, _, fee, _ in day) <= FEES_MAX, "fees are an exit"
        assert sum(gas for *_, gas in day) <= GAS_MAX, "nor is the hot address emptied for gas"
        assert sum(paid + fee for _, paid, fee, _ in hour) <= HOUR_MAX
