"""The one question that every withdrawal asks before its money is held: do its owner's safeguards allow it?

The answer is what the withdrawal's Change must require and write, so that the Journal judges it under the head lock: a
destination that is removed meanwhile makes the Change stale, and the decision is taken again.
"""

from dataclasses import dataclass

from wallet.context import Context
from wallet.destinations.find import SAVED, find_marked, is_usable
from wallet.destinations.mark import mark_of
from wallet.errors import DestinationNotSaved, DestinationNotYetUsable
from wallet.ids import CustomerId
from wallet.journal.body import time_text
from wallet.journal.change import Insert, Requirement, Update
from wallet.ports import Destination, Network


@dataclass(frozen=True, slots=True)
class Admission:
    """What the Change of an exit carries so that what was decided here still holds where it is judged."""

    requires: tuple[Requirement, ...] = ()
    writes: tuple[Insert | Update, ...] = ()


async def admit_withdrawal(context: Context, owner: CustomerId, network: Network, target: Destination) -> Admission:
    """`target` is in canonical form. Raises `DestinationNotSaved`, `DestinationNotYetUsable`, `PersonErased`."""
    saved = await find_marked(context, owner, network.id, mark_of(context, owner, network, target))
    if saved is None or saved["removed_at"] is not None:
        if context.safety_floor.saved_only:
            raise DestinationNotSaved
        return Admission()
    if not is_usable(saved, context.clock.now()):
        raise DestinationNotYetUsable(saved["id"], time_text(saved["usable_at"]))
    return Admission((Requirement(SAVED, saved["id"], saved["version"]),))
