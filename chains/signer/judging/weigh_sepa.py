"""What a payout file would do, and whether it is of a class that is ever signed: payments of withdrawals from our own
account, each once, under the submission's own name. Refusals never quote the file: it names people."""

from chains.sepa.decode import PayoutFile, bank_reference, decode
from chains.signer.judging.effect import Effect, Outflow, refuse
from chains.signer.judging.policy import SepaPolicy
from wallet.ports import Purpose, SignRequest


def weigh_sepa(request: SignRequest, policy: SepaPolicy) -> Effect:
    """Raises `SignerRefused`. The file's count and control sum were proven by decoding."""
    if request.purpose is not Purpose.WITHDRAWAL or request.paths:
        raise refuse("at a bank only withdrawals are signed, and no key path is named")
    file = _decode(request.payload)
    if file.debtor_iban != policy.iban:
        raise refuse("the payout file is drawn on another account than ours")
    if file.message_id != _at_bank(request.submission):
        raise refuse("the payout file does not carry its submission's id")
    _check_payments(request, file, policy)
    paid = zip(file.payments, request.references, strict=True)
    outflows = tuple(Outflow(file.currency, one.units, reference, one.iban) for one, reference in paid)
    return Effect(outflows, Outflow(policy.fees.asset, 0), (file.message_id,))


def _check_payments(request: SignRequest, file: PayoutFile, policy: SepaPolicy) -> None:
    carried = [payment.end_to_end for payment in file.payments]
    if not carried or carried != [_at_bank(reference) for reference in request.references]:
        raise refuse("the payments are not those of the withdrawals named, in their order")
    for payment in file.payments:
        if payment.units == 0:
            raise refuse("a payment of nothing")
        if payment.iban == policy.iban:
            raise refuse("a payment to our own account")


def _decode(payload: bytes) -> PayoutFile:
    try:
        return decode(payload)
    except ValueError as reason:
        raise refuse(f"the payload is no payout file: {reason}") from None


def _at_bank(reference: str) -> str:
    try:
        return bank_reference(reference)
    except ValueError as reason:
        raise refuse(str(reason)) from None
