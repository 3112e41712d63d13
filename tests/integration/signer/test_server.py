"""The socket: the same signer through it, its bounds, and whom it answers."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from chains.signer.files import FileUnsafe
from chains.signer.serving import server as server_module
from chains.signer.serving.server import CONNECTIONS_MAX, SignerServer, SocketTaken
from chains.signer.serving.wire import FRAME_BYTES_MAX, Ask, Tell
from chains.signer_client import SignerClient
from tests.unit.signer.scene import (
    bitcoin_payload,
    bitcoin_request,
    evm_payload,
    evm_request,
    local_signer,
    open_memory,
    payout_file,
    payout_request,
)
from wallet.ports import SignerRefused, SignerUnavailable, SignRequest

REQUESTS = [evm_request(evm_payload()), bitcoin_request(bitcoin_payload()), payout_request(payout_file())]


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[Path]:
    """The socket of a running signer."""
    memory = open_memory(tmp_path)
    server = SignerServer(local_signer(memory), tmp_path / "run" / "signer.sock")
    await server.start()
    yield tmp_path / "run" / "signer.sock"
    await server.close()
    memory.close()


@pytest.mark.parametrize("request_", REQUESTS, ids=[request.network for request in REQUESTS])
async def test_requests_of_every_kind_are_checked_and_signed_through_the_socket(
    path: Path, request_: SignRequest
) -> None:
    client = SignerClient(path)
    await client.check(request_)
    signed = await client.sign(request_)
    assert await client.sign(request_) == signed


async def test_status_and_public_keys_are_told(path: Path) -> None:
    client = SignerClient(path)
    status = await client.status()
    assert (status.locked, status.reason, status.networks) == (False, None, ("ethereum", "bitcoin", "sepa"))
    assert set(await client.public_keys()) == {"ethereum", "bitcoin", "sepa"}


async def test_a_refusal_arrives_as_a_refusal_with_its_rule(path: Path) -> None:
    for ask in (SignerClient(path).check, SignerClient(path).sign):
        with pytest.raises(SignerRefused, match="chain 1, not 31337"):
            await ask(evm_request(evm_payload(chain_id=1)))


def test_the_socket_is_private(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_a_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    memory = open_memory(tmp_path)
    with pytest.raises(FileUnsafe, match="0700"):
        await SignerServer(local_signer(memory), tmp_path / "open" / "signer.sock").start()
    memory.close()


async def test_a_second_server_on_the_socket_is_refused_and_a_dead_ones_socket_replaced(
    path: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    memory = open_memory(other)
    with pytest.raises(SocketTaken):
        await SignerServer(local_signer(memory), path).start()
    with closing(socket.socket(socket.AF_UNIX)) as dead:
        dead.bind(str(other / "dead.sock"))
    server = SignerServer(local_signer(memory), other / "dead.sock")
    await server.start()
    assert not (await SignerClient(other / "dead.sock").status()).locked
    await server.close()
    memory.close()


async def test_no_signer_is_unavailable_and_not_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(SignerUnavailable, match="no answer"):
        await SignerClient(tmp_path / "nobody.sock").sign(REQUESTS[0])


async def test_a_silent_or_babbling_peer_is_unavailable(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def babbling(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\x00\x00\x02{}")
        writer.close()

    for name, behaviour in {"silent": silent, "babbling": babbling}.items():
        async with await asyncio.start_unix_server(behaviour, tmp_path / name):
            with pytest.raises(SignerUnavailable, match="no answer"):
                await SignerClient(tmp_path / name, timeout_s=1).sign(REQUESTS[0])


@pytest.mark.parametrize("far", [108, 4000])
def test_a_socket_path_that_the_kernel_would_cut_is_refused(far: int) -> None:
    with pytest.raises(ValueError, match="at most 107 bytes"):
        SignerClient(Path("/" + "x" * (far - 1)))


async def test_a_message_too_long_is_refused_before_it_is_sent(path: Path) -> None:
    with pytest.raises(SignerUnavailable, match="at most"):
        await SignerClient(path).check(evm_request(bytes(FRAME_BYTES_MAX)))


@pytest.mark.parametrize(
    "sent",
    [
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x00",
        b"\x00\x00\x00\x05hello",
        b"\x00\x00\x00\x02[]",
        b"\x00\x00\x00\x0e" + b'{"ask":"sign"}',
        b"\x00\x00\x00\x15" + b'{"ask":"status","a":1}'[:21],
        b"\x00\x00\x00\x10" + b"[" * 16,
        b"\x00\x00\x00\x02\xff\xfe",
        (200_030).to_bytes(4, "big") + b'{"ask":"check","request":{"x":' + b"[" * 100_000 + b"]" * 100_000,
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_api_02_what_is_no_question_ends_the_connection_and_nothing_else(path: Path, sent: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(sent)
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    assert not (await SignerClient(path).status()).locked


async def test_api_03_a_peer_that_dawdles_is_cut_off(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "IDLE_S_MAX", 0.2)
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b"\x00\x00")
    await writer.drain()
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_api_03_connections_are_bounded_and_free_again_when_they_end(path: Path) -> None:
    held = [await asyncio.open_unix_connection(path) for _ in range(CONNECTIONS_MAX)]
    with pytest.raises(SignerUnavailable):
        await SignerClient(path).status()
    for _, writer in held:
        writer.close()
        await writer.wait_closed()
    assert await answers_within(path, tries=500)


async def test_closing_ends_open_connections_without_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    memory = open_memory(tmp_path)
    server = SignerServer(local_signer(memory), tmp_path / "run" / "signer.sock")
    await server.start()
    reader, writer = await asyncio.open_unix_connection(tmp_path / "run" / "signer.sock")
    await SignerClient(tmp_path / "run" / "signer.sock").status()
    await server.close()
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    memory.close()
    assert not caplog.records


async def answers_within(path: Path, *, tries: int) -> bool:
    for _ in range(tries):
        if await answers(path):
            return True
        await asyncio.sleep(0.01)
    return False


async def answers(path: Path) -> bool:
    try:
        await SignerClient(path).status()
    except SignerUnavailable:
        return False
    return True


ASK_AS_ANOTHER = """
import os, socket, sys
os.setuid(65534)
asker = socket.socket(socket.AF_UNIX)
asker.connect(sys.argv[1])
try:
    asker.sendall((16).to_bytes(4, "big") + b'{"ask":"status"}')
    print(asker.recv(100))
except ConnectionError:
    print("hung up")
"""


async def test_another_user_of_the_machine_is_not_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Root becomes another user; anybody else lets the server believe that it runs as another."""
    memory = open_memory(tmp_path)
    with TemporaryDirectory() as folder:
        socket_path = Path(folder) / "signer.sock"
        server = SignerServer(local_signer(memory), socket_path)
        await server.start()
        if os.geteuid() == 0:
            open_to_all(socket_path)
            answer = await asyncio.to_thread(ask_as_another, socket_path)
            assert answer in {b"hung up\n", b"b''\n"}
        else:
            monkeypatch.setattr(os, "geteuid", lambda: 65534)
            assert not await answers(socket_path)
        assert "peer_refused" in capfd.readouterr().out
        await server.close()
    memory.close()


def open_to_all(socket_path: Path) -> None:
    socket_path.chmod(0o666)
    socket_path.parent.chmod(0o711)


def ask_as_another(socket_path: Path) -> bytes:
    command = [sys.executable, "-c", ASK_AS_ANOTHER, str(socket_path)]
    return subprocess.run(command, capture_output=True, check=True, timeout=20).stdout


async def test_requests_that_come_together_share_a_question_and_each_has_its_own_answer(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, asked = SignerClient(path), []
    ask = client._ask

    async def counted(question: Ask) -> Tell:
        asked.append(question)
        return await ask(question)

    monkeypatch.setattr(client, "_ask", counted)
    payments = [
        evm_request(evm_payload(units=1, nonce=n), submission=f"sub_{n}", references=(f"wdr_{n}",)) for n in range(100)
    ]
    refused = evm_request(evm_payload(chain_id=1), submission="sub_no", references=("wdr_no",))
    outcomes = await asyncio.gather(*map(client.sign, [*payments, refused]), return_exceptions=True)
    assert isinstance(outcomes.pop(), SignerRefused)
    assert len(asked) == 3  # whoever comes first goes alone; then at most BATCH_MAX at a time
    assert outcomes == list(await client.sign_many(payments))


async def test_requests_that_come_together_are_all_told_that_the_signer_is_away(tmp_path: Path) -> None:
    client = SignerClient(tmp_path / "nobody.sock")
    payments = [evm_request(evm_payload(nonce=n), submission=f"sub_{n}") for n in range(5)]
    outcomes = await asyncio.gather(*map(client.sign, payments), return_exceptions=True)
    assert all(isinstance(one, SignerUnavailable) for one in outcomes)
