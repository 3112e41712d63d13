"""Bad input of any kind gets a clear 4xx and changes nothing."""

import asyncio
import gzip
import json
from urllib.parse import urlsplit

import pytest

from api.json_body import BYTES_MAX
from tests.integration.api.client import balance
from tests.integration.api.conftest import ApiNode, Person

WRONG_FIELDS: list[tuple[dict[str, object], str]] = [
    ({"amount": "1.00", "asset": "EUR"}, "to"),
    ({"to": "@bob", "amount": "1.00"}, "asset"),
    ({"to": "@bob", "asset": "EUR"}, "amount"),
    ({"to": "@bob", "asset": "EUR", "amount": "1.00", "extra": 1}, "extra"),
    ({"to": "@bob", "asset": "eur", "amount": "1.00"}, "asset"),
    ({"to": "@bob", "asset": "E" * 50, "amount": "1.00"}, "asset"),
    ({"to": "@bob", "asset": 1, "amount": "1.00"}, "asset"),
    ({"to": "bob'; DROP TABLE accounts; --", "asset": "EUR", "amount": "1.00"}, "to"),
    ({"to": "@bob\x00", "asset": "EUR", "amount": "1.00"}, "to"),
    ({"to": "@BOB", "asset": "EUR", "amount": "1.00"}, "to"),
    ({"to": "@bob", "asset": "EUR", "amount": "1.00", "note": "a\nb"}, "note"),
    ({"to": "@bob", "asset": "EUR", "amount": "1.00", "note": "\x00"}, "note"),
    ({"to": "@bob", "asset": "EUR", "amount": "1.00", "note": "x" * 141}, "note"),
    ({"to": "@bob", "asset": "EUR", "amount": "1.00", "note": 5}, "note"),
    ({"to": ["@bob"], "asset": "EUR", "amount": "1.00"}, "to"),
    ({"to": {"handle": "@bob"}, "asset": "EUR", "amount": "1.00"}, "to"),
]

BAD_QUERIES = [
    "/v1/payments?limit=0",
    "/v1/payments?limit=-1",
    "/v1/payments?limit=201",
    "/v1/payments?limit=1000000000",
    "/v1/payments?limit=1.0",
    "/v1/payments?limit=%2B1",
    "/v1/payments?limit=%D9%A1",
    "/v1/payments?limit=",
    "/v1/payments?limit=1&limit=2",
    "/v1/payments?cursor=",
    "/v1/payments?cursor=AAAA",
    "/v1/payments?cursor=%00",
    f"/v1/payments?cursor={'A' * 4000}",
    "/v1/payments?sort=hash",
    "/v1/transfers?asset=",
    "/v1/transfers?asset=EUR%00",
    "/v1/transfers?asset=EUR&asset=BTC",
    "/v1/balances?customer=%27%20OR%201=1",
    "/v1/events?wait=31",
    "/v1/events?wait=x",
    "/v1/me?x=1",
    "/v1/withdrawals/quote?network=sepa&asset=EUR",
]

BAD_PATHS = [
    "/v1/payments/1",
    "/v1/payments/wdr_00000000000000000000000000",
    "/v1/payments/pay_0000000000000000000000000%00",
    "/v1/payments/pay_00000000000000000000000000/",
    "/v1/payments/..%2f..%2fetc%2fpasswd",
    "/v1/customers/%00",
    "/v1/customers/@",
    "/v1/",
    "/v2/payments",
    "/live/static/..%2f..%2fapp.py",
    "/live/static/page.html",
]


@pytest.mark.parametrize(("content", "field"), WRONG_FIELDS)
async def test_a_wrong_field_is_named(api_node: ApiNode, content: dict[str, object], field: str) -> None:
    alice = await api_node.person()
    reply = await alice.client.post("/v1/payments", content, key="wrong")
    assert (reply.status, reply.code, reply.body["field"]) == (400, "invalid_request", field)
    assert "DROP TABLE" not in reply.raw.decode()


@pytest.mark.parametrize("path", BAD_QUERIES)
async def test_a_wrong_query_is_400(api_node: ApiNode, path: str) -> None:
    alice = await api_node.person()
    reply = await alice.client.get(path)
    assert reply.status == 400, reply.raw
    assert reply.code in ("invalid_request", "invalid_cursor")


@pytest.mark.parametrize("path", BAD_PATHS)
async def test_a_wrong_path_is_404(api_node: ApiNode, path: str) -> None:
    alice = await api_node.person()
    reply = await alice.client.get(path)
    assert (reply.status, reply.code) == (404, "not_found")


async def test_malformed_json_is_400_on_every_surface(api_node: ApiNode) -> None:
    alice = await api_node.person(EUR="5.00")
    bodies = [b'{"amount":"1","amount":"2"}', b'{"a":NaN}', b"\xef\xbb\xbf{}", b"\xff", b"[]", b"{}x", b"[" * 50_000]
    for path in ("/v1/payments", "/v1/withdrawals", "/v1/addresses", "/v1/api-keys"):
        for number, raw in enumerate(bodies):
            reply = await alice.client.send("POST", path, raw=raw, key=f"{path}{number}")
            assert (reply.status, reply.code) == (400, "invalid_request"), (path, raw[:20])
    assert (await balance(alice.client, "EUR"))["available"] == "5.00"


async def test_a_body_that_is_not_plain_json_is_refused_by_its_name(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="5.00"), await api_node.person()
    raw = json.dumps(payment(bob)).encode()
    sent: list[tuple[bytes, dict[str, str]]] = [
        (raw, {"Content-Type": "text/plain"}),
        (raw, {"Content-Type": "application/x-www-form-urlencoded"}),
        (raw, {"Content-Type": "multipart/form-data; boundary=x"}),
        (raw, {"Content-Type": "application/json; charset=utf-16"}),
        (gzip.compress(raw), {"Content-Encoding": "gzip"}),
        (gzip.compress(b" " * 50_000_000), {"Content-Encoding": "gzip"}),
    ]
    for number, (body, headers) in enumerate(sent):
        reply = await alice.client.send("POST", "/v1/payments", raw=body, headers=headers, key=f"t-{number}")
        assert (reply.status, reply.code) == (415, "unsupported_media_type"), headers
    assert (await balance(bob.client, "EUR"))["posted"] == "0.00"


async def test_a_body_that_is_too_large_is_refused_also_in_pieces(api_node: ApiNode) -> None:
    alice = await api_node.person()
    raw = json.dumps({"note": "x" * (BYTES_MAX + 1)}).encode()
    reply = await alice.client.send("POST", "/v1/payments", raw=raw, key="large")
    assert (reply.status, reply.code) == (413, "body_too_large")
    head = f"POST /v1/payments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {alice.client.secret}\r\n"
    chunk = b"2000\r\n" + b" " * 0x2000 + b"\r\n"
    raw_reply = await spoken(
        api_node,
        head.encode()
        + b"Idempotency-Key: k\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunk * 9,
    )
    assert raw_reply.startswith(b"HTTP/1.1 413")


async def test_a_method_that_is_not_offered_is_405(api_node: ApiNode) -> None:
    alice = await api_node.person()
    for method in ("PUT", "PATCH", "HEAD", "OPTIONS", "TRACE", "DELETE"):
        reply = await alice.client.send(method, "/v1/payments")
        assert reply.status == 405, method
        assert set(reply.headers["Allow"].split(",")) == {"GET", "POST"}
    overridden = await alice.client.send("GET", "/v1/payments", headers={"X-HTTP-Method-Override": "POST"})
    assert overridden.status == 200


async def test_unknown_networks_and_assets_are_404(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(), await api_node.person()
    no_asset = await alice.client.post("/v1/payments", {**payment(bob), "asset": "XYZ"}, key="a")
    no_network = await alice.client.post("/v1/addresses", {"network": "nowhere"})
    elsewhere = await alice.client.get("/v1/withdrawals/quote?network=bitcoin&asset=EUR&amount=1.00")
    assert [reply.status for reply in (no_asset, no_network, elsewhere)] == [404, 404, 404]


@pytest.mark.parametrize("handle", ["", "@", "A", "ab c", "äb", "ｂｏｂ", "_a", "1a", "a" * 31, "bob\u200b", "bоb"])
async def test_a_handle_that_could_be_mistaken_is_refused(api_node: ApiNode, handle: str) -> None:
    reply = await api_node.operator.post("/v1/customers", {"handle": handle})
    assert (reply.status, reply.body["field"]) == (400, "handle")


async def test_hostile_text_is_kept_as_it_is(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="5.00"), await api_node.person()
    note = "'; DROP TABLE accounts; -- {{7*7}} <script>alert(1)</script> %0d%0aSet-Cookie:x ${jndi:ldap://x}"
    paid = await alice.client.post("/v1/payments", {**payment(bob), "note": note}, key="hostile")
    assert paid.body["note"] == note
    assert (await bob.client.get(f"/v1/payments/{paid.body['id']}")).body["note"] == note


async def test_a_client_that_goes_away_undoes_nothing(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="5.00"), await api_node.person()
    body = json.dumps(payment(bob)).encode()
    head = (
        f"POST /v1/payments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {alice.client.secret}\r\n"
        f"Idempotency-Key: gone\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    _, writer = await connected(api_node)
    writer.write(head.encode() + body)
    await writer.drain()
    writer.close()
    again = await alice.client.post("/v1/payments", payment(bob), key="gone")
    assert again.status == 201
    assert (await balance(bob.client, "EUR"))["posted"] == "1.00"


async def test_a_slow_body_is_given_up_and_others_are_served(
    api_node: ApiNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.json_body.READ_LIMIT_S", 1)
    alice = await api_node.person()
    head = (
        f"POST /v1/payments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {alice.client.secret}\r\n"
        "Idempotency-Key: slow\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{"
    )
    slow = asyncio.create_task(spoken(api_node, head.encode(), within_s=3))
    assert (await alice.client.get("/v1/me")).status == 200
    raw = await slow
    assert raw.startswith(b"HTTP/1.1 408")
    assert b"request_timeout" in raw


async def test_a_truncated_body_moves_nothing(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="5.00"), await api_node.person()
    body = json.dumps(payment(bob)).encode()
    head = (
        f"POST /v1/payments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {alice.client.secret}\r\n"
        f"Idempotency-Key: cut\r\nContent-Type: application/json\r\nContent-Length: {len(body) + 10}\r\n\r\n"
    )
    _, writer = await connected(api_node)
    writer.write(head.encode() + body)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await alice.client.get("/v1/payments")).body["items"] == []
    assert (await balance(alice.client, "EUR"))["available"] == "5.00"


@pytest.mark.parametrize(
    "smuggled",
    [
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 2\r\nContent-Length: 3\r\n",
        b"Content-Length: +2\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Bad Header: x\r\n",
    ],
)
async def test_ambiguous_framing_is_refused_and_the_connection_closed(api_node: ApiNode, smuggled: bytes) -> None:
    raw = await spoken(
        api_node, b"POST /v1/payments HTTP/1.1\r\nHost: x\r\n" + smuggled + b"\r\n{}GET /health HTTP/1.1\r\n\r\n"
    )
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.split()[1] == b"400"
    assert raw.count(b"HTTP/1.") == 1
    assert b"aiohttp" not in raw
    assert json.loads(body)["code"] == "invalid_request"


async def test_a_secret_in_a_broken_header_reaches_neither_the_answer_nor_the_log(
    api_node: ApiNode, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = await spoken(api_node, b"GET /v1/me HTTP/1.1\r\nAuthorization : Bearer coffer_canary\r\n\r\n")
    assert raw.split()[1] == b"400"
    assert b"canary" not in raw
    assert "canary" not in caplog.text + "".join(capsys.readouterr())


async def connected(api_node: ApiNode) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    place = urlsplit(api_node.anybody.url)
    return await asyncio.open_connection(place.hostname, place.port)


async def spoken(api_node: ApiNode, raw: bytes, within_s: int = 2) -> bytes:
    """What the node answers to these bytes, until it closes the connection or the time is over."""
    reader, writer = await connected(api_node)
    writer.write(raw)
    answer = b""
    try:
        async with asyncio.timeout(within_s):
            while chunk := await reader.read(65_536):
                answer += chunk
    except (TimeoutError, ConnectionResetError):
        pass
    writer.close()
    return answer


def payment(to: Person) -> dict[str, object]:
    return {"to": f"@{to.handle}", "asset": "EUR", "amount": "1.00"}
