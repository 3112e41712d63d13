"""Bring the node's pauses in line with what is stopped at the signer: nothing that cannot leave is promised or taken in.

What is paused for another reason stays as it is, and what was paused because of a stop goes on only when the signer has
been resumed, which takes two people there.
"""

from collections.abc import Sequence

from sqlalchemy import select

from wallet import schema
from wallet.assets.pause import pause_asset, resume_asset
from wallet.context import ACTOR_NODE, Context
from wallet.networks.halt import halt_network, resume_network
from wallet.ports import SignerStop, SignerUnavailable
from wallet.stops.words import ALL, asset_scope, is_stop, network_scope, reason_of

RESUMED = "enrolled operators resumed it at the signer"


async def mirror_stops(context: Context, actor: str = ACTOR_NODE) -> None:
    """One look at the signer. While it is away nothing changes: what was stopped stays so."""
    try:
        stops = (await context.signer.status()).stops
    except SignerUnavailable:
        return
    await _mirror_assets(context, actor, stops)
    await _mirror_networks(context, actor, stops)


async def _mirror_assets(context: Context, actor: str, stops: Sequence[SignerStop]) -> None:
    for row in await context.all(select(schema.assets)):
        stop = _first(stops, ALL, asset_scope(row["id"]))
        if stop is not None and not row["paused"]:
            await pause_asset(context, actor, row["id"], reason_of(stop))
        elif stop is None and row["paused"] and is_stop(row["pause_reason"]):
            await resume_asset(context, actor, row["id"], RESUMED)


async def _mirror_networks(context: Context, actor: str, stops: Sequence[SignerStop]) -> None:
    for row in await context.all(select(schema.networks)):
        stop = _first(stops, network_scope(row["id"]))
        if stop is not None and row["halt_reason"] is None:
            await halt_network(context, actor, row["id"], reason_of(stop))
        elif stop is None and is_stop(row["halt_reason"]):
            await resume_network(context, actor, row["id"], RESUMED)


def _first(stops: Sequence[SignerStop], *scopes: str) -> SignerStop | None:
    return next((stop for stop in stops if stop.scope in scopes), None)
