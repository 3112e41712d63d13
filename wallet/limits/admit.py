"""The one question that every exit asks before its money moves: do the safeguards of its owner allow it?

The answer is what the exit's Change must require and write, so that the Journal judges it under the head lock. A limit is
exact because each exit under one also counts itself on the row that says so: of all that were decided on the same sum one is
accepted, by whichever process, and the others are decided again. What is read first is the row, then the sum.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wallet.context import Context, Record
from wallet.destinations.find import SAVED, find_marked
from wallet.destinations.mark import mark_of
from wallet.errors import DestinationNotSaved, DestinationNotYetUsable, LimitExceeded
from wallet.ids import CustomerId
from wallet.journal.body import time_text
from wallet.journal.change import Insert, Requirement, Update
from wallet.limits.exits import fits_at
from wallet.limits.turns import remember_limited
from wallet.limits.windows import Bound, bounds_of, used_under
from wallet.money import Amount
from wallet.ports import Destination, Network
from wallet.safeguards.read import Safeguards, safeguards_over


@dataclass(frozen=True, slots=True)
class Admission:
    """What the Change of an exit carries so that what was decided here still holds where it is judged. The exit counts from
    `at` on. `platform` is whose customer the owner is, for what binds all of a platform's customers together."""

    at: datetime
    requires: tuple[Requirement, ...] = ()
    writes: tuple[Insert | Update, ...] = ()
    platform: str | None = None


async def admit_withdrawal(
    context: Context, owner: CustomerId, network: Network, amount: Amount, target: Destination
) -> Admission:
    """`target` is in canonical form. Raises `DestinationNotSaved`, `DestinationNotYetUsable`, `LimitExceeded`."""
    guards = await safeguards_over(context, owner)
    remember_limited(context, guards)
    saved = await _allowed_destination(context, guards, network, target, context.clock.now())
    counting = [one for one in guards if one.caps(amount.asset.symbol)]
    at = await _refuse_beyond(context, counting, amount, withdrawal=True)
    requires = [one.requirement for one in guards if one not in counting]
    platform = guards[1].owner if len(guards) > 1 else None
    return Admission(at, (*requires, *saved), tuple([one.counted for one in counting]), platform)


async def admit_payment(context: Context, payer: CustomerId, amount: Amount) -> Admission:
    """Of one who has limits, perhaps on withdrawals alone. Raises `LimitExceeded`."""
    own = (await safeguards_over(context, payer))[0]  # a platform's bound is on what leaves it
    if not any(caps.payments for caps in own.caps(amount.asset.symbol).values()):
        return Admission(context.clock.now(), (own.requirement,))
    at = await _refuse_beyond(context, [own], amount, withdrawal=False)
    return Admission(at, (), (own.counted,))


# ── where to ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _allowed_destination(
    context: Context, guards: Sequence[Safeguards], network: Network, target: Destination, now: datetime
) -> tuple[Requirement, ...]:
    """A sub-account sends also to what its platform has saved."""
    found = [(one, await _saved(context, one, network, target)) for one in guards]
    waiting = [(one.usable_at(row), row) for one, row in found if row is not None]
    for usable_at, row in waiting:
        if usable_at <= now:
            return (Requirement(SAVED, row["id"], row["version"]),)
    if waiting:
        usable_at, row = min(waiting, key=lambda one: one[0])
        raise DestinationNotYetUsable(row["id"], time_text(usable_at))
    if context.safety_floor.saved_only or any(one.rules.saved_only for one in guards):
        raise DestinationNotSaved
    return ()


async def _saved(context: Context, guards: Safeguards, network: Network, target: Destination) -> Record | None:
    mark = mark_of(context, guards.owner, network, target)
    row = await find_marked(context, guards.owner, network.id, mark)
    return None if row is None or row["removed_at"] is not None else row


# ── how much ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _refuse_beyond(
    context: Context, guards: Sequence[Safeguards], amount: Amount, *, withdrawal: bool
) -> datetime:
    """Returns the moment at which it was judged, by the Journal's time where there are limits: what a clock that was set back
    stamped would leave its window too early."""
    if not guards:
        return context.clock.now()
    now, asset = await context.journal_time(), amount.asset.symbol
    for one in guards:
        caps = {by: caps for by, caps in one.caps(asset).items() if withdrawal or caps.payments}
        bounds = [bound for by, given in caps.items() for bound in bounds_of(given, by)]
        used = await used_under(context, one.owner, asset, bounds, now)
        for bound in bounds:
            if bound.window is None:
                _refuse_alone(bound, amount, withdrawal=withdrawal)
            else:
                await _refuse_within(context, one.owner, bound, bound.window, used[bound].units, amount, now)
    return now


def _refuse_alone(bound: Bound, amount: Amount, *, withdrawal: bool) -> None:
    if withdrawal and amount.units > bound.most:
        raise LimitExceeded(amount.asset, bound.name, bound.by, bound.most, bound.most, None)


async def _refuse_within(
    context: Context, owner: CustomerId, bound: Bound, window: timedelta, used: int, amount: Amount, now: datetime
) -> None:
    if used + amount.units <= bound.most:
        return
    wanted = (window, bound.most, amount.units)
    fits = await fits_at(context, owner, amount.asset.symbol, now, *wanted, payments=bound.payments)
    moment = None if fits is None else time_text(fits)
    raise LimitExceeded(amount.asset, bound.name, bound.by, bound.most, max(bound.most - used, 0), moment)
