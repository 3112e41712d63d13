"""What a tx of ours really did, by its receipt alone.

What this prevents: a payment that is called made because its tx succeeded, and money given back that has moved. A token's own
log says that its units moved. Of ether our contract tells what could not be paid; it has told of nothing else, ever, since its
code was looked at before it was called and cannot change.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from chains.evm.decode import EvmTx
from chains.evm.payout import UNPAID_TOPIC, Paid, Payout
from chains.evm.token import TransferLog, read_transfer
from chains.evm.wire import LogAnswer, ReceiptAnswer, is_bytes, quantity
from wallet.ports import NetworkUnreachable, SubmissionRef

SUCCEEDED = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """As in `wallet.ports.Status`. Where nobody at all was paid nothing succeeded."""

    succeeded: bool
    failed: tuple[str, ...] = ()


def outcome(receipt: ReceiptAnswer, tx: EvmTx, submission: SubmissionRef) -> Outcome:
    """Raises `NetworkUnreachable` for a receipt that no tx of ours can have."""
    source = submission.consumes[0].partition(":")[0].lower()
    if quantity(receipt.status) != SUCCEEDED:
        return Outcome(succeeded=False)
    if isinstance(tx.act, Payout):
        return _of_payout(receipt, tx, tx.act, source, submission.references)
    if tx.transfer is None:
        return Outcome(succeeded=True)
    expected = TransferLog(tx.target.lower(), source, tx.transfer.target.lower(), tx.transfer.units)
    return Outcome(succeeded=expected in _transfers(receipt.logs))


def _of_payout(receipt: ReceiptAnswer, tx: EvmTx, act: Payout, source: str, references: Sequence[str]) -> Outcome:
    if len(references) != len(act.payments):
        raise AssertionError("a payout makes one payment for each of its submission's references")
    unpaid = _unpaid_places(receipt.logs, tx.target.lower(), act.payments)
    if act.token is not None:
        unpaid = _unmoved_places(receipt.logs, act, source, unpaid)
    failed = tuple(reference for place, reference in enumerate(references) if place in unpaid)
    return Outcome(len(failed) < len(references), failed if len(failed) < len(references) else ())


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


def _unmoved_places(logs: Iterable[LogAnswer], act: Payout, source: str, told: AbstractSet[int]) -> set[int]:
    """Those that no log of the token stands behind. What it says has moved has moved, whatever it answered; of two payments
    alike, of which one has moved, it is the one that our contract did not tell of."""
    moved = Counter(_transfers(logs))
    unmoved: set[int] = set()
    for place in sorted(range(len(act.payments)), key=lambda place: (place in told, place)):
        payment = act.payments[place]
        expected = TransferLog(str(act.token).lower(), source, payment.target.lower(), payment.units)
        if moved[expected]:
            moved[expected] -= 1
        else:
            unmoved.add(place)
    return unmoved


def _transfers(logs: Iterable[LogAnswer]) -> list[TransferLog | None]:
    return [read_transfer(log) for log in logs if not log.removed]
