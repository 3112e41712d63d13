"""The node's side of the signer's socket. It knows no key and no policy; it only asks.

What this prevents: a broken socket that looks like a refusal. Whatever goes wrong on the way is `SignerUnavailable`,
which says nothing about whether a signature was made: ask again with the same request and get the same bytes.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from chains.signer.wire import (
    Ask,
    AskCheck,
    AskPublicKeys,
    AskSign,
    AskStatus,
    FrameMalformed,
    Tell,
    TellAgreed,
    TellPublicKeys,
    TellRefused,
    TellSigned,
    TellStatus,
    TellUnavailable,
    check_socket_path,
    read_tell,
    write,
)
from wallet.ports import Signed, SignerRefused, SignerStatus, SignerUnavailable, SignRequest

TIMEOUT_S = 30  # many signatures' worth; the signer answers one at a time


class SignerClient:
    """Implements `wallet.ports.Signer` over a Unix socket, one connection per question."""

    def __init__(self, socket: Path, *, timeout_s: int = TIMEOUT_S) -> None:
        self._socket = check_socket_path(socket)
        self._timeout_s = timeout_s

    async def status(self) -> SignerStatus:
        match await self._ask(AskStatus()):
            case TellStatus(status):
                return status
            case other:
                raise _unexpected(other)

    async def public_keys(self) -> Mapping[str, str]:
        match await self._ask(AskPublicKeys()):
            case TellPublicKeys(keys):
                return keys
            case other:
                raise _unexpected(other)

    async def check(self, request: SignRequest) -> None:
        match await self._ask(AskCheck(request)):
            case TellAgreed():
                return
            case other:
                raise _unexpected(other)

    async def sign(self, request: SignRequest) -> Signed:
        match await self._ask(AskSign(request)):
            case TellSigned(signed):
                return signed
            case other:
                raise _unexpected(other)

    async def _ask(self, ask: Ask) -> Tell:
        try:
            async with asyncio.timeout(self._timeout_s):
                tell = await self._exchange(ask)
        except (OSError, FrameMalformed) as failure:
            raise SignerUnavailable(f"no answer from the signer: {failure or type(failure).__name__}") from failure
        if isinstance(tell, TellRefused):
            raise SignerRefused(tell.reason, tell.ground)
        if isinstance(tell, TellUnavailable):
            raise SignerUnavailable(tell.reason)
        return tell

    async def _exchange(self, ask: Ask) -> Tell:
        reader, writer = await asyncio.open_unix_connection(self._socket)
        try:
            await write(writer, ask)
            return await read_tell(reader)
        finally:
            writer.close()


def _unexpected(tell: Tell) -> SignerUnavailable:
    return SignerUnavailable(f"the signer answered with {type(tell).__name__}")
