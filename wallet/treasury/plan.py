"""A submission that could be made: what it moves, from where, and what it would use up."""

from dataclasses import dataclass

from wallet.context import Context, Record, amount_of
from wallet.ids import NetworkId, SubmissionId
from wallet.journal.change import Insert, Update
from wallet.ledger import accounts
from wallet.ledger.accounts import Account
from wallet.money import Amount
from wallet.ports import Approval, Purpose, SignRequest, Unsigned
from wallet.treasury.recoveries import Recovery, approved
from wallet.treasury.sources import NextSource, signing_paths


@dataclass(frozen=True, slots=True)
class Plan:
    """A submission that could be made: `amount` goes from the address `source` to `target`, and what it uses up."""

    id: SubmissionId
    purpose: Purpose
    amount: Amount
    source: str
    target: str | None
    next_source: NextSource
    unsigned: Unsigned
    paths: tuple[str, ...]
    withdrawals: tuple[Record, ...] = ()
    more_writes: tuple[Insert | Update, ...] = ()
    recovery: Recovery | None = None


def plan_paths(next_source: NextSource, unsigned: Unsigned, *more: str) -> tuple[str, ...]:
    return (*signing_paths(next_source.source, unsigned), *more)


def sign_request(network: NetworkId, plan: Plan, approvals: tuple[Approval, ...] = ()) -> SignRequest:
    references = tuple(row["id"] for row in plan.withdrawals)
    request = SignRequest(plan.id, network, plan.purpose, references, plan.unsigned.payload, plan.paths, approvals)
    return approved(request, plan.recovery)


def places(network: NetworkId, purpose: Purpose, amount: Amount, fee: Amount) -> tuple[Account, Account]:
    """The accounts that the value and the network fee come out of."""
    if purpose in (Purpose.SWEEP, Purpose.RECOVERY):
        return accounts.deposits(network, amount.asset), accounts.deposits(network, fee.asset)
    return accounts.hot(network, amount.asset), accounts.hot(network, fee.asset)


def fee_place(context: Context, row: Record) -> Account:
    """The account that the network fee of this submission comes out of."""
    network, purpose, fee = NetworkId(row["network"]), Purpose(row["purpose"]), context.asset(row["fee_asset"])
    return places(network, purpose, amount_of(context, row), Amount(0, fee))[1]


def arrival(network: NetworkId, purpose: Purpose, amount: Amount) -> Account | None:
    """Our own place at which it arrives; None for what goes to somebody else."""
    match purpose:
        case Purpose.SWEEP | Purpose.ROTATION:
            return accounts.hot(network, amount.asset)
        case Purpose.GAS_FUNDING:
            return accounts.deposits(network, amount.asset)
        case Purpose.WITHDRAWAL | Purpose.RECOVERY | Purpose.SELF_CANCEL | Purpose.PAYOUT_SETUP | Purpose.GATHERING:
            return None
