from dataclasses import replace
from typing import Any

import pytest

from chains.bitcoin.address import p2tr_address, p2wpkh_address
from chains.bitcoin.parameters import REGTEST, SIGNET
from chains.signer.judging.effect import Effect, Outflow
from chains.signer.judging.policy import UtxoPolicy
from chains.signer.judging.weigh_bitcoin import weigh_bitcoin
from tests.unit.signer.scene import (
    BITCOIN_DEPOSIT,
    BITCOIN_HOT,
    BITCOIN_OUTSIDE,
    KEYS,
    POLICY,
    bitcoin_address,
    bitcoin_payload,
    bitcoin_request,
    utxo,
)
from wallet.ports import Derived, Purpose, SignerRefused, SignRequest, Utxo

PAYMENT = (BITCOIN_OUTSIDE, 10_000_000)
TWO_INPUTS = (utxo(), utxo(BITCOIN_HOT, 1_000_000, index=1))


PAID = Outflow("BTC", 10_000_000, "wdr_1", BITCOIN_OUTSIDE)


def weigh(request: SignRequest) -> Effect:
    policy = POLICY["bitcoin"]
    assert isinstance(policy, UtxoPolicy)
    return weigh_bitcoin(request, policy, KEYS)


def test_what_leaves_is_every_output_but_the_change_and_the_fee_is_the_rest() -> None:
    effect = weigh(bitcoin_request(bitcoin_payload()))
    assert replace(effect, constant=b"") == Effect((PAID,), Outflow("BTC", 5_000), (utxo().outpoint,))


def test_several_withdrawals_and_inputs_fit_in_one_submission() -> None:
    payload = bitcoin_payload(TWO_INPUTS, (PAYMENT, PAYMENT), change_units=10_995_000)
    effect = weigh(bitcoin_request(payload, references=("wdr_1", "wdr_2"), paths=(BITCOIN_DEPOSIT, BITCOIN_HOT)))
    assert effect.outflows == tuple(replace(PAID, reference=one) for one in ("wdr_1", "wdr_2"))
    assert effect.consumes == (f"{'ab' * 32}:0", f"{'ab' * 32}:1")


def test_payments_are_those_of_the_withdrawals_in_their_order() -> None:
    others = ((BITCOIN_OUTSIDE, 7_000_000), (BITCOIN_OUTSIDE, 3_000_000))
    effect = weigh(bitcoin_request(bitcoin_payload(payments=others), references=("wdr_1", "wdr_2")))
    assert [(one.reference, one.units) for one in effect.outflows] == [("wdr_1", 7_000_000), ("wdr_2", 3_000_000)]


def test_a_replacement_may_change_the_fee_and_what_comes_back_and_nothing_else() -> None:
    def constant(*inputs: Utxo, payment: tuple[str, int] = PAYMENT, change_units: int = 9_995_000) -> bytes:
        payload = bitcoin_payload(inputs or (utxo(),), (payment,), change_units=change_units)
        return weigh(bitcoin_request(payload, paths=tuple(one.path for one in inputs or (utxo(),)))).constant

    first = constant()
    assert first
    assert constant(change_units=9_000_000) == first
    assert constant(payment=(BITCOIN_OUTSIDE, 10_000_001)) != first
    assert constant(payment=(bitcoin_address("m/84'/1'/0'/0/9"), 10_000_000)) != first
    assert constant(replace(utxo(), units=utxo().units + 1)) != first
    assert constant(*TWO_INPUTS) != first


def test_what_is_paid_to_ourselves_without_being_the_change_counts_as_paid_out() -> None:
    payload = bitcoin_payload(payments=((bitcoin_address("m/84'/1'/0'/0/9"), 10_000_000),))
    assert weigh(bitcoin_request(payload)).outflows == (replace(PAID, target=bitcoin_address("m/84'/1'/0'/0/9")),)


TAPROOT = "m/86'/1'/0'/0/3"


def taproot_utxo(path: str = TAPROOT, address: str | None = None) -> Utxo:
    return utxo(path, address=address or p2tr_address(KEYS.public_key(path), REGTEST))


def test_taproot_inputs_are_weighed_as_all_others() -> None:
    payload = bitcoin_payload((taproot_utxo(),))
    effect = weigh(bitcoin_request(payload, paths=(TAPROOT,)))
    assert replace(effect, constant=b"") == Effect((PAID,), Outflow("BTC", 5_000), (taproot_utxo().outpoint,))


@pytest.mark.parametrize(
    ("spent", "rule"),
    [
        (taproot_utxo(address=p2tr_address(KEYS.public_key(BITCOIN_DEPOSIT), REGTEST)), "not at the address"),
        (taproot_utxo(address=bitcoin_address(TAPROOT)), "not of the kind"),
        (utxo(BITCOIN_DEPOSIT, address=p2tr_address(KEYS.public_key(BITCOIN_DEPOSIT), REGTEST)), "not of the kind"),
        (taproot_utxo("m/86'/1'/1'/0/0"), "outside this network's trees"),
        (taproot_utxo("m/86'/0'/0'/0/3"), "not one of this chain's keys"),
    ],
)
def test_key_04_a_taproot_input_that_is_not_ours_is_refused(spent: Utxo, rule: str) -> None:
    with pytest.raises(SignerRefused, match=rule):
        weigh(bitcoin_request(bitcoin_payload((spent,)), paths=(spent.path,)))


FOREIGN = p2wpkh_address(KEYS.public_key("m/84'/1'/2'/0/0"), REGTEST)


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        (bitcoin_request(bitcoin_payload(), purpose=Purpose.SWEEP, references=()), "only withdrawals"),
        (bitcoin_request(bitcoin_payload(), purpose=Purpose.GAS_FUNDING, references=()), "only withdrawals"),
        (bitcoin_request(bitcoin_payload(), references=()), "exactly one payment"),
        (bitcoin_request(bitcoin_payload(), references=("wdr_1", "wdr_2")), "exactly one payment"),
        (bitcoin_request(bitcoin_payload(payments=(PAYMENT, PAYMENT), change_units=9_995_000)), "exactly one payment"),
        (bitcoin_request(bitcoin_payload(payments=())), "exactly one payment"),
        (bitcoin_request(bitcoin_payload(), paths=()), "not those of the inputs"),
        (bitcoin_request(bitcoin_payload(), paths=(BITCOIN_HOT,)), "not those of the inputs"),
        (
            bitcoin_request(bitcoin_payload(TWO_INPUTS, change_units=20_995_000), paths=(BITCOIN_HOT, BITCOIN_DEPOSIT)),
            "not those of the inputs",
        ),
        (bitcoin_request(bitcoin_payload((utxo(address=BITCOIN_OUTSIDE),))), "not at the address"),
        (bitcoin_request(bitcoin_payload((utxo(address=bitcoin_address(BITCOIN_HOT)),))), "not at the address"),
        (bitcoin_request(bitcoin_payload((utxo(address=FOREIGN),))), "not at the address"),
        (bitcoin_request(bitcoin_payload(change=Derived(FOREIGN, BITCOIN_HOT))), "not at the address"),
        (bitcoin_request(bitcoin_payload(change_units=20_000_001)), "worth more than the inputs"),
        (bitcoin_request(b""), "none of the Bitcoin family"),
        (bitcoin_request(b"{}"), "none of the Bitcoin family"),
        (bitcoin_request(bitcoin_payload() + b" "), "none of the Bitcoin family"),
    ],
)
def test_key_04_what_is_of_no_class_is_refused(request_: SignRequest, rule: str) -> None:
    with pytest.raises(SignerRefused, match=rule):
        weigh(request_)


def test_a_payload_for_another_chain_is_refused() -> None:
    policy = UtxoPolicy(SIGNET, POLICY["bitcoin"].limits, POLICY["bitcoin"].fees, 3600)
    with pytest.raises(SignerRefused, match="another chain of the Bitcoin family"):
        weigh_bitcoin(bitcoin_request(bitcoin_payload()), policy, KEYS)


def gathering(**how: Any) -> SignRequest:
    references, change = how.pop("references", ()), how.pop("change", None)
    payload = bitcoin_payload(
        TWO_INPUTS, how.pop("payments", ()), change=change, change_units=how.pop("units", 30_995_000)
    )
    paths = (BITCOIN_DEPOSIT, BITCOIN_HOT)
    return bitcoin_request(payload, purpose=Purpose.GATHERING, references=references, paths=paths)


def test_small_coins_of_ours_become_one_at_our_hot_address_and_only_the_fee_counts() -> None:
    effect = weigh(gathering())
    assert effect.outflows == ()
    assert effect.fee == Outflow("BTC", 5_000)
    assert effect.touches == ("BTC",)
    assert effect.constant


@pytest.mark.parametrize(
    ("how", "rule"),
    [
        ({"payments": (PAYMENT,), "units": 20_995_000}, "all of it comes back to us"),
        ({"payments": (PAYMENT,), "units": 0}, "all of it comes back to us"),
        ({"references": ("wdr_1",)}, "all of it comes back to us"),
        ({"change": Derived(bitcoin_address("m/84'/1'/0'/0/9"), "m/84'/1'/0'/0/9")}, "at the hot address"),
        ({"change": Derived(BITCOIN_OUTSIDE, BITCOIN_HOT)}, "not at the address"),
    ],
    ids=["pays too", "pays only", "a withdrawal", "a customer's address", "a stranger's address"],
)
def test_key_06_what_gathers_coins_pays_nobody(how: dict[str, Any], rule: str) -> None:
    with pytest.raises(SignerRefused, match=rule):
        weigh(gathering(**how))
