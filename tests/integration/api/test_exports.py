"""Transfer files over the API: whose they are, what is in them, and what becomes of a broken one."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from api import streaming
from api.app import make_app
from api.endpoints import ROUTES
from api.routes import PUBLIC, Answer, Call, route
from api.schema import Nothing
from api.serve import start_server
from api.streaming import Stream
from tests.integration.api.client import SETTINGS, Client
from tests.integration.api.conftest import ApiNode
from tests.integration.api.test_holds import place, void
from tests.integration.api.test_platforms import fed, moved, sub_accounts
from wallet.access.keys import CUSTOMER_SCOPES, OPERATOR_SCOPES

PATH = "/v1/exports/transfers"


async def rows_of(client: Client, query: str = "") -> list[dict[str, str]]:
    reply = await client.get(f"{PATH}?{query}")
    assert reply.status == 200, reply.raw
    return list(csv.DictReader(io.StringIO(reply.raw.decode(), newline="")))


async def test_a_customer_gets_every_movement_of_their_own_and_nothing_else(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="100.00", ETH="1.000000000000000001"), await api_node.person(EUR="5.00")
    content = {"to": f"@{bob.handle}", "asset": "EUR", "amount": "30.00"}
    payment = (await alice.client.post("/v1/payments", content, key="p")).body["id"]
    rows = await rows_of(alice.client)
    assert {row["customer"] for row in rows} == {alice.id}
    told = [(row["kind"], row["direction"], row["asset"], row["amount"], row["posted_after"]) for row in rows]
    assert told == [
        ("deposit.credited", "in", "EUR", "100.00", "100.00"),
        ("deposit.credited", "in", "ETH", "1.000000000000000001", "1.000000000000000001"),
        ("payment.sent", "out", "EUR", "30.00", "70.00"),
    ]
    assert (rows[2]["object"], rows[2]["counterparty"], rows[0]["counterparty"]) == (payment, bob.id, "")
    assert [row["direction"] for row in await rows_of(bob.client, "asset=EUR")] == ["in", "in"]
    named = await rows_of(api_node.operator, f"customer=@{alice.handle}")
    assert named == rows


async def test_the_answer_is_a_file_in_parts_in_both_forms(api_node: ApiNode) -> None:
    alice = await api_node.person(EUR="1.00")
    reply = await alice.client.get(PATH)
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert (reply.headers["Transfer-Encoding"], "Content-Length" in reply.headers) == ("chunked", False)
    assert reply.headers["Content-Disposition"] == 'attachment; filename="transfers.csv"'
    assert reply.headers["Cache-Control"] == "no-store"
    lines = (await alice.client.get(f"{PATH}?format=ndjson")).raw.decode().splitlines()
    (row,) = [json.loads(line) for line in lines]
    assert (row["amount"], row["counterparty"], row["customer"]) == ("1.00", None, alice.id)
    assert "seq" not in row


async def test_periods_are_half_open_and_bad_ones_are_refused(api_node: ApiNode) -> None:
    alice = await api_node.person(EUR="1.00", BTC="2")
    first, second = [row["at"].replace("+00:00", "Z") for row in await rows_of(alice.client)]
    assert [r["asset"] for r in await rows_of(alice.client, f"from={first}&to={second}")] == ["EUR"]
    assert [r["asset"] for r in await rows_of(alice.client, f"from={second}&to=2106-02-08")] == ["BTC"]
    assert await rows_of(alice.client, "to=1971-01-01") == []
    bad = (
        "from=2026-02-30",
        "from=20260101",
        "to=2026-01-01T00:00:00",
        "to=2026-01-01T00:00:60Z",
        "format=xls",
        "asset=X",
    )
    for query in (*bad, f"from={second}&to={first}", f"from={first}&to={first}", "asset=DOGE"):
        assert (await alice.client.get(f"{PATH}?{query}")).status in (400, 404), query


async def test_i10_a_platform_gets_its_own_and_its_customers_and_nobody_elses(api_node: ApiNode) -> None:
    platform, other, customer = await api_node.platform(EUR="7.00"), await api_node.platform(), await api_node.person()
    ann = await fed(api_node, platform, "ann", "EUR", "100.00")
    await sub_accounts(platform, "-1-1")
    await platform.client.post("/v1/payments", moved("ref:ann", "ref:-1-1", "30.00"), key="m")
    hold = (await place(platform, "h")).body["id"]
    await void(platform, hold, "v")
    rows = await rows_of(platform.client)
    assert [(row["reference"], row["move"], row["direction"], row["amount"]) for row in rows] == [
        ("", "post", "in", "7.00"),
        ("ann", "post", "in", "100.00"),
        ("ann", "post", "out", "30.00"),
        ("'-1-1", "post", "in", "30.00"),
        ("ann", "hold", "out", "60.00"),
        ("ann", "void", "out", "60.00"),
    ]
    assert [row["hold"] for row in rows[-2:]] == [hold, hold]
    assert await rows_of(platform.client, "customer=ref:ann") == [row for row in rows if row["reference"] == "ann"]
    assert await rows_of(platform.client, f"customer={platform.id}") == rows[:1]
    narrow = api_node.anybody.as_(await api_node.world.key(platform.id, *CUSTOMER_SCOPES))
    assert await rows_of(narrow) == rows[:1]
    for stranger in (other.client, customer.client, narrow):
        for name in (ann, "ref:ann"):
            refused = await stranger.get(f"{PATH}?customer={name}")
            assert (refused.status, refused.code) == (404, "not_found")
    assert await rows_of(other.client) == []
    for reader in (api_node.anybody, api_node.anybody.as_("coffer_wrong")):
        assert (await reader.get(PATH)).status == 401
    everybodys = api_node.anybody.as_(await api_node.world.key(await api_node.world.operator("x"), *OPERATOR_SCOPES))
    assert (await everybodys.get(PATH)).status == 400


# ── what the way of sending promises, with files made here ──────────────────────────────────────────────────────────


class Served:
    """A node with files of these tests' own; `made` counts the parts that were asked for."""

    def __init__(self) -> None:
        self.made = 0
        self.closed = asyncio.Event()

    async def parts(self, count: int, size: int, fault_at: int) -> AsyncGenerator[bytes, None]:
        try:
            for number in range(count):
                if number == fault_at:
                    raise RuntimeError("a fault in the middle")
                self.made += 1
                yield bytes([65 + number % 26]) * size
                await asyncio.sleep(0)
        finally:
            self.closed.set()

    def file(self, path: str, count: int, size: int = 10, fault_at: int = -1) -> Any:
        @route("GET", path, access=PUBLIC, answer="text/csv")
        async def show(_call: Call[Nothing, Nothing]) -> Answer:
            """A file"""
            return Answer(Stream(self.parts(count, size, fault_at), "text/csv"))

        return show


@pytest.fixture
async def served(api_node: ApiNode) -> Any:
    made = Served()
    routes = (
        *ROUTES,
        made.file("/whole", 3),
        made.file("/early", 3, fault_at=0),
        made.file("/late", 3, fault_at=2),
        made.file("/long", 4_000, size=100_000),
    )
    runner = await start_server(make_app(api_node.world.context, SETTINGS, routes), "127.0.0.1", 0)
    async with aiohttp.ClientSession() as session:
        yield made, Client(_url(runner), session)
    await runner.cleanup()


async def test_a_fault_before_the_first_part_is_an_answer_and_later_it_cuts(served: tuple[Served, Client]) -> None:
    made, client = served
    assert (await client.get("/whole")).raw == b"A" * 10 + b"B" * 10 + b"C" * 10
    early = await client.get("/early")
    assert (early.status, early.code) == (500, "internal_error")
    with pytest.raises(aiohttp.ClientPayloadError):
        await client.get("/late")
    assert made.closed.is_set()


async def test_a_reader_that_does_not_read_stops_the_making_and_one_that_goes_ends_it(
    served: tuple[Served, Client],
) -> None:
    made, client = served
    async with client.session.get(f"{client.url}/long") as answer:
        await answer.content.readexactly(1)
        made_then = -1
        while made_then != made.made:  # what fits into the buffers of both ends is made, and then no more
            made_then = made.made
            await asyncio.sleep(0.3)
        assert 0 < made_then < 1_000
    async with asyncio.timeout(10):
        await made.closed.wait()


async def test_a_reader_that_takes_nothing_for_long_is_cut(
    served: tuple[Served, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, client = served
    monkeypatch.setattr(streaming, "STALL_S", 0.2)
    async with client.session.get(f"{client.url}/long") as answer:
        await answer.content.readexactly(1)
        async with asyncio.timeout(10):
            await made.closed.wait()


async def test_a_reader_that_takes_a_little_now_and_then_is_cut(
    served: tuple[Served, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never still for long, and yet it holds its place: what is sent is too little for the time that was waited."""
    made, client = served
    monkeypatch.setattr(streaming, "STALL_S", 0.5)
    monkeypatch.setattr(streaming, "PACE_LEAST", 1 << 30)
    reading = asyncio.timeout(20)
    async with reading, client.session.get(f"{client.url}/long") as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await _read_now_and_then(answer)
    assert made.closed.is_set()
    assert made.made < 1_000


async def _read_now_and_then(answer: aiohttp.ClientResponse) -> None:
    while True:
        await answer.content.readexactly(200_000)
        await asyncio.sleep(0.05)


async def test_a_node_that_stops_cuts_what_it_is_sending(api_node: ApiNode) -> None:
    """The rest of a long file would keep it from stopping; the reader sees that it is not whole."""
    made = Served()
    app = make_app(api_node.world.context, SETTINGS, (*ROUTES, made.file("/long", 100_000, size=1_000)))
    runner = await start_server(app, "127.0.0.1", 0)
    async with aiohttp.ClientSession() as session, session.get(f"{_url(runner)}/long") as answer:
        await answer.content.readexactly(1)
        stopped = asyncio.create_task(runner.cleanup())
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
        async with asyncio.timeout(10):
            await asyncio.gather(stopped, made.closed.wait())
    assert made.made < 100_000


def _url(runner: web.AppRunner) -> str:
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


async def test_one_asker_gets_so_many_files_at_once_and_then_is_told_to_wait(
    served: tuple[Served, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, client = served
    monkeypatch.setattr(streaming, "STREAMS_EACH_MAX", 1)
    async with client.session.get(f"{client.url}/long") as answer:
        await answer.content.readexactly(1)
        refused = await client.get("/whole")
        assert (refused.status, refused.code, refused.headers["Retry-After"]) == (503, "unavailable", "1")
    async with asyncio.timeout(10):
        await made.closed.wait()
    assert (await client.get("/whole")).status == 200
