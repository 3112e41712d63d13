"""A stray leaves a deposit address only as enrolled approvers have signed that very act; the signer believes nothing else."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chains.evm.address import checksum_lower
from chains.evm.decode import decode
from chains.signer.judging.effect import Outflow
from chains.signer.judging.policy import ApprovalRule, EvmPolicy, PolicyMalformed, read_policy
from chains.signer.judging.weigh_evm import weigh_evm
from chains.signer.local import digest
from tests.unit.signer.scene import (
    DEPOSIT,
    DUSD,
    HOT,
    KEYS,
    NETWORKS,
    OUTSIDE,
    POLICY,
    UNLISTED,
    evm_address,
    evm_payload,
    evm_request,
)
from wallet.ports import Approval, Purpose, SignerRefused, SignRequest
from wallet.proposals.digest import RECOVERY_KIND, act_digest, digest_words, recovery_content

ANN, BEN, EVE = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 3))
PROPOSAL, UNITS = "prp_01kbrnaj54fsmfz5xvscqf6q2v", 25
CONTRACT = checksum_lower(UNLISTED[2:].lower())


def public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def policy(approvals: int = 2) -> EvmPolicy:
    found = POLICY["ethereum"]
    assert isinstance(found, EvmPolicy)
    return replace(found, recovery=ApprovalRule(approvals, {public(ANN): "ann", public(BEN): "ben"}))


def act(proposal: str = PROPOSAL, target: str = OUTSIDE, units: int = UNITS, network: str = "ethereum") -> bytes:
    content = recovery_content(network, evm_address(DEPOSIT), CONTRACT, target, units)
    return act_digest(proposal, RECOVERY_KIND, content)


def approved(over: bytes, *keys: Ed25519PrivateKey) -> tuple[Approval, ...]:
    return tuple(Approval(public(key), key.sign(over).hex()) for key in keys)


def recovery(approvals: tuple[Approval, ...], contract: str = UNLISTED, path: str = DEPOSIT) -> SignRequest:
    payload = evm_payload(OUTSIDE, UNITS, token=contract, nonce=4)
    request = evm_request(payload, purpose=Purpose.RECOVERY, references=(PROPOSAL,), paths=(path,))
    return replace(request, approvals=approvals)


def test_what_two_approvers_have_signed_costs_its_fee_and_uses_up_a_nonce() -> None:
    effect = weigh_evm(recovery(approved(act(), ANN, BEN)), policy(), KEYS)
    assert (effect.outflows, effect.consumes) == ((), (f"{evm_address(DEPOSIT)}:4",))
    assert effect.fee == Outflow("ETH", decode(recovery(()).payload).fee_max_wei)


@pytest.mark.parametrize(
    "approvals",
    [
        (),
        approved(act(), ANN),
        approved(act(), ANN, ANN),
        approved(act(), ANN, EVE),
        approved(act(proposal="prp_01kbrnaj54fsmfz5xvscqf6q2w"), ANN, BEN),
        approved(act(target=evm_address(HOT)), ANN, BEN),
        approved(act(units=UNITS - 1), ANN, BEN),
        approved(act(network="base"), ANN, BEN),
        (*approved(act(), ANN), Approval(public(BEN), "00" * 64)),
        (*approved(act(), ANN), Approval(public(BEN), "not hex")),
    ],
)
def test_anything_else_is_refused(approvals: tuple[Approval, ...]) -> None:
    with pytest.raises(SignerRefused, match="enrolled approvers have signed this very act"):
        weigh_evm(recovery(approvals), policy(), KEYS)


def test_without_enrolled_approvers_nothing_is_recovered() -> None:
    found = POLICY["ethereum"]
    assert isinstance(found, EvmPolicy)
    with pytest.raises(SignerRefused, match="enrols nobody"):
        weigh_evm(recovery(approved(act(), ANN, BEN)), found, KEYS)


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        (recovery((), contract=DUSD), "not listed"),
        (recovery((), path=HOT), "deposit address"),
        (replace(recovery(()), references=()), "one stray"),
        (replace(recovery(()), payload=evm_payload(OUTSIDE, UNITS)), "not listed"),
        (replace(recovery(()), payload=evm_payload(OUTSIDE, 0, token=UNLISTED)), "nothing"),
        (recovery(approved(act(), *[ANN] * 17)), "at most"),
        (replace(evm_request(evm_payload(), purpose=Purpose.SWEEP), approvals=approved(act(), ANN)), "belong to"),
    ],
)
def test_a_recovery_is_of_one_class_alone(request_: SignRequest, rule: str) -> None:
    with pytest.raises(SignerRefused, match=rule):
        weigh_evm(request_, policy(), KEYS)


def test_approvers_are_enrolled_in_the_signers_own_file() -> None:
    ethereum = NETWORKS["ethereum"]
    enrolled = {"ann": public(ANN), "ben": public(BEN)}
    found = read_policy({"ethereum": {**ethereum, "recovery": {"approvers": enrolled}}})["ethereum"]
    assert isinstance(found, EvmPolicy)
    assert found.recovery == policy().recovery
    for wrong in ({"ann": public(ANN)}, {"ann": public(ANN), "ben": public(ANN)}, {"ann": "00", "ben": public(BEN)}):
        with pytest.raises(PolicyMalformed):
            read_policy({"ethereum": {**ethereum, "recovery": {"approvers": wrong}}})


def test_a_request_without_approvals_is_named_as_it_always_was_and_one_with_some_by_all_of_them() -> None:
    plain, one, two = recovery(()), recovery(approved(act(), ANN)), recovery(approved(act(), ANN, BEN))
    assert len({digest(plain), digest(one), digest(two)}) == 3
    assert digest(plain) == digest(replace(one, approvals=()))


def test_a_digest_is_told_in_words() -> None:
    """Proquints of the specification's own examples, and of bytes that we chose."""
    assert digest_words(bytes.fromhex("7f0000013f54dcc1") + bytes(24)).startswith("lusab-babad-gutih-tugad")
    assert digest_words(act()) != digest_words(act(units=UNITS + 1))
