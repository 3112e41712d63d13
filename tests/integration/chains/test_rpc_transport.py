"""RPC-05, RPC-08, RPC-10: a transport that is broken, huge, slow or overrun is survived in bounded memory and time."""

import asyncio
import contextlib
import gzip
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiohttp import web

from chains.rpc import circuit
from chains.rpc.client import JsonRpc
from node.processes import free_port
from tests.integration.chains.test_rpc import SECRET, Server, echo, raw, result
from wallet.ports import NetworkError, NetworkRateLimited, NetworkUnreachable
from wallet.ports.providers import CircuitState

MB = 1 << 20
MEMORY_MAX = 48 * MB  # of growth while an answer of a thousand times that comes in

Stream = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


@contextlib.asynccontextmanager
async def speaking(stream: Stream) -> AsyncIterator[str]:
    """A server that says whatever bytes `stream` writes to each request."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await stream(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@contextlib.asynccontextmanager
async def client(url: str, **settings: Any) -> AsyncIterator[JsonRpc]:
    rpc = JsonRpc(url, **{"timeout_s": 2, "answer_bytes_max": 8 * MB, **settings})
    try:
        yield rpc
    finally:
        await rpc.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server(free_port())
    app = web.Application(client_max_size=64 * MB)
    app.router.add_route("POST", "/{path:.*}", made.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(made.url.rpartition(":")[2])).start()
    yield made
    await runner.cleanup()


async def growth(work: Any) -> int:
    """What the process grew by, at its highest, while the work ran."""
    process = psutil.Process()
    before, most = process.memory_info().rss, 0
    task = asyncio.ensure_future(work)
    while not task.done():
        most = max(most, process.memory_info().rss - before)
        await asyncio.wait([task], timeout=0.01)
    await task
    return max(most, process.memory_info().rss - before)


async def fails(rpc: JsonRpc, kind: type[NetworkError] = NetworkUnreachable) -> str:
    with pytest.raises(kind) as told:
        await rpc.call("n", [1], int)
    return str(told.value)


# ── memory ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_rpc_05_a_gzip_bomb_does_not_go_off() -> None:
    """A quarter of a gigabyte of zeros in a quarter of a megabyte."""
    bomb = gzip.compress(b'{"id": 1, "result": "' + bytes(256 * MB), 9)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    sent: list[int] = []

    async def send(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head + bomb)
        sent.append(len(bomb))
        await writer.drain()

    async with speaking(send) as url, client(url, timeout_s=20) as rpc:
        assert await growth(fails(rpc)) < MEMORY_MAX
    assert sent == [len(bomb)]


async def test_rpc_05_an_answer_without_end_is_cut_off() -> None:
    sent = 0

    async def send(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        for _part in range(1_024):
            writer.write(bytes(MB))
            await writer.drain()
            sent += MB

    async with speaking(send) as url, client(url, timeout_s=20) as rpc:
        assert await growth(fails(rpc)) < MEMORY_MAX
    assert 8 * MB <= sent < 64 * MB


async def test_rpc_05_many_large_answers_at_once_are_bounded_together() -> None:
    async def send(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n")
        writer.write(bytes(7_000_000))
        await writer.drain()
        await asyncio.sleep(30)

    async with speaking(send) as url, client(url, failures_max=100, timeout_s=1) as rpc:
        outcomes = await asyncio.gather(*(rpc.call("n", [1], int) for _ in range(16)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {NetworkUnreachable}
    assert sum("more than" in str(outcome) for outcome in outcomes) >= 8


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte now and then, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"{")
        await writer.drain()
        await asyncio.sleep(0.05)


async def say_nothing(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


@pytest.mark.parametrize("stream", [drip, say_nothing])
async def test_rpc_05_slow_drips_and_silence_end_in_time(stream: Stream) -> None:
    async with speaking(stream) as url, client(url, timeout_s=1) as rpc, asyncio.timeout(5):
        assert "within 1 s" in await fails(rpc)


async def test_rpc_05_an_address_of_ipv6_that_leads_nowhere_holds_nobody_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name has two addresses, and nobody ever answers at the first (a discard prefix, RFC 6666)."""
    port = int(server.url.rpartition(":")[2])
    asked: list[str] = []

    def both(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("100::1", port, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    async with client(f"http://node.example:{port}") as rpc, asyncio.timeout(10):
        assert await rpc.call("n", [1], int) == 1
    assert asked


# ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────────

BROKEN_BYTES = {
    "nothing": b"",
    "no http": b"SSH-2.0-OpenSSH_9.2\r\n",
    "cut off": b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id": 1, "res',
    "no gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!",
    "cut gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 30\r\n\r\n"
    + gzip.compress(b"{}" * 999)[:30],
    "a chunk of no size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 100_000,
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "another encoding": b"HTTP/1.1 200 OK\r\nContent-Encoding: rot13\r\nContent-Length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("broken", BROKEN_BYTES)
async def test_rpc_05_broken_bytes_are_no_answer(broken: str) -> None:
    async def send(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BROKEN_BYTES[broken])
        await writer.drain()

    async with speaking(send) as url, client(url.replace("://", f"://user:{SECRET}@") + f"/{SECRET}") as rpc:
        assert SECRET not in await fails(rpc)


async def test_rpc_05_a_certificate_that_nobody_vouches_for_is_no_way_in(tmp_path: Path) -> None:
    """An expired one fails at the same place: the handshake."""
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with client(f"https://127.0.0.1:{port}/{SECRET}") as rpc:
        told = await fails(rpc)
    server.close()
    assert "Certificate" in told
    assert SECRET not in told


def self_signed(folder: Path) -> tuple[Path, Path]:
    """An expired certificate of our own."""
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415

    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    ended = datetime.now(UTC) - timedelta(days=1)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(ended - timedelta(days=1))
        .not_valid_after(ended)
        .sign(key, hashes.SHA256())
    )
    files = (folder / "certificate.pem", folder / "key.pem")
    files[0].write_bytes(built.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


# ── the circuit ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_rpc_05_the_circuit_opens_and_heals(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit, "PAUSE_LEAST_MS", 200)
    server.reply = raw(b"<html>502</html>", 502)
    async with client(server.url, failures_max=3) as rpc:
        for _ in range(3):
            assert "HTTP 502" in await fails(rpc)
        assert "not asked" in await fails(rpc)
        assert rpc.view().circuit is CircuitState.OPEN
        assert "HTTP 502" in str(rpc.view().error)
        assert len(server.asked) == 3
        server.reply = echo
        async with asyncio.timeout(5):
            while rpc.view().circuit is not CircuitState.CLOSED:
                with contextlib.suppress(NetworkUnreachable):
                    await rpc.call("n", [1], int)
                await asyncio.sleep(0.01)
        assert rpc.view().error is None


async def test_rpc_08_when_it_comes_back_one_question_goes_first(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand wait; while the first is under way nobody else asks."""
    monkeypatch.setattr(circuit, "PAUSE_LEAST_MS", 100)
    server.reply = raw(b"", 503)
    async with client(server.url, failures_max=1) as rpc:
        await fails(rpc)
        server.reply, server.delay_s = echo, 0.2
        await asyncio.sleep(0.11)  # the pause itself
        outcomes = await asyncio.gather(*(rpc.call("n", [1], int) for _ in range(1_000)), return_exceptions=True)
    assert outcomes.count(1) == 1
    assert len(server.asked) == 2


async def test_rpc_08_ten_thousand_jobs_drain_within_the_rate_that_was_promised(server: Server) -> None:
    """Each once, and 2,000 of them a second after the first second's worth."""
    async with client(server.url, calls_per_s=5_000, timeout_s=30) as rpc:
        started = asyncio.get_running_loop().time()
        jobs = [[("n", [number]) for number in range(first, first + 100)] for first in range(0, 10_000, 100)]
        done = await asyncio.gather(*(rpc.batch(job, int) for job in jobs))
        took_s = asyncio.get_running_loop().time() - started
    assert sorted(number for part in done for number in part) == list(range(10_000))
    assert sum(len(asked) for asked in server.asked) == 10_000
    assert took_s >= 0.9


async def test_rpc_08_a_provider_that_says_when_to_come_back_is_left_alone_until_then(server: Server) -> None:
    server.reply = lambda _: web.Response(status=429, headers={"Retry-After": "30"})
    async with client(server.url) as rpc:
        await fails(rpc, NetworkRateLimited)
        server.reply = echo
        told = await fails(rpc, NetworkRateLimited)
        assert "not asked for another 2" in told or "not asked for another 3" in told
    assert len(server.asked) == 1


async def test_an_error_object_is_an_answer_and_opens_nothing(server: Server) -> None:
    server.reply = lambda asked: web.json_response({"id": asked["id"], "error": {"code": 3, "message": "reverted"}})
    async with client(server.url, failures_max=1) as rpc:
        for _ in range(3):
            await fails(rpc, NetworkError)
        assert rpc.view().circuit is CircuitState.CLOSED


async def test_a_question_that_was_given_up_counts_as_a_failure(server: Server) -> None:
    server.delay_s = 30
    async with client(server.url, failures_max=1) as rpc:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await rpc.call("n", [1], int)
        assert rpc.view().circuit is CircuitState.OPEN


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_rpc_10_nothing_that_is_told_of_a_provider_holds_its_key(server: Server) -> None:
    url = f"{server.url.replace('://', f'://{SECRET}:{SECRET}@')}/v3/{SECRET}?key={SECRET}"
    async with client(url, failures_max=2) as rpc:
        for reply in (raw(b"<html>", 500), raw(b"", 403), raw(b"x", 200), echo):
            server.reply = reply
            try:
                await rpc.call("n", ["x"], int)
            except NetworkError as error:
                chain = [error, error.__cause__, error.__context__]
                assert SECRET not in "".join(f"{one} {one!r}" for one in chain)
            else:
                raise AssertionError("each of them is broken in its way")
            assert SECRET not in repr(rpc.view())
        assert SECRET not in repr(rpc)
    assert rpc.host == server.url.removeprefix("http://")
    assert [result({"id": 1, "params": [2]})["result"]] == [2]
