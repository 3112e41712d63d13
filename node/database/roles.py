"""Three roles from the first day: the owner migrates, `coffer_books` keeps the books, `coffer_ops` keeps what may be lost.

What each may do is granted by migrations. Here they are made, with passwords that the server sees as verifiers only.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import asyncpg

from node.database.primary import connect_primary
from wallet.durable import make_once

BOOKS, OPS = "coffer_books", "coffer_ops"
_SCRAM_ROUNDS = 4096  # PostgreSQL's own number; the passwords are 256 bits of entropy, so more adds nothing
_LOGIN_REFUSED = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidPasswordError)


class RolesUnavailable(Exception):
    """The database's roles could not be made or entered. One line that says what to do."""


@dataclass(frozen=True, slots=True)
class Dsns:
    """Where each role connects. They hold passwords, so they are not shown."""

    owner: str = field(repr=False)
    books: str = field(repr=False)
    ops: str = field(repr=False)


async def prepare_roles(owner_dsn: str, folder: Path, environment: Mapping[str, str] = os.environ) -> Dsns:
    """The three connection strings; makes the roles where they are missing. Their passwords are kept in `folder`.

    `COFFER_BOOKS_URL` and `COFFER_OPS_URL` name roles that somebody else made, and then nothing is made here.
    Raises `RolesUnavailable`."""
    given = environment.get("COFFER_BOOKS_URL"), environment.get("COFFER_OPS_URL")
    if given[0] and given[1]:
        return Dsns(owner_dsn, given[0], given[1])
    if given[0] or given[1]:
        raise RolesUnavailable("COFFER_BOOKS_URL and COFFER_OPS_URL are given together or not at all")
    passwords = kept_passwords(folder / "roles.json", (BOOKS, OPS))
    await _make_missing(owner_dsn, passwords)
    dsns = {role: with_login(owner_dsn, role, password) for role, password in passwords.items()}
    for role, dsn in dsns.items():
        await _refuse_closed_door(role, dsn)
    return Dsns(owner_dsn, dsns[BOOKS], dsns[OPS])


async def _make_missing(owner_dsn: str, passwords: Mapping[str, str]) -> None:
    connection = await connect_primary(owner_dsn)
    try:
        for role, password in passwords.items():
            await make_role(connection, role, password)
            await _open_door(connection, role)
    except asyncpg.InsufficientPrivilegeError as refused:
        raise RolesUnavailable(
            f"the owner in COFFER_DATABASE_URL may not create roles: make {BOOKS} and {OPS} with LOGIN,"
            " and give COFFER_BOOKS_URL and COFFER_OPS_URL"
        ) from refused
    finally:
        await connection.close()


async def _open_door(connection: asyncpg.Connection, role: str) -> None:
    database = await connection.fetchval(
        "SELECT quote_ident(current_database()) WHERE NOT has_database_privilege($1, current_database(), 'CONNECT')",
        role,
    )
    if database is not None:
        await connection.execute(f"GRANT CONNECT ON DATABASE {database} TO {role}")


async def _refuse_closed_door(role: str, dsn: str) -> None:
    try:
        connection = await connect_primary(dsn)
    except _LOGIN_REFUSED as refused:
        raise RolesUnavailable(
            f"the role {role} exists with a password that this node does not have: give COFFER_BOOKS_URL and COFFER_OPS_URL"
        ) from refused
    await connection.close()


async def make_role(connection: asyncpg.Connection, role: str, password: str, rights: str = "") -> None:
    """Makes a role that can log in, unless it is there. Two nodes at once are fine."""
    if await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role):
        return
    try:
        await connection.execute(f"CREATE ROLE {role} LOGIN {rights} PASSWORD '{scram_verifier(password)}'")
    except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        return


def with_login(dsn: str, role: str, password: str) -> str:
    """The same server and database with another login."""
    parts = urlsplit(dsn)
    places = parts.netloc.rpartition("@")[2]
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in ("user", "password")]
    netloc = f"{quote(role, safe='')}:{quote(password, safe='')}@{places}"
    return urlunsplit(parts._replace(netloc=netloc, query=urlencode(query, safe="/")))


def in_database(dsn: str, database: str) -> str:
    """The same server and login with another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{quote(database, safe='')}"))


def kept_passwords(path: Path, roles: tuple[str, ...]) -> dict[str, str]:
    """The passwords of these roles, made on first use, durable before anybody uses them, readable by us alone."""
    if not path.exists():
        made = {role: secrets.token_urlsafe(32) for role in roles}
        make_once(path, json.dumps(made).encode())
    passwords = json.loads(path.read_text())
    return {role: str(passwords[role]) for role in roles}


def scram_verifier(password: str) -> str:
    """What PostgreSQL stores of a password (RFC 5802, RFC 7677), so that the password itself is in no statement and no log."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _SCRAM_ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    shown = [base64.b64encode(part).decode("ascii") for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${_SCRAM_ROUNDS}:{shown[0]}${shown[1]}:{shown[2]}"
