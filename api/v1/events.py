"""Events: what happened to one's own things, in order, followed by cursor. The cursor shows nothing of the global order."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from api.cursors import open_cursor, seal_cursor
from api.routes import Answer, Call, any_of, route
from api.schema import Moment, Nothing, Paging, Shown, whole
from wallet.access.keys import Scope
from wallet.journal.change import EventKind
from wallet.journal.events import events_after

WAIT_MAX_S = 30  # proxies give up after 60
LOOKS_PER_S = 4
_PLACE = "events"


class EventsQuery(Paging):
    wait: Annotated[
        int,
        BeforeValidator(whole),
        Field(ge=0, le=WAIT_MAX_S, description="Seconds to wait for an event if there is none yet."),
    ] = 0


class EventView(Shown):
    type: EventKind
    at: Moment
    data: dict[str, Any]


class EventPage(Shown):
    items: list[EventView]
    next_cursor: str = Field(description="Where to go on, also when nothing has happened.")


@route("GET", "/v1/events", access=any_of(Scope.READ), answer=EventPage, refuses=("invalid_cursor",))
async def follow(call: Call[Nothing, EventsQuery]) -> Answer:
    """Events after the cursor, oldest first"""
    asked, viewer = call.query, call.principal.owner
    place = (0, 0)
    if asked.cursor is not None:
        seq, *told = open_cursor(call.settings, viewer, _PLACE, asked.cursor)
        place = (int(seq), int(told[0]) if told else 0)
    for _ in range(asked.wait * LOOKS_PER_S):
        found = await events_after(call.context, viewer, place, asked.limit)
        if found or call.stopping.is_set():
            break
        await call.context.clock.sleep(1 / LOOKS_PER_S)
    else:
        found = await events_after(call.context, viewer, place, asked.limit)
    following = seal_cursor(call.settings, viewer, _PLACE, found[-1][0] if found else place)
    items = [EventView.model_validate(event) for _, event in found]
    return Answer(EventPage(items=items, next_cursor=following))


ROUTES = (follow,)
