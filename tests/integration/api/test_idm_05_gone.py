"""IDM-05: the client goes away at any moment of a request. What it asked for is done as a whole or not at all, and its retry
tells which. Once with a server that goes on, as ours does, and once with a handler that is cut off at each of its awaits."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Coroutine, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from api.app import make_app
from api.serve import start_server
from node.processes import free_port
from tests.integration.api.client import SETTINGS, Client
from tests.integration.api.conftest import ApiNode, Person
from tests.integration.wallet.changes import connected, proven

AWAITS_MAX = 200  # far more than any handler has
CLOSINGS = 200  # each goes a millisecond later; a few are enough on a quiet machine
CUT = "X-Cut-At"

ORDERS: dict[str, dict[str, object]] = {
    "/v1/withdrawals": {
        "network": "sepa",
        "asset": "EUR",
        "amount": "1.00",
        "destination": {"address": "outside-1", "name": "Bob"},
    },
    "/v1/payments": {"asset": "EUR", "amount": "1.00"},
    "/v1/holds": {"asset": "EUR", "amount": "1.00"},
}


@dataclass(slots=True)
class CutOff:
    """Awaits what it was given; when that waits for the n-th time, its task is cancelled, as a server does to a handler whose
    client has gone."""

    work: Coroutine[Any, Any, web.StreamResponse]
    place: int
    fired: bool = False

    def __await__(self) -> Generator[Any, Any, web.StreamResponse]:
        steps, thrown = self.work.__await__(), None
        for waits in itertools.count():
            try:
                waited = next(steps) if thrown is None else steps.throw(thrown)
            except StopIteration as end:
                answer: web.StreamResponse = end.value
                return answer
            if waits == self.place:
                self._cut()
            thrown = None
            try:
                yield waited
            except BaseException as error:  # noqa: BLE001 (whatever comes is for the handler)
                thrown = error
        raise AssertionError("a count has no end")

    def _cut(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)
        self.fired = True


@dataclass(slots=True)
class Cutting:
    """A server whose handlers are cut off where a request says so; `fired` counts the cuts."""

    client: Client
    fired: int = 0


@asynccontextmanager
async def cutting(api_node: ApiNode) -> AsyncIterator[Cutting]:
    app, port = make_app(api_node.world.context, SETTINGS), free_port()

    @web.middleware
    async def cut(request: web.Request, handler: Handler) -> web.StreamResponse:
        work = CutOff(handler(request), int(request.headers.get(CUT, AWAITS_MAX)))  # type: ignore[arg-type]
        try:
            return await work
        finally:
            made.fired += work.fired

    app.middlewares.insert(0, cut)
    runner = await start_server(app, "127.0.0.1", port)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        made = Cutting(Client(f"http://127.0.0.1:{port}", session))
        yield made
    await runner.cleanup()


async def is_whole(api_node: ApiNode, person: Person) -> int:
    """How many orders are on record. Whatever is held or gone is exactly theirs: never a hold without its row, or a row
    without its money."""
    async with connected(api_node.dsns.books) as connection:
        rows = await connection.fetch(
            "SELECT (SELECT count(*) FROM withdrawals WHERE owner = $1) + (SELECT count(*) FROM placed_holds WHERE owner = $1),"
            " (SELECT count(*) FROM payments WHERE payer = $1), debits_pending, debits_posted FROM accounts WHERE owner = $1",
            person.id,
        )
    held, paid, pending, posted = map(int, rows[0])
    assert (pending, posted) == (100 * held, 100 * paid)
    return held + paid


def order(path: str, person: Person, other: Person) -> dict[str, object]:
    more = {"/v1/payments": {"to": other.id}, "/v1/holds": {"customer": person.id}}
    return {**ORDERS[path], **more.get(path, {})}


@pytest.mark.parametrize("path", ORDERS)
async def test_idm_05_cut_off_at_each_of_its_awaits_a_request_is_whole_or_absent(api_node: ApiNode, path: str) -> None:
    person, other = await api_node.platform(EUR="500.00"), await api_node.person()
    content, cuts = order(path, person, other), 0
    async with cutting(api_node) as server:
        client = server.client.as_(person.client.secret)
        for place in range(AWAITS_MAX):
            key, before = f"cut-{place}", await is_whole(api_node, person)
            sent = {CUT: str(place), "Idempotency-Key": key}
            try:
                answer = await client.send("POST", path, content=content, headers=sent)
            except aiohttp.ClientError:
                cuts += 1
                assert await is_whole(api_node, person) - before in (0, 1)
            else:
                assert answer.status == 201
                break
            again = await client.post(path, content, key=key)
            assert again.status == 201, again.raw
            assert (await client.post(path, content, key=key)).raw == again.raw
            assert await is_whole(api_node, person) == before + 1
        assert cuts == server.fired >= 1
    await proven(api_node.dsns.books)


async def test_idm_05_a_client_that_closes_its_connection_finds_its_request_done_once(api_node: ApiNode) -> None:
    path = "/v1/withdrawals"
    person, other = await api_node.platform(EUR="500.00"), await api_node.person()
    content = json.dumps(order(path, person, other)).encode()
    host, _, port = person.client.url.removeprefix("http://").partition(":")

    async def ask_and_go(number: int) -> None:
        _, writer = await asyncio.open_connection(host, int(port))
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {person.client.secret}\r\n"
            f"Idempotency-Key: gone-{number}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        writer.write(head.encode() + content)
        await writer.drain()
        await asyncio.sleep(number / 1_000)
        writer.transport.abort()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)

    replayed = 0
    for number in range(CLOSINGS):
        await ask_and_go(number)
        again = await person.client.post(path, json.loads(content), key=f"gone-{number}")
        assert again.status == 201, again.raw
        assert await is_whole(api_node, person) == number + 1
        replayed += "Idempotent-Replayed" in again.headers
        if replayed == 3:
            break
    assert replayed == 3, "nobody has gone after the node had begun"
    await proven(api_node.dsns.books)
