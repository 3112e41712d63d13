"""A withdrawal to an address of another customer of this node: booked as a payment in one Change, at once and without a fee.

Nothing goes to the network. The withdrawal is `final` from the start and names the payment; the payee sees a payment.
"""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from wallet.ids import CustomerId, PaymentId
from wallet.journal.change import Change, Insert, Request, Requirement
from wallet.money import Amount
from wallet.payments.send import payment_change
from wallet.withdrawals.states import State
from wallet.withdrawals.view import withdrawal_view


def paid_inside(
    actor: str,
    row: Mapping[str, Any],
    payment: PaymentId,
    payee: CustomerId,
    amount: Amount,
    unpaused: Requirement,
    request: Request,
) -> Change:
    """`row` is the withdrawal as it was asked for."""
    owner, at = CustomerId(row["owner"]), row["created_at"]
    ended = {"units": amount.units, "fee_units": 0, "state": State.FINAL.value, "final_at": at, "payment": payment}
    paid = {**row, **ended, "hold": None, "fee_hold": None}
    change = payment_change(actor, payment, owner, payee, amount, None, at, unpaused, request)
    return replace(
        change,
        data={**change.data, "withdrawal": row["id"]},
        writes=(*change.writes, Insert("withdrawals", paid)),
        result=withdrawal_view(paid, amount.asset.decimals),
    )
