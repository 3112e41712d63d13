"""What operators watch: the networks with what is wrong with them, and notices of things that wait or were refused."""

from sqlalchemy import select

from api.routes import Answer, Call, any_of, route
from api.schema import Moment, NetworkName, Nothing, Shown
from api.v1.networks import NetworkView, shown_networks
from wallet import schema
from wallet.access.keys import Scope
from wallet.journal.body import time_text

NOTICES_MAX = 100
_WATCHERS = any_of(Scope.OPERATE_READ)


class WatchedNetwork(NetworkView):
    error: str | None


class WatchedNetworks(Shown):
    items: list[WatchedNetwork]


class NoticeView(Shown):
    id: str
    source: NetworkName
    subject: str
    state: str
    reason: str
    at: Moment


class NoticeList(Shown):
    items: list[NoticeView]


@route("GET", "/v1/operator/networks", access=_WATCHERS, answer=WatchedNetworks)
async def list_networks(call: Call[Nothing, Nothing]) -> Answer:
    """Networks, with what went wrong at the last look"""
    table = schema.network_views
    errors = {r["network"]: r["error"] for r in await call.context.all(select(table.c.network, table.c.error))}
    views = await shown_networks(call.context)
    items = [WatchedNetwork.model_validate({**view.model_dump(), "error": errors.get(view.id)}) for view in views]
    return Answer(WatchedNetworks(items=items))


@route("GET", "/v1/operator/notices", access=_WATCHERS, answer=NoticeList)
async def list_notices(call: Call[Nothing, Nothing]) -> Answer:
    """Notices, newest first: files refused, files that wait"""
    table = schema.notices
    rows = await call.context.all(select(table).order_by(table.c.at.desc(), table.c.id).limit(NOTICES_MAX))
    return Answer(NoticeList(items=[NoticeView.model_validate({**row, "at": time_text(row["at"])}) for row in rows]))


ROUTES = (list_networks, list_notices)
