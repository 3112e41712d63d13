"""What operators watch: networks with what is wrong with them, notices of what waits or was refused, breaks."""

from pydantic import Field
from sqlalchemy import select

from api.routes import Answer, Call, any_of, route
from api.schema import Moment, NetworkName, Nothing, Shown
from api.v1.networks import NetworkView, shown_network
from wallet import schema
from wallet.access.keys import Scope
from wallet.breaks.open import break_view
from wallet.breaks.resolve import list_breaks
from wallet.context import Context
from wallet.journal.body import time_text
from wallet.listings.watch import suspended_tokens
from wallet.networks.view import NetworkView as CoreView
from wallet.networks.view import network_views
from wallet.ports.providers import CircuitState

NOTICES_MAX = 100
BREAKS_MAX = 200
_WATCHERS = any_of(Scope.OPERATE_READ)


class WatchedProvider(Shown):
    host: str = Field(description="Host and port; nothing else of its URL is shown.", examples=["node.example:8545"])
    circuit: CircuitState = Field(description="Whether it is asked: open means that it failed often and is left alone.")
    tip: int | None
    final: int | None
    agrees: bool | None = Field(description="With the others; null while it does not answer or is alone.")
    error: str | None
    unproven: str | None = Field(
        default=None, description="Why the block that it showed last could not be verified and was taken at its word."
    )


class SuspendedToken(Shown):
    asset: str
    contract: str
    reason: str


class WatchedNetwork(NetworkView):
    """`suspended`: tokens whose contract is not what was listed any more; nothing of them is credited or paid here."""

    suspended: list[SuspendedToken]
    error: str | None
    halted: str | None = Field(description="Why a person or a broken promise of finality has stopped this network.")
    head_at: Moment | None = Field(description="When the tip moved last.")
    providers: list[WatchedProvider]


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


class BreakView(Shown):
    id: str
    network: NetworkName
    asset: str
    missing: str = Field(description="What the network stated less than the books when the break was opened.")
    status: str = Field(examples=["open", "resolved"])
    reason: str
    resolution: str | None
    created_at: Moment
    resolved_at: Moment | None


class BreakList(Shown):
    items: list[BreakView]


@route("GET", "/v1/operator/networks", access=_WATCHERS, answer=WatchedNetworks)
async def list_networks(call: Call[Nothing, Nothing]) -> Answer:
    """Networks, with what went wrong at the last look and who stands behind them"""
    views, suspended = await network_views(call.context), await suspended_tokens(call.context)
    items = [_watched(call.context, view, suspended.get(view.id, [])) for view in views]
    return Answer(WatchedNetworks(items=items))


def _watched(context: Context, view: CoreView, suspended: list[dict[str, str]]) -> WatchedNetwork:
    more = {
        "suspended": suspended,
        "error": view.error,
        "halted": view.halted,
        "head_at": time_text(view.head_at) if view.head_at else None,
        "providers": list(view.providers),
    }
    return WatchedNetwork.model_validate({**shown_network(context, view).model_dump(), **more})


@route("GET", "/v1/operator/notices", access=_WATCHERS, answer=NoticeList)
async def list_notices(call: Call[Nothing, Nothing]) -> Answer:
    """Notices, newest first: files refused, files that wait"""
    table = schema.notices
    rows = await call.context.all(select(table).order_by(table.c.at.desc(), table.c.id).limit(NOTICES_MAX))
    return Answer(NoticeList(items=[NoticeView.model_validate({**row, "at": time_text(row["at"])}) for row in rows]))


@route("GET", "/v1/operator/breaks", access=_WATCHERS, answer=BreakList)
async def show_breaks(call: Call[Nothing, Nothing]) -> Answer:
    """Differences between the books and the networks: open ones first, then newest first"""
    rows = await list_breaks(call.context, BREAKS_MAX)
    views = [break_view(row, call.context.asset(row["asset"]).decimals) for row in rows]
    return Answer(BreakList(items=[BreakView.model_validate(view) for view in views]))


ROUTES = (list_networks, list_notices, show_breaks)
