"""The node about itself: name, version, licence, and its own source (AGPL-3.0, section 13)."""

import asyncio

from pydantic import Field

from api.routes import PUBLIC, Answer, Call, File, route
from api.schema import Nothing, Shown
from api.source import source_archive

NAME, LICENCE = "Coffer", "AGPL-3.0-or-later"
SOURCE_PATH = "/v1/source"
_GZIP = "application/gzip"


class NodeView(Shown):
    name: str = Field(examples=[NAME])
    version: str
    mode: str = Field(examples=["production"])
    licence: str = Field(examples=[LICENCE])
    source_url: str = Field(description="Where this node's complete source can be had.")
    journal_key: str | None = Field(description="The Ed25519 public key, in hex, that signs this node's receipts.")


@route("GET", "/v1/node", access=PUBLIC, answer=NodeView)
async def show_node(call: Call[Nothing, Nothing]) -> Answer:
    """Name, version, licence and source of this node"""
    source = call.settings.source_url or SOURCE_PATH
    view = NodeView(
        name=NAME,
        version=call.settings.version,
        mode=call.settings.mode,
        licence=LICENCE,
        source_url=source,
        journal_key=call.settings.journal_key,
    )
    return Answer(view)


@route("GET", SOURCE_PATH, access=PUBLIC, answer=_GZIP)
async def download_source(call: Call[Nothing, Nothing]) -> Answer:
    """The source of this very node, as an archive"""
    content = await asyncio.to_thread(source_archive)
    return Answer(File(content, _GZIP, f"coffer-{call.settings.version}.tar.gz"))


ROUTES = (show_node, download_source)
