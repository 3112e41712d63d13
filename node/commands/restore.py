"""`coffer restore`: a backup becomes a node folder again, proven, with every asset paused until a person has looked.

What this prevents: a copy that lost a file or a bit being started as if it were whole; a node folder that is in use being
written over; books that are older than the world going on as if nothing had happened since. What has happened since is
known elsewhere: the signer's memory refuses to sign again what it has signed, blocks and statements are scanned again. Whom an
address was given to since is known to nobody: the next ones are watched, and no other customer gets them.
"""

import asyncio
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import asyncpg
from sqlalchemy import select

from node.commands.addresses import WATCHED_AFTER_RESTORE, watch
from node.commands.backup import DATABASE, KEYS, LOGINS, NOTE, BackupNote, BackupRefused, verify_copy
from node.commands.verify import prove_books
from node.compose import compose_beside, make_private, open_database
from node.config import Config
from node.database import Dsns
from node.database.account import account_for
from wallet import schema
from wallet.assets.pause import pause_asset
from wallet.context import Context
from wallet.durable import sync_tree
from wallet.proofs.verify import Proof

Say = Callable[[str], None]


async def restore(config: Config, folder: Path, keys: Path | None, archives: Path, say: Say) -> Proof:
    """Raises `BackupRefused`, `BooksBroken`, OSError, and what starting the database raises. Repeatable: a restore that was
    interrupted leaves drafts that the next one removes."""
    note = _read_note(folder)
    if (config.folder / "postgres" / "data").exists():
        raise BackupRefused(f"{config.folder} holds a database already: restore into a folder without one")
    await verify_copy(folder / DATABASE, say)
    make_private(config.folder)
    if keys is not None:
        await asyncio.to_thread(_place_keys, keys, config.folder)
    say("placing the database")
    await asyncio.to_thread(_place_database, folder, config.folder)
    say("starting it, which replays the log that was copied with it")
    async with open_database(config, {}) as database:
        await _refuse_other_books(database.dsns, note)
        proof = await prove_books(database.dsns, archives, say)
        async with compose_beside(config, database.dsns) as context:
            reason = f"restored from the backup of {note.made_at}"
            await _pause_all(context, f"{reason}: compare before going on")
            for network in context.networks:
                await watch(context, network, WATCHED_AFTER_RESTORE, reason, say)
    return proof


def _read_note(folder: Path) -> BackupNote:
    try:
        return BackupNote(**json.loads((folder / NOTE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise BackupRefused(f"{folder} is no whole backup: {NOTE} cannot be read ({error})") from error


def _place_keys(keys: Path, target: Path) -> None:
    """What is there already stays: a newer list of the erased must not be replaced by an older one."""
    for name in KEYS:
        source, place = keys / name, target / name
        if place.exists() or not source.exists():
            continue
        draft = target / f".{name}.draft"
        shutil.rmtree(draft, ignore_errors=True)
        if source.is_dir():
            shutil.copytree(source, draft)
        else:
            shutil.copy2(source, draft)
        sync_tree(draft)
        draft.rename(place)


def _place_database(folder: Path, target: Path) -> None:
    """The data last: with it the folder counts as holding a database."""
    postgres = target / "postgres"
    postgres.mkdir(exist_ok=True)
    for file in LOGINS:
        shutil.copy2(folder / file.name, target / file)
    draft = postgres / "data.draft"
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(folder / DATABASE, draft, symlinks=True)
    account = account_for(target)
    if account is not None:
        for path in (draft, *draft.rglob("*")):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
    draft.chmod(0o700)
    sync_tree(draft)
    draft.rename(postgres / "data")


async def _refuse_other_books(dsns: Dsns, note: BackupNote) -> None:
    connection = await asyncpg.connect(dsns.books)
    try:
        stored = await connection.fetchval("SELECT hash FROM journal WHERE seq = $1", note.seq)
    finally:
        await connection.close()
    if note.seq and (stored is None or bytes(stored).hex() != note.head):
        raise BackupRefused(f"the copy does not have journal row {note.seq}, which the backup names")


async def _pause_all(context: Context, reason: str) -> None:
    """Every asset of the restored books, whether the configuration still lists it or not."""
    for row in await context.all(select(schema.assets.c.id)):
        await pause_asset(context, "cli", row["id"], reason)
