"""Save a destination. It can be used when its delay is over, and not before, whoever asks."""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from wallet import schema
from wallet.context import Context, Record
from wallet.customers.create import find_open_customer
from wallet.customers.viewers import viewers_of
from wallet.destinations.find import SAVED, destination_view, find_marked
from wallet.destinations.mark import mark_of
from wallet.errors import AlreadyExists, DestinationRefused, Stale, TooManyDestinations
from wallet.ids import CustomerId, NetworkId, SavedDestinationId
from wallet.journal.change import Change, Committed, EventKind, Insert, Requirement, Update
from wallet.journal.recall import ATTEMPTS_MAX
from wallet.ports import Destination, Network
from wallet.safeguards.read import safeguards_over
from wallet.vault.items import ItemKind, SealedItem

SAVED_MAX = 10_000  # of one customer: a platform may save those of many people
_TABLE = schema.saved_destinations


async def save_destination(
    context: Context, actor: str, owner: CustomerId, network: NetworkId, destination: Destination, label: str | None
) -> Committed:
    """What is saved already is returned as it is, with the delay that it has.

    Raises `NotFound`, `CustomerClosed`, `DestinationRefused`, `TooManyDestinations`.
    """
    running = context.network(network)
    try:
        target = running.check_destination(destination)
    except ValueError as error:
        raise DestinationRefused(str(error)) from None
    for _ in range(ATTEMPTS_MAX):
        try:
            return await _saved(context, actor, owner, running, target, label)
        except (Stale, AlreadyExists) as lost:
            last = lost
    raise last


async def _saved(
    context: Context, actor: str, owner: CustomerId, network: Network, target: Destination, label: str | None
) -> Committed:
    customer = await find_open_customer(context, owner)
    mark = mark_of(context, owner, network, target)
    earlier = await find_marked(context, owner, network.id, mark)
    if earlier is not None and earlier["removed_at"] is None:
        return Committed(0, earlier["saved_at"], destination_view(earlier), replayed=True)
    await _refuse_too_many(context, owner)
    sealed = None
    if network.capabilities.personal_payload:
        sealed = context.seal(owner, ItemKind.DESTINATION, {"address": target.address, "name": target.name})
    values = {
        "destination": None if sealed else target.address,
        "destination_item": sealed.id if sealed else None,
        "label": label,
        **await _waiting(context, owner),
        "removed_at": None,
    }
    named = {"id": SavedDestinationId(context.new_id("dst")), "owner": owner, "network": network.id, "mark": mark}
    row = {**(earlier or named), **values}
    still_open = Requirement("customers", owner, customer["version"])
    return await context.journal.commit(await _change(context, actor, row, values, sealed, still_open, earlier))


async def _waiting(context: Context, owner: CustomerId) -> dict[str, datetime]:
    """From when it waits, and until when. By the Journal's time, which no clock that is behind turns back."""
    now = await context.journal_time()
    guards = await safeguards_over(context, owner)
    delay_s = max([context.safety_floor.destination_delay_s, *[one.rules.destination_delay_s for one in guards]])
    return {"saved_at": now, "usable_at": now + timedelta(seconds=delay_s)}


async def _change(
    context: Context,
    actor: str,
    row: Record,
    values: Record,
    sealed: SealedItem | None,
    still_open: Requirement,
    earlier: Record | None,
) -> Change:
    view = destination_view(row)
    write: Insert | Update = Insert(SAVED, row)
    if earlier is not None:
        write = Update(SAVED, earlier["id"], earlier["version"], values)
    return Change(
        actor=actor,
        kind=EventKind.DESTINATION_SAVED,
        data=view,
        requires=(still_open,),
        writes=(write,),
        vault=(sealed,) if sealed else (),
        viewers=await viewers_of(context, row["owner"]),
        result=view,
    )


async def _refuse_too_many(context: Context, owner: CustomerId) -> None:
    counted = select(func.count().label("saved")).where(_TABLE.c.owner == owner, _TABLE.c.removed_at.is_(None))
    found = await context.one(counted)
    if found is not None and found["saved"] >= SAVED_MAX:
        raise TooManyDestinations(SAVED_MAX)
