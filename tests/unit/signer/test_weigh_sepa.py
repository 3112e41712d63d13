import pytest

from chains.signer.judging.effect import Effect, Outflow
from chains.signer.judging.policy import SepaPolicy
from chains.signer.judging.weigh_sepa import weigh_sepa
from tests.unit.signer.scene import IBAN, IBAN_OUTSIDE, POLICY, payout_file, payout_request
from wallet.ports import Purpose, SignerRefused, SignRequest

FIRST, SECOND = ("wdr_1", IBAN_OUTSIDE, 100), ("wdr_2", IBAN_OUTSIDE, 250)


def weigh(request: SignRequest) -> Effect:
    policy = POLICY["sepa"]
    assert isinstance(policy, SepaPolicy)
    return weigh_sepa(request, policy)


def test_a_payout_file_pays_its_withdrawals_and_uses_up_its_message_id() -> None:
    effect = weigh(payout_request(payout_file(FIRST, SECOND), references=("wdr_1", "wdr_2")))
    paid = (Outflow("EUR", 100, *FIRST[:2]), Outflow("EUR", 250, *SECOND[:2]))
    assert effect == Effect(paid, Outflow("EUR", 0), ("sub-1",))


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        (payout_request(payout_file(), purpose=Purpose.SWEEP), "only withdrawals"),
        (payout_request(payout_file(), paths=("m/0",)), "no key path"),
        (payout_request(payout_file(iban=IBAN_OUTSIDE)), "another account"),
        (payout_request(payout_file(submission="sub_2")), "its submission's id"),
        (payout_request(payout_file(), submission="sub_2"), "its submission's id"),
        (payout_request(payout_file(), references=("wdr_2",)), "not those of the withdrawals"),
        (payout_request(payout_file(), references=()), "not those of the withdrawals"),
        (payout_request(payout_file(FIRST, SECOND), references=("wdr_2", "wdr_1")), "not those of the withdrawals"),
        (payout_request(payout_file(FIRST, SECOND)), "not those of the withdrawals"),
        (payout_request(payout_file(FIRST, FIRST)), "not those of the withdrawals"),
        (payout_request(payout_file(("wdr_1", IBAN, 100))), "to our own account"),
        (payout_request(payout_file(("wdr_1", IBAN_OUTSIDE, 0))), "no payout file|of nothing"),
        (payout_request(payout_file(), submission="s" * 36), "35 letters"),
        (payout_request(payout_file() + b"\n"), "no payout file"),
        (payout_request(payout_file().replace(b'"EUR">123.45', b'"EUR">123.46')), "no payout file"),
        (payout_request(payout_file().replace(b"<CtrlSum>123.45", b"<CtrlSum>123.46", 1)), "no payout file"),
        (payout_request(payout_file().replace(b"EUR", b"USD")), "no payout file"),
        (payout_request(b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), "no payout file"),
        (payout_request(b""), "no payout file"),
    ],
)
def test_key_04_what_is_of_no_class_is_refused(request_: SignRequest, rule: str) -> None:
    with pytest.raises(SignerRefused, match=rule):
        weigh(request_)


def test_refusals_do_not_repeat_what_the_file_says_of_people() -> None:
    payload = payout_file(("wdr_9", IBAN_OUTSIDE, 100), name="Carol Canary")
    for request in (payout_request(payload), payout_request(payload[:-20]), payout_request(payload + b"<!-- x -->")):
        with pytest.raises(SignerRefused) as refusal:
            weigh(request)
        assert "Canary" not in str(refusal.value)
        assert IBAN_OUTSIDE not in str(refusal.value)
