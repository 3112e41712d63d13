"""The node about itself, what it says when it cannot work, and what it never says."""

import asyncio
import io
import json
import tarfile
from dataclasses import replace
from typing import Any, NoReturn

import pytest
import structlog
from sqlalchemy.ext.asyncio import create_async_engine
from structlog.testing import capture_logs

from api.request_lines import WRITE_EVERY_S
from chains.quorum.quorum import Quorum
from node.processes import free_port
from node.workers.follow_network import follow_network
from tests.fakes.provider import FakeProvider
from tests.fakes.world import ETHEREUM
from tests.integration.api.client import SETTINGS, serving
from tests.integration.api.conftest import ApiNode
from wallet.context import Context


async def test_the_node_names_its_licence_and_serves_its_source(api_node: ApiNode) -> None:
    node = (await api_node.anybody.get("/v1/node")).body
    assert (node["name"], node["licence"], node["source_url"]) == ("Coffer", "AGPL-3.0-or-later", "/v1/source")
    source = await api_node.anybody.get(node["source_url"])
    assert source.headers["Content-Type"] == "application/gzip"
    with tarfile.open(fileobj=io.BytesIO(source.raw)) as archive:
        assert "coffer/api/app.py" in archive.getnames()
    async with serving(api_node.world.context, replace(SETTINGS, source_url="https://example.org/coffer")) as client:
        assert (await client.get("/v1/node")).body["source_url"] == "https://example.org/coffer"


async def test_every_answer_has_safe_headers_and_an_id(api_node: ApiNode) -> None:
    paths = ("/health", "/v1/me", "/nowhere", "/live", "/live/static/live.js", "/openapi.json")
    replies = [await api_node.anybody.get(path) for path in paths]
    for path, reply in zip(paths, replies, strict=True):
        assert reply.headers["X-Content-Type-Options"] == "nosniff", path
        assert reply.headers["Server"] == "Coffer"
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
        assert reply.headers["X-Request-Id"].startswith("req_")
        assert "no-store" in reply.headers["Cache-Control"] or path.startswith("/live/static")
    assert len({reply.headers["X-Request-Id"] for reply in replies}) == len(paths)


async def test_an_error_code_can_be_looked_up(api_node: ApiNode) -> None:
    refused = (await api_node.anybody.get("/v1/me")).body
    told = (await api_node.anybody.get(refused["type"])).body
    assert told == {"code": "unauthorized", "status": 401, "title": refused["title"]}
    assert (await api_node.anybody.get("/problems/nonsense")).status == 404


async def test_ready_says_what_is_missing_in_one_word(api_node: ApiNode) -> None:
    signer = api_node.world.signer
    assert (await api_node.anybody.get("/ready")).body == {"status": "ready", "reasons": []}
    signer.locked = True
    locked = await api_node.anybody.get("/ready")
    signer.locked, signer.absent = False, True
    absent = await api_node.anybody.get("/ready")
    signer.absent = False
    assert (locked.status, locked.body["reasons"]) == (503, ["signer_locked"])
    assert (absent.status, absent.body["reasons"]) == (503, ["signer"])
    assert "test" not in locked.raw.decode() + absent.raw.decode()


async def test_without_a_database_requests_get_503_and_learn_nothing(api_node: ApiNode) -> None:
    nowhere = create_async_engine(f"postgresql+asyncpg://canary_user@127.0.0.1:{free_port()}/canary_db")
    async with serving(replace(api_node.world.context, reads=nowhere)) as client:
        assert (await client.get("/health")).status == 200
        assert (await client.get("/ready")).body["reasons"] == ["database"]
        reply = await client.as_(api_node.operator.secret).get("/v1/me")
    await nowhere.dispose()
    assert (reply.status, reply.code) == (503, "unavailable")
    assert "canary" not in reply.raw.decode()
    assert reply.headers["Retry-After"]


class _BrokenClock:
    """Raises where nobody expects it, with a message that must stay inside."""

    def now(self) -> NoReturn:
        raise LookupError("canary: postgresql://user:password@host")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def test_a_mistake_of_ours_is_a_500_with_an_id_and_nothing_else(api_node: ApiNode) -> None:
    broken: Context = replace(api_node.world.context, clock=_BrokenClock())
    with capture_logs() as logged:
        async with serving(broken) as client:
            reply = await client.as_(api_node.operator.secret).post("/v1/customers", {"handle": "never_made"})
    assert (reply.status, reply.code) == (500, "internal_error")
    assert reply.body["request_id"] == reply.headers["X-Request-Id"]
    assert "canary" not in reply.raw.decode()
    assert "LookupError" not in reply.raw.decode()
    (line,) = [entry for entry in logged if entry["event"] == "request_failed"]
    assert (line["error"], line["request"]) == ("LookupError", reply.body["request_id"])
    assert "canary" not in json.dumps(logged)


async def test_the_log_has_one_line_a_request_and_no_secret_or_person(
    api_node: ApiNode, request: pytest.FixtureRequest
) -> None:
    alice, bob = await api_node.person(EUR="5.00"), await api_node.person()
    content = {"to": f"@{bob.handle}", "asset": "EUR", "amount": "1.00", "note": "note-canary"}
    await asyncio.sleep(2 * WRITE_EVERY_S)  # for the lines of requests before
    written, usual = io.StringIO(), structlog.get_config()["logger_factory"]
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(written))
    request.addfinalizer(lambda: structlog.configure(logger_factory=usual))
    with capture_logs() as logged:
        async with serving(api_node.world.context) as client:
            known = client.as_(alice.client.secret)
            await known.post("/v1/payments", content, key="key-canary")
            await client.get(f"/live?token={alice.client.secret}")
            await known.get("/v1/payments?cursor=query-canary")
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert {(line["event"], line["level"]) for line in lines} == {("request", "info")}
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("POST", "/v1/payments", 201),
        ("GET", "/live", 303),
        ("GET", "/v1/payments", 400),
    ]
    text = json.dumps(logged, default=str) + written.getvalue()
    assert alice.client.secret is not None
    for secret in (alice.client.secret, "canary", f"Name of {alice.handle}"):
        assert secret not in text
    assert lines[0]["key"].startswith("key_")


@pytest.mark.parametrize("path", ["/v1/operator/networks", "/v1/operator/notices"])
async def test_operators_watch_and_customers_do_not(api_node: ApiNode, path: str) -> None:
    alice = await api_node.person()
    assert (await api_node.operator.get(path)).status == 200
    assert (await alice.client.get(path)).status == 403


async def test_rpc_10_customers_see_how_far_a_network_is_and_operators_who_stands_behind_it(api_node: ApiNode) -> None:
    alice, context = await api_node.person(), api_node.world.context
    members: Any = {host: FakeProvider(api_node.world.networks[ETHEREUM]) for host in ("one.example", "two.example")}
    network = Quorum(members, 2)
    api_node.world.networks[ETHEREUM].mine(2)
    await follow_network(context, network)
    shown = {item["id"]: item for item in (await alice.client.get("/v1/networks")).body["items"]}["ethereum"]
    assert (shown["status"], shown["scanned"], shown["lag_blocks"], shown["lag_s"]) == ("running", shown["tip"], 0, 0)
    assert shown["catching_up"] is None
    assert "example" not in json.dumps(shown)
    watched = {item["id"]: item for item in (await api_node.operator.get("/v1/operator/networks")).body["items"]}
    providers = watched["ethereum"]["providers"]
    assert [(one["host"], one["circuit"], one["agrees"]) for one in providers] == [
        ("one.example", "closed", True),
        ("two.example", "closed", True),
    ]
    assert watched["ethereum"]["tip"] == providers[0]["tip"] == shown["tip"]
