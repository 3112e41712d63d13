"""Above the signer's own threshold a withdrawal needs people, who have signed what its payload would do and nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chains.signer.judging.judge import Usage, judge
from chains.signer.judging.policy import Policy, PolicyMalformed, Threshold, read_policy
from chains.signer.kinds import weigh
from chains.signer.local import LocalSigner, digest
from tests.unit.signer.scene import (
    BITCOIN_OUTSIDE,
    DUSD,
    ETHER,
    IBAN_OUTSIDE,
    KEYS,
    NETWORKS,
    NOW,
    OUTSIDE,
    UNLISTED,
    bitcoin_payload,
    bitcoin_request,
    evm_payload,
    evm_request,
    open_memory,
    payout_file,
    payout_request,
)
from wallet.ports import Approval, Ground, SignerRefused, SignRequest
from wallet.proposals.digest import withdrawal_content, withdrawal_digest

ANN, ANN_TOO, BEN, EVE = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 3, 4))
UNUSED = Usage(spent={}, fees=0, references={}, consumed={})


def public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


APPROVERS = {"ann": [public(ANN), public(ANN_TOO)], "ben": public(BEN)}
ABOVE = {"ETH": "0.5", "DUSD": "10", "BTC": "0.01", "EUR": "100.00"}


def with_thresholds(networks: Mapping[str, Any] = NETWORKS, approvals: int = 2) -> Policy:
    return read_policy(
        {
            name: {
                **network,
                "approvers": APPROVERS,
                "assets": {
                    symbol: {**asset, "approvals_above": ABOVE[symbol], "approvals": approvals}
                    for symbol, asset in network["assets"].items()
                },
            }
            for name, network in networks.items()
        }
    )


POLICY = with_thresholds()

# Each pays wdr_1 more than the threshold: the request, and the act that it comes to.
PAYMENTS: dict[str, tuple[SignRequest, dict[str, str]]] = {
    "ether": (evm_request(evm_payload()), withdrawal_content("ethereum", "ETH", OUTSIDE, ETHER, 18)),
    "token": (
        evm_request(evm_payload(OUTSIDE, 10_000_001, token=DUSD)),
        withdrawal_content("ethereum", "DUSD", OUTSIDE, 10_000_001, 6),
    ),
    "bitcoin": (
        bitcoin_request(bitcoin_payload()),
        withdrawal_content("bitcoin", "BTC", BITCOIN_OUTSIDE, 10_000_000, 8),
    ),
    "bank": (payout_request(payout_file()), withdrawal_content("sepa", "EUR", IBAN_OUTSIDE, 12_345, 2)),
}


def signed(act: Mapping[str, str], *keys: Ed25519PrivateKey, withdrawal: str = "wdr_1") -> tuple[Approval, ...]:
    over = withdrawal_digest(withdrawal, act)
    return tuple(Approval(public(key), key.sign(over).hex(), withdrawal) for key in keys)


def judged(request: SignRequest, approvals: tuple[Approval, ...], policy: Policy = POLICY) -> None:
    asked, rules = replace(request, approvals=approvals), policy[request.network]
    judge(asked, weigh(asked, rules, KEYS), rules, UNUSED)


def refused(request: SignRequest, approvals: tuple[Approval, ...]) -> SignerRefused:
    with pytest.raises(SignerRefused, match="enrolled approvers have signed the payment of wdr_") as refusal:
        judged(request, approvals)
    assert refusal.value.ground is Ground.APPROVALS
    return refusal.value


@pytest.mark.parametrize("kind", PAYMENTS)
def test_key_04_what_two_people_have_signed_is_what_the_payload_does_and_is_signed(kind: str) -> None:
    request, act = PAYMENTS[kind]
    judged(request, signed(act, ANN, BEN))
    assert refused(request, ()).approvals == 2


@pytest.mark.parametrize("field", ["network", "asset", "destination", "amount"])
@pytest.mark.parametrize("kind", PAYMENTS)
def test_key_04_approvals_of_an_act_that_differs_in_one_field_are_none(kind: str, field: str) -> None:
    request, act = PAYMENTS[kind]
    refused(request, signed({**act, field: act[field] + "1"}, ANN, BEN))


@pytest.mark.parametrize("kind", PAYMENTS)
def test_key_05_one_person_is_not_two_and_approvals_of_another_withdrawal_are_none(kind: str) -> None:
    request, act = PAYMENTS[kind]
    refused(request, signed(act, ANN))
    refused(request, signed(act, ANN, ANN))
    refused(request, signed(act, ANN, ANN_TOO))  # two keys, one person
    refused(request, signed(act, ANN, EVE))  # nobody who is enrolled
    replayed = signed(act, ANN, BEN, withdrawal="wdr_0")
    refused(request, replayed)
    refused(request, tuple(replace(one, reference="wdr_1") for one in replayed))


def test_key_06_approvals_that_are_only_rows_do_nothing() -> None:
    """Whoever may write every row can say that all have approved; nobody has signed."""
    request, _ = PAYMENTS["ether"]
    for forged in ("00" * 64, "", "not hex", "ff" * 64):
        refused(request, (Approval(public(ANN), forged, "wdr_1"), Approval(public(BEN), forged, "wdr_1")))
    refused(request, tuple(Approval(key, "00" * 64, "wdr_1") for key in ("", "ann", "zz" * 32, "00" * 32)))


def test_key_06_up_to_the_threshold_nobody_is_asked_and_one_unit_more_takes_people() -> None:
    at, above = evm_request(evm_payload(units=ETHER >> 1)), evm_request(evm_payload(units=(ETHER >> 1) + 1))
    judged(at, ())
    refused(above, ())


def test_in_a_batch_each_payment_above_the_threshold_has_approvals_of_its_own() -> None:
    """Two large ones and a small one. Neither lends its approvals to the other."""
    payload = bitcoin_payload(
        payments=((BITCOIN_OUTSIDE, 8_000_000), (BITCOIN_OUTSIDE, 1_000_000), (BITCOIN_OUTSIDE, 2_000_000)),
        change_units=18_995_000,
    )
    request = bitcoin_request(payload, references=("wdr_1", "wdr_2", "wdr_3"))
    one = signed(withdrawal_content("bitcoin", "BTC", BITCOIN_OUTSIDE, 8_000_000, 8), ANN, BEN)
    three = signed(withdrawal_content("bitcoin", "BTC", BITCOIN_OUTSIDE, 2_000_000, 8), ANN, BEN, withdrawal="wdr_3")
    judged(request, (*one, *three))
    assert refused(request, one).reference == "wdr_3"
    assert refused(request, (*one, *(replace(given, reference="wdr_3") for given in one))).reference == "wdr_3"


def test_approvals_lift_no_limit_and_make_nothing_signable() -> None:
    much = evm_request(evm_payload(units=2 * ETHER + 1))
    with pytest.raises(SignerRefused, match="for one submission"):
        judged(much, signed(withdrawal_content("ethereum", "ETH", OUTSIDE, 2 * ETHER + 1, 18), ANN, BEN))
    unlisted = evm_request(evm_payload(OUTSIDE, 5, token=UNLISTED))
    with pytest.raises(SignerRefused, match="listed tokens"):
        judged(unlisted, signed(withdrawal_content("ethereum", "ETH", OUTSIDE, 5, 18), ANN, BEN))
    request, act = PAYMENTS["ether"]
    with pytest.raises(SignerRefused, match="at most"):
        judged(request, signed(act, *[ANN] * 17))


async def test_the_same_approved_request_gives_the_same_bytes_and_with_other_approvals_it_is_another(
    tmp_path: Path,
) -> None:
    memory = open_memory(tmp_path)
    signer, (request, act) = LocalSigner(KEYS, POLICY, memory, lambda: NOW), PAYMENTS["ether"]
    asked = replace(request, approvals=signed(act, ANN, BEN))
    assert await signer.sign(asked) == await signer.sign(asked)
    with pytest.raises(SignerRefused, match="other content"):
        await signer.sign(replace(asked, approvals=asked.approvals[:1]))
    meant = [replace(asked, approvals=tuple(replace(one, reference=name) for one in asked.approvals)) for name in "ab"]
    assert len({digest(one) for one in (request, asked, *meant)}) == 4
    memory.close()


def test_approvers_stand_in_the_signers_own_file_each_key_with_one_person() -> None:
    limit = POLICY["bitcoin"].limits["BTC"]
    people = {public(ANN): "ann", public(ANN_TOO): "ann", public(BEN): "ben"}
    assert isinstance(limit.threshold, Threshold)
    assert (limit.threshold.above, limit.threshold.decimals) == (10**6, 8)
    assert (limit.threshold.rule.approvals, limit.threshold.rule.approvers) == (2, people)
    asset = {**NETWORKS["bitcoin"]["assets"]["BTC"], "approvals_above": "0.01"}  # type: ignore[index]
    for approvers in ({}, {"ann": [public(ANN), public(ANN_TOO)]}, {"ann": public(ANN), "ben": public(ANN)}):
        with pytest.raises(PolicyMalformed, match="as many approvers as approvals"):
            read_policy({"bitcoin": {**NETWORKS["bitcoin"], "assets": {"BTC": asset}, "approvers": approvers}})
    with pytest.raises(PolicyMalformed, match="64 hexadecimal"):
        read_policy({"bitcoin": {**NETWORKS["bitcoin"], "assets": {"BTC": asset}, "approvers": {"a": "0", "b": "1"}}})
    with pytest.raises(PolicyMalformed):
        with_thresholds(approvals=0)
