"""Reading many rows cheaply: COPY to us, taken as the bytes that it is."""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from struct import Struct
from typing import Literal

import asyncpg

JOURNAL = "SELECT seq, at, body, hash, kind, actor FROM journal WHERE seq > $1 AND seq <= $2 ORDER BY seq"
TRANSFERS = (
    "SELECT seq, ordinal, move, debit_account, credit_account, asset, units, hold, debit_posted_after, debit_held_after,"
    " credit_posted_after, credit_held_after FROM transfers WHERE seq > $1 AND seq <= $2 ORDER BY seq, ordinal"
)
TRANSFER_COLUMNS = 12
_HEADER_BYTES = 19  # PostgreSQL documentation, COPY, "Binary Format": signature, flags, an empty extension
_END = b"\xff\xff"
_ROW = Struct("!hiqiqi")  # six columns; seq and at with their lengths; the body's length
_LENGTH = Struct("!i")
_WORDS = Struct("!QQQ")
_POSTGRES_EPOCH_US = 946_684_800_000_000  # 2000-01-01 after 1970-01-01
_WORD = (1 << 64) - 1


async def copy_binary(connection: asyncpg.Connection, sql: str, *values: object) -> bytes:
    return await _copy(connection, sql, "binary", values)


async def copy_text(connection: asyncpg.Connection, sql: str, *values: object) -> str:
    """NULL is nothing at all."""
    return (await _copy(connection, sql, "text", values)).decode()


async def copy_digest(connection: asyncpg.Connection, sql: str) -> bytes:
    """SHA-256 of the whole text, which is never held."""
    digest = hashlib.sha256()

    async def take(block: bytes) -> None:
        digest.update(block)

    await connection.copy_from_query(sql, output=take, format="text", null="")
    return digest.digest()


async def _copy(
    connection: asyncpg.Connection, sql: str, form: Literal["text", "binary"], values: tuple[object, ...]
) -> bytes:
    found = bytearray()

    async def take(block: bytes) -> None:
        found.extend(block)

    null = "" if form == "text" else None
    await connection.copy_from_query(sql, *values, output=take, format=form, null=null)
    return bytes(found)


def journal_rows(copied: bytes) -> Iterator[tuple[int, int, bytes, int]]:
    """Of a binary copy of `JOURNAL`: seq, time in microseconds, body, and where hash, kind and actor stand, by `tail`."""
    place, unpack = _HEADER_BYTES, _ROW.unpack_from
    while not copied.startswith(_END, place):
        _, _, seq, _, at, length = unpack(copied, place)
        start = place + _ROW.size
        rest = start + length
        yield seq, (at + _POSTGRES_EPOCH_US) & _WORD, copied[start:rest], rest
        place = rest
        for _ in range(3):
            place += 4 + _LENGTH.unpack_from(copied, place)[0]


def sound_bodies(copied: bytes) -> Iterator[tuple[int, bytes]]:
    """Sequences and bodies of a binary copy of `JOURNAL` in which each hash is known to have 32 bytes: half the work."""
    place, unpack, length_of = _HEADER_BYTES, _ROW.unpack_from, _LENGTH.unpack_from
    while not copied.startswith(_END, place):
        _, _, seq, _, _, length = unpack(copied, place)
        start = place + _ROW.size
        kind = start + length + 36
        yield seq, copied[start : kind - 36]
        actor = kind + 4 + length_of(copied, kind)[0]
        place = actor + 4 + length_of(copied, actor)[0]


def chain_words(seq: int, at: int, record: bytes) -> bytes:
    """What `chain.link` takes between the hash before and the body, of a row as `journal_rows` tells it."""
    return _WORDS.pack(seq, at, len(record))


def tail(digest: bytes, kind: str, actor: str) -> bytes:
    """How hash, kind and actor stand in a binary copy."""
    return b"\x00\x00\x00\x20" + digest + _texts(kind, actor)


@lru_cache(maxsize=50_000)  # few kinds, and actors that come again
def _texts(*texts: str) -> bytes:
    return b"".join(_LENGTH.pack(len(text)) + text for text in map(str.encode, texts))
