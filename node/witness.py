"""The witness's file: one signed head a line, only ever added to, better on another machine than the database.

write   by a worker, every few seconds when the head has moved, durable before it counts
look    at the node's start, and by `coffer verify`: whatever was witnessed must be on record
"""

import asyncio
import os
from collections import deque
from pathlib import Path

import asyncpg
import structlog

from node.database import Dsns
from node.database.primary import connect_primary
from wallet.assets.pause import pause_asset
from wallet.context import ACTOR_NODE, Context
from wallet.durable import sync_folder
from wallet.errors import Refusal
from wallet.journal.tail import Tail
from wallet.proofs.witness import SignedHead, WitnessContradicted, compare_heads, read_heads

LOOKED_AT_FIRST = 10_000  # of the newest lines at a start; `coffer verify` looks at all

_log = structlog.get_logger("witness")


class WitnessFile:
    """Opened for adding. One process writes it at a time: the workers' lease sees to that."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._last: SignedHead | None = None

    def last(self) -> SignedHead | None:
        """The newest head in the file. Raises `LineRefused`, OSError."""
        if self._last is None and self._file.exists():
            with self._file.open(encoding="utf-8", errors="replace") as opened:
                newest = [head for _, head in read_heads(deque(opened, maxlen=2))]  # the very last may be cut
            self._last = newest[-1] if newest else None
        return self._last

    def add(self, head: SignedHead) -> None:
        """Durable when it returns. The head that is the last already is not written again. Raises OSError."""
        if self._last == head:
            return
        is_new = not self._file.exists()
        descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            cut = b"" if _ends_whole(self._file) else b"\n"
            line = cut + head.to_line().encode()
            if os.write(descriptor, line) != len(line):
                raise OSError(f"{self._file} could not be written whole")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            sync_folder(self._file.parent)
        self._last = head


def _ends_whole(file: Path) -> bool:
    """False if a power failure cut the last line."""
    with file.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        if size == 0:
            return True
        opened.seek(size - 1)
        return opened.read(1) == b"\n"


def keep_tail(file: Path, tail: Tail) -> None:
    """Keep what this process saw committed and the database does not have: the next start pauses every asset. Raises
    OSError."""
    head, signed = tail.head, tail.signed
    root, key, signature = (None, None, None) if signed is None else (signed.tree.root, signed.key, signed.signature)
    WitnessFile(file).add(SignedHead(head.seq, head.hash, head.at, root, key, signature))


async def compare_witness(connection: asyncpg.Connection, file: Path, newest: int | None = None) -> int:
    """How many heads of the file are on record, of the newest or of all. Raises `WitnessContradicted`, OSError."""
    try:
        opened = await asyncio.to_thread(file.open, encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return 0
    with opened:
        lines = opened if newest is None else iter(deque(opened, maxlen=newest))
        return await compare_heads(connection, read_heads(lines))


async def stop_if_contradicted(file: Path, context: Context, dsns: Dsns) -> str | None:
    """At the node's start: if the journal is not the one that was witnessed, every asset is paused, with the reason."""
    connection = await connect_primary(dsns.books)
    try:
        await compare_witness(connection, file, LOOKED_AT_FIRST)
    except WitnessContradicted as contradicted:
        reason = str(contradicted)
    else:
        return None
    finally:
        await connection.close()
    await stop_all_assets(context, reason)
    return reason


async def stop_all_assets(context: Context, reason: str) -> None:
    """No value comes or goes before a person has looked."""
    _log.error("witness_contradicts", reason=reason)
    for symbol in context.assets:
        try:
            await pause_asset(context, ACTOR_NODE, symbol, reason)
        except Refusal as refused:
            _log.warning("not_paused", asset=symbol, reason=str(refused))
