"""The signer as the process that it is: started from files, killed, started again, searched for its secrets."""

import asyncio
import base64
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from eth_account.hdaccount.mnemonic import Mnemonic

from chains.signer.keys.keys import Keys
from chains.signer.keys.keystore import open_keystore
from chains.signer_client import SignerClient
from tests.unit.signer.scene import IBAN, evm_payload, evm_request, payout_file, payout_request, unquestioned
from wallet.ports import SignerRefused, SignerUnavailable

CONFIG = f"""
[signer]
folder = "keys"
socket = "run/signer.sock"
passphrase_file = "keys/passphrase"
dev = true

[networks.ethereum]
kind = "evm"
chain_id = 31337
fee_max = "0.01"
fee_window_max = "0.05"
gas_funding_max = "0.02"
window_s = 3600

[networks.ethereum.assets.ETH]
decimals = 18
submission_max = "2"
window_max = "5"

[networks.sepa]
kind = "sepa"
iban = "{IBAN}"
window_s = 3600

[networks.sepa.assets.EUR]
decimals = 2
submission_max = "1000"
window_max = "2500"
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, so that the socket's fits whatever the test's own folder is."""
    with TemporaryDirectory(prefix="coffer-") as made:
        write_config(Path(made), CONFIG)
        yield Path(made)


def write_config(folder: Path, content: str) -> None:
    file = folder / "signer.toml"
    file.write_text(content)
    file.chmod(0o600)


async def start(folder: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "chains.signer",
        "--config",
        str(folder / "signer.toml"),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, SignerClient]]:
    process, client = await start(folder), SignerClient(folder / "run" / "signer.sock")
    client.show(unquestioned)
    try:
        await listening(process, client)
        yield process, client
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def listening(process: asyncio.subprocess.Process, client: SignerClient) -> None:
    for _ in range(600):
        try:
            await client.status()
        except SignerUnavailable:
            assert process.returncode is None, "the signer ended instead of listening"
            await asyncio.sleep(0.05)
        else:
            return
    pytest.fail("the signer did not listen within 30 s")


async def ended(folder: Path, *arguments: str) -> tuple[int | None, str]:
    """Exit status and error text of a signer that should not stay."""
    process = await start(folder, *arguments)
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, errors.decode()


async def test_crs_01_killed_while_it_signs_it_gives_the_same_bytes_for_what_it_had_answered(folder: Path) -> None:
    requests = [
        evm_request(evm_payload(units=1, nonce=n), submission=f"sub_{n}", references=(f"wdr_{n}",)) for n in range(30)
    ]
    async with running(folder) as (process, client):
        keys, answered = await client.public_keys(), [await client.sign(request) for request in requests[:20]]
        in_flight = [asyncio.create_task(client.sign(request)) for request in requests[20:]]
        await asyncio.wait(in_flight, return_when=asyncio.FIRST_COMPLETED)
        process.kill()
        outcomes = await asyncio.gather(*in_flight, return_exceptions=True)
    async with running(folder) as (_, client):
        assert await client.public_keys() == keys
        again = [await client.sign(request) for request in requests]
        assert again[:20] == answered
        for outcome, signed in zip(outcomes, again[20:], strict=True):
            assert outcome == signed or isinstance(outcome, SignerUnavailable)
        with pytest.raises(SignerRefused, match="wdr_1 was signed"):
            await client.sign(evm_request(evm_payload(nonce=99), submission="sub_99"))


async def test_a_second_signer_on_the_same_memory_ends_with_one_line_and_the_first_stops_cleanly(folder: Path) -> None:
    async with running(folder) as (process, client):
        write_config(folder, CONFIG.replace("run/signer.sock", "run/second.sock"))
        status, errors = await ended(folder)
        assert status == 1
        assert "another signer holds" in errors
        assert errors.count("\n") == 1
        assert not (await client.status()).locked
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
    assert not (folder / "run" / "signer.sock").exists()


async def test_key_07_no_secret_is_in_files_logs_arguments_environment_or_core_dumps(folder: Path) -> None:
    async with running(folder) as (process, client):
        await client.sign(evm_request(evm_payload(units=1)))
        await client.sign(
            payout_request(
                payout_file(("wdr_2", "FR1420041010050500013M02606", 5), submission="sub_2"),
                submission="sub_2",
                references=("wdr_2",),
            )
        )
        with pytest.raises(SignerRefused):
            await client.sign(evm_request(b"", submission="sub_3", references=("wdr_3",)))
        proc = Path(f"/proc/{process.pid}")
        shown = [(proc / name).read_bytes() for name in ("cmdline", "environ")]
        assert (proc / "status").stat().st_uid == 0, "an undumpable process belongs to root in /proc"
        assert resource.prlimit(process.pid, resource.RLIMIT_CORE) == (0, 0)
        process.terminate()
        shown += await process.communicate()
    passphrase = (folder / "keys" / "passphrase").read_bytes().strip()
    entropy = open_keystore(folder / "keys" / "keystore.json", passphrase).entropy
    files = written_files(folder)
    for content in [*shown, *(file.read_bytes() for file in files)]:
        assert not any(form in content for form in [*forms(entropy), *secret_keys(entropy), passphrase])


def written_files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and file.name != "passphrase"]


def secret_keys(entropy: bytes) -> Iterator[bytes]:
    keys = Keys(entropy)
    for secret in (keys.reveal_private_key("m/44'/60'/1'/0/0"), keys.memory_key()):
        yield from forms(secret)
    yield from forms(keys.payout_file_key().private_bytes_raw())
    yield Mnemonic().to_mnemonic(entropy).encode()


def forms(secret: bytes) -> Iterator[bytes]:
    yield from (secret, secret.hex().encode(), base64.b64encode(secret), secret.hex().encode("utf-16-le"))


async def test_created_by_hand_with_a_passphrase_from_a_descriptor(folder: Path) -> None:
    write_config(
        folder,
        CONFIG.replace('passphrase_file = "keys/passphrase"', "passphrase_descriptor = 0").replace("true", "false"),
    )
    for arguments, expected in (([], "is missing"), (["--create"], "")):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "chains.signer",
            "--config",
            str(folder / "signer.toml"),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await asyncio.wait_for(process.communicate(b"a long enough passphrase\n"), 60)
        assert expected in errors.decode()
        assert process.returncode == (1 if expected else 0)
    assert sorted(os.listdir(folder / "keys")) == ["keystore.json", "memory.head", "memory.log"]
