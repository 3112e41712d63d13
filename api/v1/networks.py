"""Networks and assets: where value can come from and go to, and how far this node has seen."""

from sqlalchemy import select

from api.routes import ANY_KEY, Answer, Call, route
from api.schema import AssetSymbol, Moment, NetworkName, Nothing, Shown
from wallet import schema
from wallet.context import Context, Record
from wallet.journal.body import time_text


class NetworkView(Shown):
    """`answering` is whether the last look succeeded; heights are those of the last one that did."""

    id: NetworkName
    kind: str
    assets: list[AssetSymbol]
    answering: bool
    tip: int | None
    final: int | None
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
    kinds = {row["id"]: row["kind"] for row in await context.all(select(schema.networks.c.id, schema.networks.c.kind))}
    views = {row["network"]: row for row in await context.all(select(schema.network_views))}
    return [_network(context, name, kinds.get(name, ""), views.get(name)) for name in sorted(context.networks)]


def _network(context: Context, name: str, kind: str, seen: Record | None) -> NetworkView:
    return NetworkView(
        id=name,
        kind=kind,
        assets=[listing.asset.symbol for listing in context.network(name).listings],
        answering=seen is not None and seen["error"] is None,
        tip=seen["tip"] if seen else None,
        final=seen["final"] if seen else None,
        seen_at=time_text(seen["seen_at"]) if seen else None,
    )


def _asset(context: Context, row: Record) -> AssetView:
    carriers = [
        str(name)
        for name, network in sorted(context.networks.items())
        if row["id"] in {listing.asset.symbol for listing in network.listings}
    ]
    return AssetView(asset=row["id"], decimals=row["decimals"], networks=carriers, paused=row["paused"])


ROUTES = (list_networks, list_assets)
