"""Networks and assets: where value can come from and go to, and how far this node has seen."""

from dataclasses import asdict

from pydantic import Field
from sqlalchemy import select

from api.routes import ANY_KEY, Answer, Call, route
from api.schema import AssetSymbol, Moment, NetworkName, Nothing, Shown
from wallet import schema
from wallet.context import Context, Record
from wallet.journal.body import time_text
from wallet.networks.view import NetworkStatus, network_views
from wallet.networks.view import NetworkView as CoreView


class CatchingUp(Shown):
    """While deposits are still looked for in blocks far below the tip."""

    height: int
    blocks_per_minute: int | None
    eta_s: int | None = Field(description="Seconds until the tip is reached, at the speed of the last step.")


class NetworkView(Shown):
    """`answering` is whether the last look succeeded; heights are those of the last one that did."""

    id: NetworkName
    kind: str
    assets: list[AssetSymbol]
    status: NetworkStatus = Field(description="Credits and withdrawals wait while it is not `running`.")
    answering: bool
    tip: int | None
    final: int | None
    scanned: int | None = Field(description="The block up to which deposits have been looked for.")
    lag_blocks: int | None
    lag_s: int | None = Field(description="How old the last scanned block is, in seconds; 0 at the tip.")
    catching_up: CatchingUp | None
    seen_at: Moment | None


class NetworkList(Shown):
    items: list[NetworkView]


class AssetView(Shown):
    asset: AssetSymbol
    decimals: int
    networks: list[NetworkName]
    paused: bool


class AssetList(Shown):
    items: list[AssetView]


@route("GET", "/v1/networks", access=ANY_KEY, answer=NetworkList)
async def list_networks(call: Call[Nothing, Nothing]) -> Answer:
    """Networks, with the heights that they have shown"""
    return Answer(NetworkList(items=await shown_networks(call.context)))


@route("GET", "/v1/assets", access=ANY_KEY, answer=AssetList)
async def list_assets(call: Call[Nothing, Nothing]) -> Answer:
    """Assets, and the networks that carry them"""
    rows = await call.context.all(select(schema.assets).order_by(schema.assets.c.id))
    return Answer(AssetList(items=[_asset(call.context, row) for row in rows if row["id"] in call.context.assets]))


async def shown_networks(context: Context) -> list[NetworkView]:
    return [shown_network(context, view) for view in await network_views(context)]


def shown_network(context: Context, view: CoreView) -> NetworkView:
    """What customers see of it: no hosts, no reasons of errors."""
    behind = view.catching_up
    return NetworkView(
        id=view.id,
        kind=view.kind,
        assets=[listing.asset.symbol for listing in context.network(view.id).listings],
        status=view.status,
        answering=view.error is None,
        tip=view.tip,
        final=view.final,
        scanned=view.scanned,
        lag_blocks=view.lag_blocks,
        lag_s=view.lag_s,
        catching_up=CatchingUp.model_validate(asdict(behind)) if behind is not None else None,
        seen_at=time_text(view.seen_at) if view.seen_at else None,
    )


def _asset(context: Context, row: Record) -> AssetView:
    carriers = [
        str(name)
        for name, network in sorted(context.networks.items())
        if row["id"] in {listing.asset.symbol for listing in network.listings}
    ]
    return AssetView(asset=row["id"], decimals=row["decimals"], networks=carriers, paused=row["paused"])


ROUTES = (list_networks, list_assets)
