"""`python -m chains.signer --config FILE`: run the signer; with `--create`, make its seed and memory instead."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog

from chains.signer.files import FileUnsafe
from chains.signer.keys.keystore import KeystoreRefused
from chains.signer.keys.passphrase import PassphraseRefused
from chains.signer.memory.memory import MemoryBusy
from chains.signer.people.operators import OperatorsRefused
from chains.signer.people.signed_policy import PolicyRefused
from chains.signer.privacy import keep_private
from chains.signer.serving.server import SignerServer, SocketTaken
from chains.signer.settings import Settings, SettingsRefused, read_settings
from chains.signer.start import create_signer, open_signer

_log = structlog.get_logger("chains.signer")
_REFUSALS = (
    FileUnsafe,
    KeystoreRefused,
    MemoryBusy,
    OperatorsRefused,
    PassphraseRefused,
    PolicyRefused,
    SettingsRefused,
    SocketTaken,
    OSError,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 after a clean stop, 1 with one clear line where the signer cannot start."""
    parser = argparse.ArgumentParser(prog="coffer signer", description="Holds the keys that move money.")
    parser.add_argument("--config", type=Path, required=True, help="the signer's own configuration file")
    parser.add_argument("--create", action="store_true", help="make a new seed and memory, then exit")
    chosen = parser.parse_args(arguments)
    _log_to_stderr()
    try:
        keep_private()
        _run(read_settings(chosen.config), create=chosen.create)
    except _REFUSALS as refusal:
        sys.stderr.write(f"signer: {refusal}\n")
        return 1
    return 0


def _run(settings: Settings, *, create: bool) -> None:
    if create:
        create_signer(settings)
    else:
        asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    signer = open_signer(settings)
    server = SignerServer(signer, settings.socket, must_prove=True)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await server.start()
    status = await signer.status()
    _log.info("signer_listens", locked=status.locked, reason=status.reason, networks=status.networks)
    await stop.wait()
    await server.close()
    signer.close()


def _log_to_stderr() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


if __name__ == "__main__":
    sys.exit(main())
