"""`coffer run`: start everything, serve until told to stop, stop in order."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from importlib.metadata import version

import structlog

from api.app import make_app
from api.serve import start_server
from api.settings import ApiSettings, BankDetails
from node.collector import settle_collector
from node.compose import compose, journal_key, kept_secret, make_private, open_database, run_signer
from node.config import Config, SepaSection
from node.disk_room import keep_room
from node.logs import write_logs
from node.witness import keep_tail, stop_if_contradicted
from node.workers.all import all_loops, loops_everywhere, run_loops
from wallet.context import Context
from wallet.journal.tail import TailLost

CHECK_CHILDREN_S = 1.0

Say = Callable[[str], None]

_log = structlog.get_logger("node")


class Role(StrEnum):
    """What one process does; several may share a given database."""

    ALL = "all"
    API = "api"
    WORKERS = "workers"


async def run_node(config: Config, role: Role, say: Say) -> None:
    """Until SIGTERM or SIGINT. Raises what keeps the node from starting, `ChildEnded` when a part that it cannot do without
    went away, `TailLost` when the database misses what it had confirmed, or `JournalUnavailable` when its writer broke off;
    each has a message of one line."""
    make_private(config.folder)
    write_logs(config.folder / "node.log")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        say("starting the signer, opening the database")
        signing = await stack.enter_async_context(run_signer(config))
        database = await stack.enter_async_context(open_database(config))
        await signing.ready()
        say("opening the networks")
        context = await stack.enter_async_context(compose(config, database.dsns, signing.client))
        contradicted = await stop_if_contradicted(config.witness_file, context, database.dsns)
        if contradicted is not None:
            say(f"every asset is paused: {contradicted}")
        loops = [] if role is Role.API else all_loops(config, context, database.dsns)
        await stack.enter_async_context(run_loops(context, [*loops, *loops_everywhere(context)]))
        if role is not Role.WORKERS:
            say(f"listening on {await stack.enter_async_context(serve(config, context))}")
        settle_collector()
        say("ready")
        _log.info("node_ready", role=role.value)
        while not stop.is_set():
            if database.embedded is not None:
                database.embedded.check()
            if signing.child is not None:
                signing.child.check()
            keep_room(context.journal, config.folder)
            try:
                context.journal.check()
            except TailLost as lost:
                await asyncio.to_thread(keep_tail, config.witness_file, lost.tail)
                raise
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), CHECK_CHILDREN_S)
        say("stopping")


@asynccontextmanager
async def serve(config: Config, context: Context) -> AsyncIterator[str]:
    """The API; yields its URL. Requests under way are finished before it ends."""
    host, _, port = config.node.listen.rpartition(":")
    runner = await start_server(make_app(context, api_settings(config)), host.strip("[]"), int(port))
    bound = runner.addresses[0]
    try:
        yield f"http://{bound[0]}:{bound[1]}"
    finally:
        await runner.cleanup()


def api_settings(config: Config) -> ApiSettings:
    """What the API needs of the configuration, with its two secrets, which are made at the first start."""
    banks = {
        name: BankDetails(section.iban, section.bic, section.holder_name)
        for name, section in config.networks.items()
        if isinstance(section, SepaSection)
    }
    return ApiSettings(
        cursor_key=kept_secret(config.folder / "cursor.key"),
        digest_key=kept_secret(config.folder / "digest.key"),
        version=version("coffer"),
        mode=config.node.mode,
        source_url=config.node.source_url,
        journal_key=journal_key(config).id,
        bank_details=banks,
    )
