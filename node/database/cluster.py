"""A new cluster: checksums, UTF-8 ordered by code point, passwords for everybody."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from node.database.program import DatabaseUnavailable, binary
from node.processes import Account, leash
from wallet.durable import sync_folder

SUPERUSER = "coffer_superuser"


def make_cluster(data: Path, private: Path, password: str, account: Account | None) -> None:
    """Made aside and then renamed, so that a half-made cluster is never started."""
    draft = data.with_name("data.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    secret = private / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    if account is not None:
        os.chown(draft, account.uid, account.gid)
        os.chown(secret, account.uid, account.gid)
    try:
        _initdb(draft, secret, account)
    finally:
        secret.unlink()
    draft.rename(data)
    sync_folder(data.parent)


def _initdb(data: Path, password: Path, account: Account | None) -> None:
    options = ["--username", SUPERUSER, "--auth", "scram-sha-256", "--pwfile", str(password), "--data-checksums"]
    options += ["--encoding", "UTF8", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--no-locale"]
    command = [*leash(account, signal.SIGKILL), str(binary("initdb")), "--pgdata", str(data), *options]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  our own words
    if done.returncode != 0:
        raise DatabaseUnavailable(f"PostgreSQL could not make its folder: {done.stderr.strip()[-300:]}")
