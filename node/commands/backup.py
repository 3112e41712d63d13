"""`coffer backup`: a copy of the embedded database of a running node, whole at one moment, and apart from it the keys.

    note the head ─▶ pg_basebackup with its log ─▶ pg_verifybackup ─▶ the logins ─▶ rename: a backup exists whole or not at all

The keys (`vault/` and the like) are copied after the database, to a folder of their own: so none is missing that a row of the
copy needs, and whoever finds one of the two folders can read nobody's name.
"""

import asyncio
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import asyncpg

from node.config import Config
from node.database import Dsns, EmbeddedPostgres, binary
from node.database.cluster import SUPERUSER
from wallet.durable import sync_tree

DATABASE, NOTE = "database", "backup.json"
LOGINS = (Path("roles.json"), Path("postgres/passwords.json"))
KEYS = ("vault", "digest.key", "journal.key", "cursor.key")
_PERCENT = re.compile(rb"\((\d+)%\)")

Say = Callable[[str], None]


class BackupRefused(Exception):
    """Nothing was copied, or what was copied is no backup. One line that says why."""


@dataclass(frozen=True, slots=True)
class BackupNote:
    """What a backup says of itself. The copied books have at least journal row `seq`, with this hash."""

    made_at: str
    version: str
    seq: int
    head: str


async def back_up(config: Config, dsns: Dsns, folder: Path, keys: Path | None, say: Say) -> BackupNote:
    """Raises `BackupRefused`, OSError, asyncpg's errors. What an interrupted run left is removed by the next."""
    for target in (folder, *([keys] if keys is not None else [])):
        if target.exists():
            raise BackupRefused(f"{target} is there already: each backup has a folder of its own")
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    note = await _note(dsns)
    superuser = EmbeddedPostgres(config.folder / "postgres").attach(SUPERUSER)
    say("copying the database")
    await _copy_database(superuser, draft / DATABASE, say)
    await verify_copy(draft / DATABASE, say)
    for file in LOGINS:
        shutil.copy2(config.folder / file, draft / file.name)
    (draft / NOTE).write_text(json.dumps(asdict(note)), encoding="utf-8")
    if keys is not None:
        await asyncio.to_thread(_copy_keys, config.folder, keys)
    await asyncio.to_thread(sync_tree, draft)
    draft.rename(folder)
    return note


async def _note(dsns: Dsns) -> BackupNote:
    connection = await asyncpg.connect(dsns.books)
    try:
        row = await connection.fetchrow("SELECT seq, hash FROM journal_head")
    finally:
        await connection.close()
    if row is None:
        raise BackupRefused("the journal has no head")
    return BackupNote(datetime.now(UTC).isoformat(), version("coffer"), row["seq"], bytes(row["hash"]).hex())


async def _copy_database(superuser_dsn: str, target: Path, say: Say) -> None:
    """A checkpoint at once, and all of the log that the copy needs streamed beside it. The node goes on meanwhile."""
    options = ("-d", superuser_dsn, "-D", str(target), "-X", "stream", "-c", "fast", "-P", "--no-password")
    program = await asyncio.create_subprocess_exec(
        binary("pg_basebackup"), *options, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    assert program.stderr is not None
    told, shown = b"", 0
    while chunk := await program.stderr.read(4096):
        told = (told + chunk)[-4096:]
        percents = [int(found) for found in _PERCENT.findall(chunk)]
        if percents and percents[-1] // 10 > shown:
            shown = percents[-1] // 10
            say(f"copied {percents[-1]} %")
    if await program.wait() != 0:
        raise BackupRefused(f"pg_basebackup failed: {_last_line(told)}")


async def verify_copy(data: Path, say: Say) -> None:
    """Every file against the manifest's checksum, and the log that the copy needs. Raises `BackupRefused`."""
    say("checking the copy against its manifest")
    program = await asyncio.create_subprocess_exec(
        binary("pg_verifybackup"),
        *("--quiet", str(data)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await program.communicate()
    if program.returncode != 0:
        raise BackupRefused(f"{data} is not whole: {_last_line(told)}")


def _copy_keys(source: Path, target: Path) -> None:
    target.mkdir(parents=True, mode=0o700)
    for name in KEYS:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
        elif (source / name).exists():
            shutil.copy2(source / name, target / name)
    sync_tree(target)


def _last_line(told: bytes) -> str:
    lines = re.split(r"[\r\n]+", told.decode(errors="replace").strip())
    return lines[-1] if lines else "it said nothing"
