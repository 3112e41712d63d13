"""The server under measurement, a process of its own: the node's API on the node's settings, without networks.

Beside the product's endpoints it has one that does all that comes before a payment's decision and then stops, and, on a
port of its own, the least that an aiohttp server can do with a POST. Prints both ports, then serves until it is told to stop.
"""

import asyncio
import signal
import sys
from pathlib import Path

import uvloop
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from api.amounts import read_amount
from api.app import make_app
from api.endpoints import ROUTES
from api.idempotency import personal, request_of
from api.routes import Answer, Call, Idempotency, any_of, route
from api.schema import AmountText, AssetSymbol, Nothing, Shown
from api.serve import start_server
from api.settings import ApiSettings
from api.v1.payments import PaymentBody
from node.clock import SystemClock
from node.collector import settle_collector
from node.compose import make_engine, make_reading_engine
from node.logs import write_logs
from tests.bench.payments import EUR, KEY
from tests.fakes.signer import FakeSigner
from wallet.access.keys import Scope
from wallet.context import Context
from wallet.ids import random_id
from wallet.journal import Journal
from wallet.vault.keys import PersonKeys
from wallet.vault.vault import Vault

GUARD_PATH = "/bench/guard"
_SETTINGS = ApiSettings(cursor_key=bytes(32), digest_key=bytes(32), version="bench", mode="production", page=False)


class Guarded(Shown):
    """What the guarded endpoint understood."""

    payer: str
    asset: AssetSymbol
    amount: AmountText


@route("POST", GUARD_PATH, access=any_of(Scope.PAY, judged=True), answer=Guarded, idempotency=Idempotency.REQUIRED)
async def guard(call: Call[PaymentBody, Nothing]) -> Answer:
    """A payment up to its decision: who asks, what they mean, the amount, the digest of the request"""
    sent = call.body
    amount = read_amount(call.context, sent.asset, sent.amount)
    meaning: dict[str, object] = {
        "to": sent.to.removeprefix("@"),
        "asset": sent.asset,
        "units": str(amount.units),
        "note": personal(call.settings, sent.note),
    }
    request = request_of(call, "payment.send", meaning)
    return Answer(Guarded(payer=request.owner, asset=sent.asset, amount=sent.amount))


async def bare(request: web.Request) -> web.Response:
    await request.read()
    return web.Response()


async def serve_until_stopped(books: str, ops: str, folder: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    write_logs(folder / "node.log")
    journal, reads, ops_engine = Journal(books, SystemClock(), KEY), make_reading_engine(books), make_engine(ops)
    await journal.start()
    runner = await start_server(
        make_app(_context(journal, reads, ops_engine, folder), _SETTINGS, (*ROUTES, guard)), "127.0.0.1", 0
    )
    plain = await _serve_bare()
    settle_collector()
    sys.stdout.write(f"{runner.addresses[0][1]} {plain.addresses[0][1]}\n")
    sys.stdout.flush()
    await stop.wait()
    for part in (runner, plain):
        await part.cleanup()
    await journal.stop()
    await reads.dispose()
    await ops_engine.dispose()


def _context(journal: Journal, reads: AsyncEngine, ops: AsyncEngine, folder: Path) -> Context:
    vault = Vault(PersonKeys(folder / "vault"))
    return Context(journal, reads, ops, {EUR.symbol: EUR}, {}, FakeSigner(), vault, SystemClock(), random_id)


async def _serve_bare() -> web.AppRunner:
    app = web.Application()
    app.router.add_post("/", bare)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(serve_until_stopped(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
