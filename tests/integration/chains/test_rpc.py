"""The JSON-RPC client against a server that misbehaves at the level of bytes, HTTP and JSON-RPC."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from aiohttp import web

from chains.rpc.client import MESSAGE_CHARS_MAX, JsonRpc, RpcError
from node.processes import free_port
from wallet.ports import NetworkError, NetworkRateLimited, NetworkUnreachable

SECRET = "a-secret-of-the-provider"
Reply = Callable[[Any], web.Response]


class Bytes(msgspec.Struct):
    size: int


class Server:
    """Answers each request with `reply` of its decoded body, and keeps what it was asked."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.asked: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.reply: Reply = echo
        self.delay_s = 0.0

    async def answer(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.asked.append(asked)
        self.headers.append(dict(request.headers))
        await asyncio.sleep(self.delay_s)
        return self.reply(asked)


def echo(asked: Any) -> web.Response:
    """Each call's first parameter is its result."""
    if isinstance(asked, dict):
        return web.json_response(result(asked))
    return web.json_response([result(call) for call in asked])


def result(call: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": call["id"], "result": call["params"][0]}


def raw(body: bytes, status: int = 200) -> Reply:
    return lambda _: web.Response(body=body, status=status)


def error(code: Any, message: Any, status: int = 200) -> Reply:
    return lambda asked: web.json_response(
        {"id": asked["id"], "result": None, "error": {"code": code, "message": message}}, status=status
    )


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    port = free_port()
    made = Server(port)
    app = web.Application()
    app.router.add_route("POST", "/{path:.*}", made.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield made
    await runner.cleanup()


@pytest.fixture
async def rpc(server: Server) -> AsyncIterator[JsonRpc]:
    client = JsonRpc(
        f"{server.url.replace('://', f'://user:{SECRET}@')}/{SECRET}?key={SECRET}",
        timeout_s=1,
        answer_bytes_max=10_000,
        batch_calls_max=3,
        failures_max=1_000,
    )
    yield client
    await client.close()


async def test_a_result_has_the_shape_that_was_asked_for(rpc: JsonRpc) -> None:
    assert await rpc.call("size", [{"size": 5, "more": "ignored"}], Bytes) == Bytes(5)
    assert await rpc.call("list", [[1, 2]], list[int]) == [1, 2]
    assert bytes(await rpc.call("later", [{"x": 1.5}], msgspec.Raw)) == b'{"x": 1.5}'


async def test_null_is_an_answer_only_where_it_was_expected(rpc: JsonRpc) -> None:
    assert await rpc.find("maybe", [None], Bytes) is None
    assert await rpc.batch_find([("maybe", [None]), ("maybe", [{"size": 1}])], Bytes) == [None, Bytes(1)]
    with pytest.raises(NetworkUnreachable):
        await rpc.call("surely", [None], Bytes)


async def test_a_batch_is_answered_in_the_order_of_its_calls(server: Server, rpc: JsonRpc) -> None:
    server.reply = lambda asked: web.json_response([result(call) for call in reversed(asked)])
    assert await rpc.batch([("n", [number]) for number in range(6)], int) == list(range(6))
    assert [len(asked) for asked in server.asked] == [3, 3]


async def test_nothing_is_asked_for_an_empty_batch(server: Server, rpc: JsonRpc) -> None:
    assert await rpc.batch([], int) == []
    assert server.asked == []


@pytest.mark.parametrize("status", [200, 400, 404, 500])
async def test_an_error_object_is_told_with_its_code_under_any_status(
    server: Server, rpc: JsonRpc, status: int
) -> None:
    server.reply = error(-28, "Loading block index…", status)
    with pytest.raises(RpcError) as told:
        await rpc.call("n", [1], int)
    assert (told.value.code, told.value.message) == (-28, "Loading block index…")


async def test_each_call_of_a_batch_may_fail_alone(server: Server, rpc: JsonRpc) -> None:
    def reply(asked: Any) -> web.Response:
        failed = {"id": asked[1]["id"], "error": {"code": 3, "message": "execution reverted"}}
        return web.json_response([result(asked[0]), failed])

    server.reply = reply
    first, second = await rpc.batch_outcomes([("n", [1]), ("n", [2])], int)
    assert first == 1
    assert isinstance(second, RpcError)
    with pytest.raises(RpcError, match="reverted"):
        await rpc.batch([("n", [1]), ("n", [2])], int)


async def test_a_batch_that_is_refused_whole_raises_the_refusal(server: Server, rpc: JsonRpc) -> None:
    server.reply = raw(b'{"id": null, "error": {"code": -32600, "message": "batches are not supported"}}')
    with pytest.raises(RpcError, match="batches"):
        await rpc.batch([("n", [1]), ("n", [2])], int)


async def test_a_strangers_message_is_one_legible_line(server: Server, rpc: JsonRpc) -> None:
    server.reply = error(1, "\x1b[2J\nroot#" + "x" * 5_000)
    with pytest.raises(RpcError) as told:
        await rpc.call("n", [1], int)
    assert len(told.value.message) == MESSAGE_CHARS_MAX
    assert told.value.message.isprintable()


@pytest.mark.parametrize("code", [429, -32005])
async def test_a_provider_may_ask_us_to_slow_down(server: Server, rpc: JsonRpc, code: int) -> None:
    for reply in (error(code, "slow down"), raw(b"", 429), raw(b'{"error": "slow down"}', 429)):
        server.reply = reply
        with pytest.raises(NetworkRateLimited):
            await rpc.call("n", [1], int)


BROKEN = {
    "nothing": raw(b""),
    "a page": raw(b"<html>502 Bad Gateway</html>", 502),
    "a page with 200": raw(b"<html>welcome</html>"),
    "a page with 404": raw(b"<html>not here</html>", 404),
    "credentials refused": raw(b"", 401),
    "a redirect": lambda _: web.Response(status=307, headers={"Location": "http://127.0.0.1:9/elsewhere"}),
    "cut off": raw(b'{"id": 1, "result": {"size": 1'),
    "not text": raw(b'{"id": 1, "result": "\xff\xfe"}'),
    "nested without end": raw(b'{"id": 1, "result": ' + b"[" * 9_000),
    "too long": raw(b'{"id": 1, "result": "' + b"x" * 20_000 + b'"}'),
    "a number": raw(b"5"),
    "another id": raw(b'{"id": 999, "result": {"size": 1}}'),
    "no id": raw(b'{"result": {"size": 1}}'),
    "a list for one": raw(b"[]"),
    "the answer twice": lambda asked: web.json_response([result(asked), result(asked)]),
    "another shape": lambda asked: web.json_response({"id": asked["id"], "result": {"size": "5"}}),
    "a code of no kind": error("x", "y"),
    "a message of no kind": error(1, {"y": 1}),
    "an error of no kind": lambda asked: web.json_response({"id": asked["id"], "error": "broken"}),
}


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_broken_answer_is_no_answer(server: Server, rpc: JsonRpc, broken: str) -> None:
    server.reply = BROKEN[broken]
    with pytest.raises(NetworkUnreachable):
        await rpc.call("n", [{"size": 1}], Bytes)
    assert len(server.asked) == 1


async def test_a_slow_answer_is_no_answer(server: Server, rpc: JsonRpc) -> None:
    server.delay_s = 1.3
    with pytest.raises(NetworkUnreachable, match="within 1 s"):
        await rpc.call("n", [1], int)


async def test_nobody_there_is_no_answer() -> None:
    rpc = JsonRpc(f"http://user:{SECRET}@127.0.0.1:9/{SECRET}")
    with pytest.raises(NetworkUnreachable) as told:
        await rpc.call("n", [1], int)
    assert SECRET not in str(told.value)
    await rpc.close()


async def test_no_error_tells_the_url(server: Server, rpc: JsonRpc) -> None:
    for reply in [*BROKEN.values(), raw(b"", 429)]:
        server.reply = reply
        with pytest.raises(NetworkError) as told:
            await rpc.call("n", [1], Bytes)
        assert SECRET not in f"{told.value}{told.value.__cause__}{told.value.__context__}"


@pytest.mark.parametrize("url", ["", "127.0.0.1:8545", f"ftp://{SECRET}", f"file:///{SECRET}", "http://", "https:///x"])
def test_only_a_url_of_http_is_taken(url: str) -> None:
    with pytest.raises(ValueError, match="http") as refused:
        JsonRpc(url)
    assert SECRET not in str(refused.value)


async def test_credentials_are_sent_and_may_change(server: Server, rpc: JsonRpc) -> None:
    await rpc.call("n", [1], int)
    assert server.headers[-1]["Authorization"].startswith("Basic ")
    cookies = iter([("a", "1"), ("b", "2")])
    other = JsonRpc(server.url, credentials=lambda: next(cookies))
    await other.call("n", [1], int)
    await other.call("n", [1], int)
    await other.close()
    assert len({headers["Authorization"] for headers in server.headers}) == 3


async def test_a_client_can_be_used_again_after_close(rpc: JsonRpc) -> None:
    await rpc.close()
    assert await rpc.call("n", [1], int) == 1


async def test_what_is_sent_is_json_rpc_2(server: Server, rpc: JsonRpc) -> None:
    await rpc.call("method", ["0x1", False, {"a": None}], str)
    assert json.dumps({**server.asked[0], "id": 0}) == json.dumps(
        {"jsonrpc": "2.0", "id": 0, "method": "method", "params": ["0x1", False, {"a": None}]}
    )
