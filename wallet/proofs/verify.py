"""Proving the books: replay the journal and compare the chain, the transfers, the balances, the holds and every row.

    read a block ─▶ its seals ─▶ replay, and compare its transfers ─▶ at the end compare the tables

Reads in chunks up to a sequence fixed at the start, so that no long snapshot slows the running node. While one block is
replayed, the seals of the next are looked at and the one after it is read. Names the first bad place in words. What it
needs is the journal itself: everything else must follow from it, bit for bit.

    copied   blocks of rows as PostgreSQL copies them out        seals    chain, batches, signatures of each transaction
    source   the archives of old partitions, then the database   replay   the books as the journal tells them
    compare  the tables at the end, and a closer look where a block differs
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import asyncpg
import msgspec

from wallet.journal.chain import GENESIS, microseconds
from wallet.proofs.batches import BATCHES
from wallet.proofs.broken import BooksBroken
from wallet.proofs.compare import compare_ends, name_bad_transfer
from wallet.proofs.copied import TRANSFER_COLUMNS, sound_bodies
from wallet.proofs.replay import Replay, is_clear, read_body
from wallet.proofs.seals import BatchRow, BlockSeal, HereSealer, Sealer, Told
from wallet.proofs.source import JournalBlock, JournalSource, open_source

__all__ = ["BooksBroken", "Proof", "verify"]

CHUNK = 5_000  # journal rows read at a time: a few megabytes, tens of milliseconds
SLICE = (
    256  # rows replayed between two looks at what has arrived: some milliseconds, as much as a socket holds meanwhile
)

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Proof:
    """`head` is the hash that seals everything up to `seq`: two proofs with the same head speak of the same books."""

    seq: int
    head: str
    transfers: int
    accounts: int
    rows: int
    batches: int
    receipts: int


@dataclass(slots=True)
class _Walk:
    """How far the replay has come: the last sound row, its hash and time, and what follows from the rows up to it.
    `fetched` is the last row of the last batch that was read."""

    source: JournalSource
    sealer: Sealer
    seq: int = 0
    hash: bytes = GENESIS
    at: int = 0
    fetched: int = 0
    replay: Replay = field(default_factory=Replay)

    def proof(self, told: Told) -> Proof:
        return Proof(
            seq=self.seq,
            head=self.hash.hex(),
            transfers=self.replay.transfers,
            accounts=len(self.replay.totals),
            rows=sum(len(rows) for rows in self.replay.rows.values()),
            batches=told.batches,
            receipts=told.receipts,
        )


async def verify(
    connection: asyncpg.Connection,
    progress: Progress | None = None,
    archives: Path | None = None,
    sealer: Sealer | None = None,
) -> Proof:
    """`archives` is the folder of archived partitions, where there are some; `sealer`, used once, may work elsewhere.
    Raises `BooksBroken`.

    The comparison of tables runs in one short read of each; on a busy node it is repeated on what was committed meanwhile,
    so that a running node can be verified."""
    walk = _Walk(await open_source(connection, archives), sealer or HereSealer())
    while True:
        target = await connection.fetchval("SELECT seq FROM journal_head")
        await _walk_to(walk, target or 0, progress)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            head = await connection.fetchrow("SELECT seq, hash, at FROM journal_head")
            if head is None:
                raise BooksBroken("journal_head is empty")
            if head["seq"] - walk.seq > CHUNK:
                continue
            await _walk_to(walk, head["seq"], progress)
            if bytes(head["hash"]) != walk.hash:
                raise BooksBroken(f"the head's hash is not the hash of journal row {walk.seq}")
            told = await walk.sealer.close(list(walk.replay.rows["journal_keys"]))
            await compare_ends(connection, walk.replay, told, walk.source.archived, walk.seq)
            if walk.seq and microseconds(head["at"]) != walk.at:
                raise BooksBroken(f"the head's time is not the time of journal row {walk.seq}")
            await _refuse_stray_batches(connection, walk.seq)
            return walk.proof(told)


async def _refuse_stray_batches(connection: asyncpg.Connection, seq: int) -> None:
    stray = "SELECT last_seq FROM journal_batches WHERE last_seq > $1 OR last_seq < 1 OR first_seq < 1 LIMIT 1"
    found = await connection.fetchval(stray, seq)
    if found is not None:
        raise BooksBroken(f"journal_batches has one that ends with {found}, and the journal runs from 1 to {seq}")


async def _walk_to(walk: _Walk, target: int, progress: Progress | None) -> None:
    while walk.seq < target:
        found = None
        async with aclosing(_sealed_blocks(walk, target)) as blocks:
            async for block, sealed in blocks:
                found = await _replay_block(walk, block, sealed)
                if found is not None:
                    break
                if progress is not None:
                    progress(walk.seq, target)
        if found is not None:  # only now, when nothing is read ahead, is the connection free for a closer look
            await found.name_it(walk)


@dataclass(frozen=True, slots=True)
class _Unsound:
    """A block that is not as it should be: `lines` are what its transfers must say, up to the row that `broken` names."""

    block: JournalBlock
    lines: list[str]
    differs: bool
    broken: BooksBroken | None

    async def name_it(self, walk: _Walk) -> NoReturn:
        """Raises `BooksBroken` for the first bad place."""
        if self.differs:
            await name_bad_transfer(walk.source.connection, self.lines, self.block, walk.seq)
        rows = f"journal rows {self.block.after + 1} to {self.block.upto}"
        raise self.broken or BooksBroken(f"transfers of {rows} differed from the journal, and then did not any more")


async def _sealed_blocks(walk: _Walk, target: int) -> AsyncGenerator[tuple[JournalBlock, BlockSeal], None]:
    """Blocks in order with their seals, read ahead by one and sealed ahead by one."""
    reading: asyncio.Task[tuple[JournalBlock, list[BatchRow]]] | None = asyncio.create_task(
        _read(walk, walk.seq, target)
    )
    under_way: list[tuple[JournalBlock, asyncio.Task[BlockSeal]]] = []
    try:
        while reading is not None:
            block, batches = await reading
            reading = asyncio.create_task(_read(walk, block.upto, target)) if block.upto < target else None
            under_way.append((block, asyncio.create_task(walk.sealer.take(block.journal, batches))))
            if len(under_way) > 1:
                first, sealed = under_way.pop(0)
                yield first, await sealed
        for last, sealed in under_way:
            yield last, await sealed
    finally:
        left = [sealed for _, sealed in under_way]
        await asyncio.gather(*left, *([reading] if reading is not None else []), return_exceptions=True)


async def _read(walk: _Walk, after: int, target: int) -> tuple[JournalBlock, list[BatchRow]]:
    """The next block, and the batches up to the one in which it ends, as far as they were not read yet."""
    block = await walk.source.block(after, target, CHUNK)
    batches: list[BatchRow] = []
    while walk.fetched < block.upto:
        found = await walk.source.connection.fetch(BATCHES, walk.fetched, CHUNK)
        if not found:
            break
        batches += [tuple(row) for row in found]
        walk.fetched = batches[-1][1]
    return block, batches


async def _replay_block(walk: _Walk, block: JournalBlock, sealed: BlockSeal) -> _Unsound | None:
    lines: list[str] = []
    broken = BooksBroken(sealed.broken) if sealed.broken is not None else None
    try:
        await _replay_rows(walk, block.journal, sealed.seq, lines)
    except BooksBroken as error:
        broken = error
    walk.hash, walk.at = sealed.hash, sealed.at
    told = "".join(lines)
    differs = told != block.transfers or not is_clear(told, len(lines), TRANSFER_COLUMNS)
    if broken is None and walk.seq != block.upto:
        broken = BooksBroken(f"journal row {walk.seq + 1} is missing")
    return _Unsound(block, lines, differs, broken) if differs or broken is not None else None


async def _replay_rows(walk: _Walk, copied: bytes, upto: int, lines: list[str]) -> None:
    """The rows of a block up to the last one whose seals are sound. Raises `BooksBroken`."""
    for seq, record in sound_bodies(copied):
        if walk.seq >= upto:
            return
        if seq % SLICE == 0:
            await asyncio.sleep(0)
        try:
            body = read_body(record)
        except msgspec.DecodeError as error:
            raise BooksBroken(f"journal row {seq} cannot be read: {error}") from error
        walk.replay.apply(seq, body, lines)
        walk.seq = seq
