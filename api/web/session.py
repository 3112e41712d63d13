"""Sessions of the page: an API key is exchanged for a sealed cookie, so that the secret leaves the address bar and stays
nowhere in the browser. The cookie is good for reading this page, for half a day, and only while the key is not revoked.
"""

import json
from datetime import datetime

from sqlalchemy import select

from api.cursors import open_text, seal_text
from api.settings import ApiSettings
from wallet import schema
from wallet.access.keys import Principal, Scope, authenticate
from wallet.context import Context, Record
from wallet.ids import ApiKeyId

COOKIE = "coffer_live"
SESSION_S = 12 * 60 * 60  # a working day; then the link is opened again
_PURPOSE = "live-session"
_READERS = frozenset({Scope.READ, Scope.OPERATE_READ})


async def admit_secret(context: Context, secret: str) -> Principal | None:
    """Whose page a secret opens: that of a key which may read."""
    principal = await authenticate(context, secret)
    return principal if principal is not None and principal.scopes & _READERS else None


def seal_session(settings: ApiSettings, principal: Principal, now: datetime) -> str:
    clear = json.dumps([principal.key, int(now.timestamp()) + SESSION_S]).encode()
    return seal_text(settings, _PURPOSE, "", clear)


async def admit_session(context: Context, settings: ApiSettings, cookie: str | None) -> Principal | None:
    """The principal behind a cookie, looked up each time: a revocation ends the session at once."""
    clear = open_text(settings, _PURPOSE, "", cookie or "")
    if clear is None:
        return None
    key, until = json.loads(clear)
    if context.clock.now().timestamp() > until:
        return None
    table = schema.api_keys
    row = await context.one(select(table).where(table.c.id == key, table.c.revoked_at.is_(None)))
    return None if row is None else _principal(row)


def _principal(row: Record) -> Principal | None:
    scopes = frozenset(Scope(name) for name in row["scopes"])
    return Principal(ApiKeyId(row["id"]), row["owner"], scopes, row["version"]) if scopes & _READERS else None
