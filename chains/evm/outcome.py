"""What a tx of ours really did, by its receipt alone.

What this prevents: a payment that is called made because its tx succeeded, and money given back that has moved. A token's own
log says that its units moved. Of ether our contract tells what could not be paid; it has told of nothing else, ever, since its
code was looked at before it was called and cannot change.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from chains.evm.decode import EvmTx
from chains.evm.payout import UNPAID_TOPIC, Paid, Payout
from chains.evm.token import TransferLog, read_transfer
from chains.evm.wire import LogAnswer, ReceiptAnswer, is_bytes, quantity
from wallet.ports import NetworkUnreachable, SubmissionRef

_SUCCEEDED = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """`succeeded` and `failed` as in `wallet.ports.Status`; where nobody at all was paid nothing succeeded. `silent` is the
    token's contract where a payment has no log of its own: whether it stayed is for the balance to prove. `unexplained`
    are the token's logs that belong to no payment of ours."""

    succeeded: bool
    failed: tuple[str, ...] = ()
    silent: str | None = None
    unexplained: tuple[LogAnswer, ...] = ()


def outcome(receipt: ReceiptAnswer, tx: EvmTx, submission: SubmissionRef) -> Outcome:
    """Raises `NetworkUnreachable` for a receipt that no tx of ours can have."""
    source = submission.consumes[0].partition(":")[0].lower()
    if quantity(receipt.status) != _SUCCEEDED:
        return Outcome(succeeded=False)
    if isinstance(tx.act, Payout):
        return _of_payout(receipt, tx, tx.act, source, submission.references)
    if tx.transfer is None:
        return Outcome(succeeded=True)
    expected = TransferLog(tx.target.lower(), source, tx.transfer.target.lower(), tx.transfer.units)
    if expected in [read_transfer(log) for log in receipt.logs if not log.removed]:
        return Outcome(succeeded=True)
    return Outcome(succeeded=False, silent=tx.target, unexplained=tuple(receipt.logs))


def _of_payout(receipt: ReceiptAnswer, tx: EvmTx, act: Payout, source: str, references: Sequence[str]) -> Outcome:
    if len(references) != len(act.payments):
        raise AssertionError("a payout makes one payment for each of its submission's references")
    strange: tuple[LogAnswer, ...] = ()
    unpaid = _unpaid_places(receipt.logs, tx.target.lower(), act.payments)
    if act.token is not None:
        unpaid, strange = _unmoved_places(receipt.logs, act, source, unpaid)
    if not unpaid:
        return Outcome(succeeded=True)
    failed = tuple(reference for place, reference in enumerate(references) if place in unpaid)
    some = len(failed) < len(references)
    return Outcome(some, failed if some else (), act.token, strange)


def _unpaid_places(logs: Iterable[LogAnswer], contract: str, payments: Sequence[Paid]) -> set[int]:
    """Which payments our contract says that it could not make."""
    told: set[int] = set()
    for log in logs:
        if log.removed or log.address.lower() != contract or log.topics != [UNPAID_TOPIC]:
            continue
        if not is_bytes(log.data, 64):
            raise NetworkUnreachable("the receipt has a log that our contract does not write")
        place, payment = int(log.data[2:66], 16), bytes.fromhex(log.data[66:])
        if place >= len(payments) or payments[place].word != payment:
            raise NetworkUnreachable("the receipt tells of a payment that the tx does not make")
        told.add(place)
    return told


def _unmoved_places(
    logs: Iterable[LogAnswer], act: Payout, source: str, told: AbstractSet[int]
) -> tuple[set[int], tuple[LogAnswer, ...]]:
    """Those that no log of the token stands behind, and the logs that stand behind none. What it says has moved has moved,
    whatever it answered; of two payments alike, of which one has moved, it is the one that our contract did not tell of."""
    left = [(read_transfer(log), log) for log in logs if not log.removed]
    unmoved: set[int] = set()
    for place in sorted(range(len(act.payments)), key=lambda place: (place in told, place)):
        payment = act.payments[place]
        expected = TransferLog(str(act.token).lower(), source, payment.target.lower(), payment.units)
        found = next((one for one in left if one[0] == expected), None)
        if found is None:
            unmoved.add(place)
        else:
            left.remove(found)
    return unmoved, tuple(log for _, log in left)
