"""Saved destinations: a customer's address book for withdrawals. Each waits before its first use."""

from typing import Any

from pydantic import Field

from api.auth import may_see, subject
from api.pages import page_of_rows
from api.personal import reveal_for_owner
from api.routes import Answer, Call, any_of, route
from api.schema import Closed, CustomerName, Moment, NetworkName, Nothing, Paging, Shown
from api.v1.addresses import Label
from api.v1.withdrawals import DestinationBody, DestinationView
from wallet import schema
from wallet.access.keys import Scope
from wallet.context import Record
from wallet.destinations.find import destination_view, find_saved, is_usable
from wallet.destinations.remove import remove_destination
from wallet.destinations.save import save_destination
from wallet.errors import NotFound
from wallet.ids import CustomerId, NetworkId
from wallet.ports import Destination

_TABLE = schema.saved_destinations


class SavedDestinationBody(Closed):
    network: NetworkName
    destination: DestinationBody
    label: Label | None = None
    customer: CustomerName | None = Field(default=None, description="Platforms name a sub-account of theirs.")


class SavedDestinationQuery(Paging):
    customer: CustomerName | None = None


class SavedDestinationView(Shown):
    """`destination` is null where it was erased, or is personal and not one's own. `usable`: a withdrawal may go there now."""

    id: str
    network: NetworkName
    destination: DestinationView | None
    label: str | None
    saved_at: Moment
    usable_at: Moment
    usable: bool
    removed_at: Moment | None


class SavedDestinationPage(Shown):
    items: list[SavedDestinationView]
    next_cursor: str | None


@route(
    "POST",
    "/v1/destinations",
    access=any_of(Scope.WITHDRAW),
    answer=SavedDestinationView,
    statuses=(201, 200),
    refuses=("not_found", "customer_closed", "customer_erased", "destination_refused", "too_many_destinations"),
)
async def save(call: Call[SavedDestinationBody, Nothing]) -> Answer:
    """Save a destination for withdrawals; one that is saved already stays as it is"""
    sent = call.body
    owner = await subject(call, sent.customer)
    target = Destination(sent.destination.address, sent.destination.name)
    done = await save_destination(call.context, call.principal.key, owner, NetworkId(sent.network), target, sent.label)
    row = await find_saved(call.context, owner, str(done.result["id"]))
    return Answer(await _shown(call, row), 200 if done.replayed else 201)


@route(
    "GET",
    "/v1/destinations",
    access=any_of(Scope.READ, Scope.WITHDRAW, Scope.OPERATE_READ),
    answer=SavedDestinationPage,
    refuses=("not_found", "invalid_cursor"),
)
async def list_all(call: Call[Nothing, SavedDestinationQuery]) -> Answer:
    """Saved destinations, newest first; without those that were removed"""
    owner = await subject(call, call.query.customer)
    place, saved = f"destinations:{owner}", _TABLE.c.removed_at.is_(None)
    rows, following = await page_of_rows(call, place, _TABLE, _TABLE.c.owner == owner, saved)
    return Answer(SavedDestinationPage(items=[await _shown(call, row) for row in rows], next_cursor=following))


@route(
    "DELETE",
    "/v1/destinations/{destination}",
    access=any_of(Scope.WITHDRAW),
    answer=SavedDestinationView,
    refuses=("not_found",),
)
async def remove(call: Call[Nothing, Nothing]) -> Answer:
    """Remove a saved destination; saved again, it waits again"""
    owner = await _owner(call)
    await remove_destination(call.context, call.principal.key, owner, call.path["destination"])
    return Answer(await _shown(call, await find_saved(call.context, owner, call.path["destination"])))


async def _owner(call: Call[Any, Any]) -> CustomerId:
    """Whose it is, if whoever asks may see it."""
    row = await call.context.one(_TABLE.select().where(_TABLE.c.id == call.path["destination"]))
    if row is None or not await may_see(call, row["owner"]):
        raise NotFound("saved destination", call.path["destination"])
    return CustomerId(row["owner"])


async def _shown(call: Call[Any, Any], row: Record) -> SavedDestinationView:
    more = {"destination": await _destination(call, row), "usable": is_usable(row, call.context.clock.now())}
    return SavedDestinationView.model_validate({**destination_view(row), **more})


async def _destination(call: Call[Any, Any], row: Record) -> dict[str, object] | None:
    if row["destination_item"] is None:
        return {"address": row["destination"], "name": None}
    if call.principal.is_operator:
        return None
    clear: dict[str, object] | None = await reveal_for_owner(call.context, row["destination_item"])
    return clear


ROUTES = (save, list_all, remove)
