"""The bytes that may stand on the network for one submission: the first ones, and the replacements of them.

What this prevents: paying again, or giving back what was paid, because the wrong one of several txs was looked for. All of them
use one nonce or the same inputs, so at most one is ever included: whichever a block shows settles the submission, and only
what all of them say is dead is dead.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import CompoundSelect, select, union_all

from wallet import schema
from wallet.context import Context, Record
from wallet.ids import NetworkId, SubmissionId
from wallet.ports import Fate, Network, Purpose, Status, SubmissionRef


class ReplacementState(StrEnum):
    RESERVED = "reserved"  # what its fee grows by is set aside
    SIGNED = "signed"  # the signed bytes are durable
    REFUSED = "refused"  # the signer refused it late: there are no such bytes


@dataclass(frozen=True, slots=True)
class Variant:
    """Signed bytes. `number` is 0 for the first and n for the n-th replacement; `change` is what comes back where coins are
    unspent outputs; a self-cancel `pays` nobody."""

    number: int
    ref: SubmissionRef
    change: Mapping[str, Any] | None
    pays: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a submission: `variant` is the one that a block shows, or else the newest, whose own fate is `newest`."""

    status: Status
    variant: Variant
    newest: Fate

    def row_values(self, row: Record) -> dict[str, Any]:
        """What the submission's row says of the variant that counts."""
        if not self.variant.number:
            return {"mined": None} if row["mined"] is not None else {}
        change = {"change": self.variant.change} if self.variant.change != row["change"] else {}
        return {"mined": self.variant.ref.tx, **change}


def sent_as(network: NetworkId, txs: Collection[str]) -> CompoundSelect[Any]:
    """Those of these txs that are ours, be it as the first or as a replacement, with where they were built to go and what
    comes back."""
    first, again = schema.submissions, schema.replacements
    mine = select(first.c.tx, first.c.target, first.c.change).where(first.c.network == network, first.c.tx.in_(txs))
    replaced = select(again.c.tx, first.c.target, again.c.change).join(first, first.c.id == again.c.submission)
    return union_all(mine, replaced.where(first.c.network == network, again.c.tx.in_(txs)))


async def replacements_of(context: Context, row: Record) -> list[Record]:
    """Oldest first. Most submissions have none, and then nothing is asked."""
    if not row["replacements"]:
        return []
    table = schema.replacements
    return await context.all(select(table).where(table.c.submission == row["id"]).order_by(table.c.number))


def signed_variants(row: Record, first: SubmissionRef | None, replacements: Sequence[Record]) -> list[Variant]:
    """Oldest first. `first` is None for a submission that the signer refused."""
    found = [] if first is None else [Variant(0, first, row["change"])]
    for one in replacements:
        if one["state"] == ReplacementState.SIGNED:
            references = () if first is None else first.references
            ref = SubmissionRef(
                SubmissionId(row["id"]), one["tx"], bytes(one["signed"]), tuple(row["consumes"]), references
            )
            found.append(Variant(one["number"], ref, one["change"], one["purpose"] != Purpose.SELF_CANCEL))
    return found


async def outcome_of(network: Network, variants: Sequence[Variant]) -> Outcome:
    """Asks for each until a block shows one. Raises the network's errors: without all answers nothing is concluded."""
    fates: list[Fate] = []
    for variant in reversed(variants):
        status = await network.status(variant.ref)
        fates.append(status.fate)
        if status.fate in (Fate.INCLUDED, Fate.FINAL):
            return Outcome(status if variant.pays else replace(status, succeeded=False), variant, fates[0])
    together = next(fate for fate in (Fate.PENDING, Fate.UNKNOWN, Fate.DEAD) if fate in fates)
    return Outcome(Status(together), variants[-1], fates[0])
