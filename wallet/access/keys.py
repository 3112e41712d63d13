"""API keys: made once, shown once, hashed at rest, scoped, revocable at once.

A secret is 256 bits from the operating system behind a prefix that leak scanners can look for. A single SHA-256 is
enough to store it: there is nothing to guess.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select

from wallet import schema
from wallet.context import Context
from wallet.errors import AlreadyExists, HandleTaken, NotAllowed, NotFound
from wallet.ids import ApiKeyId, OperatorId
from wallet.journal.body import time_text
from wallet.journal.change import Change, Committed, EventKind, Insert, Request, Requirement, Update

SECRET_PREFIX = "coffer_"  # noqa: S105 (a prefix, not a secret)
_SECRET = re.compile(r"coffer_[A-Za-z0-9_-]{43}", re.ASCII)
LABEL_MAX = 60


class Scope(StrEnum):
    READ = "read"  # balances, history, addresses, deposits, withdrawals, events of its owner
    RECEIVE = "receive"  # have deposit addresses made
    PAY = "pay"  # send payments inside the ledger
    WITHDRAW = "withdraw"  # send money out
    PLATFORM = "platform"  # act for customers of its own; only operators give it
    KEYS = "keys"  # make and revoke the owner's keys, never with more scopes than its own
    OPERATE = "operate"  # operators: create customers and their keys
    OPERATE_READ = "operate_read"  # operators: see every customer's balances and deposits


CUSTOMER_SCOPES = frozenset({Scope.READ, Scope.RECEIVE, Scope.PAY, Scope.WITHDRAW, Scope.KEYS})
GRANTED_SCOPES = frozenset({Scope.PLATFORM})  # what a customer has only if an operator gives it
OPERATOR_SCOPES = frozenset({Scope.OPERATE, Scope.OPERATE_READ})


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: the key, whose it is, what it may do, and the version of its row that says so."""

    key: ApiKeyId
    owner: str
    scopes: frozenset[Scope]
    version: int

    @property
    def is_operator(self) -> bool:
        return self.owner.startswith("opr_")

    @property
    def is_platform(self) -> bool:
        return Scope.PLATFORM in self.scopes

    @property
    def sees_all(self) -> bool:
        """Operators, and platforms about their own customers: they are told of both sides of a transfer."""
        return self.is_operator or self.is_platform

    @property
    def standing(self) -> Requirement:
        """What a Change requires so that the Journal judges, under the head lock, whether the key still stands."""
        return Requirement("api_keys", self.key, self.version)


def hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


async def create_operator(context: Context, actor: str, handle: str) -> Committed:
    """Raises `HandleTaken`."""
    operator, now = OperatorId(context.new_id("opr")), context.clock.now()
    view = {"id": operator, "handle": handle, "created_at": time_text(now)}
    row = {"id": operator, "handle": handle, "created_at": now}
    change = Change(actor, EventKind.OPERATOR_CREATED, view, writes=(Insert("operators", row),), result=view)
    try:
        return await context.journal.commit(change)
    except AlreadyExists:
        raise HandleTaken(handle) from None


async def create_key(
    context: Context,
    actor: str,
    owner: str,
    scopes: frozenset[Scope],
    label: str,
    request: Request | None = None,
) -> tuple[Committed, str | None]:
    """A new key and its secret. A replayed request returns the key without the secret, which is nowhere stored."""
    allowed = OPERATOR_SCOPES if owner.startswith("opr_") else CUSTOMER_SCOPES | GRANTED_SCOPES
    if not scopes or not scopes <= allowed:
        raise NotAllowed(f"scopes for this owner are: {', '.join(sorted(allowed))}")
    secret = SECRET_PREFIX + secrets.token_urlsafe(32)
    key, now = ApiKeyId(context.new_id("key")), context.clock.now()
    view = {
        "id": key,
        "owner": owner,
        "scopes": sorted(scopes),
        "label": label[:LABEL_MAX],
        "created_at": time_text(now),
        "revoked_at": None,
    }
    row = {**view, "hash": hash_secret(secret), "scopes": tuple(sorted(scopes)), "created_at": now, "made_by": actor}
    change = Change(
        actor,
        EventKind.API_KEY_CREATED,
        view,
        writes=(Insert("api_keys", row),),
        viewers=(owner,),
        request=request,
        result=view,
    )
    committed = await context.journal.commit(change)
    return committed, None if committed.replayed else secret


async def revoke_key(context: Context, actor: str, owner: str, key: str) -> Committed:
    """From the commit on nobody gets in with it. Revoking again changes nothing. Raises `NotFound`."""
    table = schema.api_keys
    row = await context.one(select(table).where(table.c.id == key, table.c.owner == owner))
    if row is None:
        raise NotFound("API key", key)
    now = context.clock.now()
    view = {"id": key, "owner": owner, "revoked_at": time_text(row["revoked_at"] or now)}
    if row["revoked_at"] is not None:
        return Committed(0, row["revoked_at"], view, replayed=True)
    update = Update("api_keys", key, row["version"], {"revoked_at": now})
    change = Change(actor, EventKind.API_KEY_REVOKED, view, writes=(update,), viewers=(owner,), result=view)
    return await context.journal.commit(change)


async def authenticate(context: Context, secret: str) -> Principal | None:
    """Whose key this is, or None. Looked up each time, so that a revocation holds at once everywhere."""
    if not _SECRET.fullmatch(secret):
        return None
    hashed = hash_secret(secret)
    row = await context.named(schema.api_keys.c.hash, hashed)
    if row is None or row["revoked_at"] is not None:
        context.recent.drop("api_keys", hashed)
        return None
    scopes = frozenset(Scope(name) for name in row["scopes"])
    principal = Principal(ApiKeyId(row["id"]), row["owner"], scopes, row["version"])
    context.recent.keep("api_keys", hashed, {"principal": principal})
    return principal


def recognise(context: Context, secret: str) -> Principal | None:
    """Whose key this was when this process last looked it up; None if it has not. Revoked meanwhile, it opens nothing: the
    caller's Change must require `Principal.standing`, and whatever comes of it otherwise is told only after
    `authenticate` said yes."""
    if not _SECRET.fullmatch(secret):
        return None
    known = context.recent.get("api_keys", hash_secret(secret))
    return None if known is None else known["principal"]
