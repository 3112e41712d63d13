from dataclasses import replace

import pytest

from chains.evm import rlp
from chains.evm.decode import TYPE
from chains.signer.judging.effect import Effect, Outflow
from chains.signer.judging.policy import EvmPolicy
from chains.signer.judging.weigh_evm import weigh_evm
from chains.signer.signing import evm
from tests.unit.signer.scene import (
    DEPOSIT,
    DUSD,
    ETHER,
    HOT,
    KEYS,
    OUTSIDE,
    POLICY,
    UNLISTED,
    evm_address,
    evm_payload,
    evm_request,
)
from wallet.ports import Purpose, SignerRefused, SignRequest

FEE = 60_000 * 2 * 10**9
SWEEP, GAS = Purpose.SWEEP, Purpose.GAS_FUNDING
TO_HOT = evm_payload(evm_address(HOT), 5)
TO_DEPOSIT = evm_payload(evm_address(DEPOSIT), 10**16)


def weigh(request: SignRequest) -> Effect:
    policy = POLICY["ethereum"]
    assert isinstance(policy, EvmPolicy)
    return replace(weigh_evm(request, policy, KEYS), constant=b"")  # what that holds: `test_replacements`


def test_a_withdrawal_pays_out_its_value_and_uses_up_a_nonce_of_the_hot_address() -> None:
    effect = weigh(evm_request(evm_payload(nonce=7)))
    paid, used = (Outflow("ETH", ETHER, "wdr_1", OUTSIDE),), (f"{evm_address(HOT)}:7",)
    assert effect == Effect(paid, Outflow("ETH", FEE), used, touches=("ETH",))


def test_a_tokens_withdrawal_pays_out_what_its_calldata_says() -> None:
    effect = weigh(evm_request(evm_payload(OUTSIDE, 1_000_000, token=DUSD)))
    assert effect.outflows == (Outflow("DUSD", 1_000_000, "wdr_1", OUTSIDE),)


@pytest.mark.parametrize("token", [None, DUSD])
def test_a_sweep_costs_its_fee_only(token: str | None) -> None:
    payload = evm_payload(evm_address(HOT), 5, token=token, nonce=3)
    effect = weigh(evm_request(payload, purpose=SWEEP, references=(), paths=(DEPOSIT,)))
    moved = "DUSD" if token else "ETH"
    assert effect == Effect((), Outflow("ETH", FEE), (f"{evm_address(DEPOSIT)}:3",), touches=(moved,))


def test_gas_funding_counts_as_what_the_hot_address_gives_for_gas() -> None:
    effect = weigh(evm_request(TO_DEPOSIT, purpose=GAS, references=(), paths=(HOT, DEPOSIT)))
    given = (Outflow("ETH for gas", 10**16),)
    assert effect == Effect(given, Outflow("ETH", FEE), (f"{evm_address(HOT)}:0",), touches=("ETH",))


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        (evm_request(evm_payload(chain_id=1)), "chain 1, not 31337"),
        (evm_request(evm_payload(units=0)), "a payment of nothing"),
        (evm_request(evm_payload(units=0, token=DUSD)), "a payment of nothing"),
        (evm_request(evm_payload("0x" + "0" * 40)), "nobody holds the keys"),
        (evm_request(evm_payload("0x" + "0" * 39 + "1", 5, token=DUSD)), "nobody holds the keys"),
        (evm_request(evm_payload(DUSD)), "nobody holds the keys"),
        (evm_request(evm_payload(DUSD, 5, token=DUSD)), "nobody holds the keys"),
        (evm_request(evm_payload(OUTSIDE, 5, token=UNLISTED)), "listed tokens"),
        (evm_request(evm_payload(evm_address(HOT))), "own hot address"),
        (evm_request(evm_payload(), paths=(DEPOSIT,)), "paid from the hot address"),
        (evm_request(evm_payload(), paths=()), "paid from the hot address"),
        (evm_request(evm_payload(), paths=(HOT, DEPOSIT)), "paid from the hot address"),
        (evm_request(evm_payload(), paths=("m/44'/60'/1'/0/00",)), "paid from the hot address"),
        (evm_request(evm_payload(), references=()), "exactly one withdrawal"),
        (evm_request(evm_payload(), references=("wdr_1", "wdr_2")), "exactly one withdrawal"),
        (evm_request(TO_HOT, purpose=SWEEP, paths=(DEPOSIT,)), "pays no withdrawal"),
        (evm_request(TO_HOT, purpose=SWEEP, references=(), paths=(HOT,)), "only deposit addresses"),
        (evm_request(TO_HOT, purpose=SWEEP, references=(), paths=()), "one deposit address"),
        (evm_request(TO_HOT, purpose=SWEEP, references=(), paths=("m/0",)), "form"),
        (evm_request(TO_HOT, purpose=SWEEP, references=(), paths=("m/84'/0'/0'/0/1",)), "outside this network"),
        (evm_request(evm_payload(), purpose=SWEEP, references=(), paths=(DEPOSIT,)), "our own hot address only"),
        (evm_request(TO_DEPOSIT, purpose=SWEEP, references=(), paths=(DEPOSIT,)), "our own hot address only"),
        (evm_request(TO_DEPOSIT, purpose=GAS, paths=(HOT, DEPOSIT)), "pays no withdrawal"),
        (evm_request(TO_DEPOSIT, purpose=GAS, references=(), paths=(HOT,)), "one deposit address"),
        (evm_request(TO_DEPOSIT, purpose=GAS, references=(), paths=(DEPOSIT, DEPOSIT)), "from the hot address"),
        (evm_request(TO_DEPOSIT, purpose=GAS, references=(), paths=(HOT, HOT)), "the path leads to"),
        (evm_request(TO_DEPOSIT, purpose=GAS, references=(), paths=(HOT, "m/44'/60'/0'/0/8")), "the path leads to"),
        (evm_request(evm_payload(), purpose=GAS, references=(), paths=(HOT, DEPOSIT)), "the path leads to"),
        (
            evm_request(
                evm_payload(evm_address(DEPOSIT), 5, token=DUSD), purpose=GAS, references=(), paths=(HOT, DEPOSIT)
            ),
            "own asset",
        ),
        (
            evm_request(
                evm_payload(evm_address(DEPOSIT), 2 * 10**16 + 1), purpose=GAS, references=(), paths=(HOT, DEPOSIT)
            ),
            "above the cap",
        ),
    ],
)
def test_key_04_what_is_of_no_class_is_refused(request_: SignRequest, rule: str) -> None:
    with pytest.raises(SignerRefused, match=rule):
        weigh(request_)


FIELDS: list[rlp.Item] = [*rlp.decode(evm_payload()[1:])]
SIGNED = evm.sign(evm_payload(), KEYS.reveal_private_key(HOT), KEYS.public_key(HOT)).payload


def changed(place: int, value: rlp.Item) -> bytes:
    return TYPE + rlp.encode([*FIELDS[:place], value, *FIELDS[place + 1 :]])


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x02",
        evm_payload() + b"\x00",
        evm_payload()[:-1],
        b"\x01" + evm_payload()[1:],
        evm_payload()[1:],
        SIGNED,
        changed(5, b""),
        changed(5, bytes(19)),
        changed(7, b"\x00"),
        changed(7, bytes.fromhex("095ea7b3") + bytes(64)),
        changed(7, bytes.fromhex("a9059cbb") + b"\x01" + bytes(63)),
        changed(7, bytes.fromhex("a9059cbb") + bytes(65)),
        changed(8, [[bytes(20), []]]),
        changed(4, b"\x00\x01"),
    ],
)
def test_key_04_payloads_that_are_not_one_of_our_two_shapes_are_refused(payload: bytes) -> None:
    with pytest.raises(SignerRefused):
        weigh(evm_request(payload))
