"""From instructions to a payout file that the bank's schema accepts. Pure: equal instructions give equal bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from chains.sepa.account import Account
from chains.sepa.address import check_destination
from chains.sepa.decode import decode
from chains.sepa.payout import PAYMENT_UNITS_MAX, Payment, PayoutFile, bank_reference, render
from wallet.money import Amount
from wallet.ports import FileSource, Instruction, Unsigned

PAYMENTS_MAX = 1000  # in one file: what a person can still look through


@dataclass(frozen=True, slots=True)
class Debtor:
    """We, as payout files name us."""

    account: Account
    bic: str | None
    name: str


def build(instructions: Sequence[Instruction], source: FileSource, debtor: Debtor) -> Unsigned:
    """The unsigned file. Raises `ValueError` for instructions that no lawful file can carry; the core checks each
    destination and amount when it is asked for, so this is the second look."""
    payments = tuple(_payment(instruction, debtor.account) for instruction in instructions)
    _check(payments)
    file = PayoutFile(
        message_id=bank_reference(source.message_id),
        created_at=source.at.astimezone(UTC).replace(microsecond=0),
        debtor_name=debtor.name,
        debtor_iban=debtor.account.iban,
        debtor_bic=debtor.bic,
        payments=payments,
    )
    payload = render(file)
    if decode(payload) != file:
        raise ValueError("a payout file that does not say what was meant")
    return Unsigned(payload, (source.message_id,), Amount(0, debtor.account.asset))


def _payment(instruction: Instruction, account: Account) -> Payment:
    amount = instruction.amount
    if amount.asset != account.asset:
        raise ValueError(f"this account pays {account.asset.symbol} only")
    if not 1 <= amount.units <= PAYMENT_UNITS_MAX:
        raise ValueError("a SEPA payment is 0.01 to 999999999.99 EUR")
    destination = check_destination(instruction.destination, account.iban)
    return Payment(bank_reference(instruction.reference), destination.address, destination.name or "", amount.units)


def _check(payments: Sequence[Payment]) -> None:
    if not 1 <= len(payments) <= PAYMENTS_MAX:
        raise ValueError(f"a payout file has 1 to {PAYMENTS_MAX} payments")
    if len({payment.end_to_end for payment in payments}) != len(payments):
        raise ValueError("two payments of a payout file have the same reference")
