"""Connections of the Journal: their settings, and what it means when one is lost."""

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from wallet.errors import JournalUnavailable

CONNECT_TRY_S = 10  # one attempt; whoever asks tries again within a limit of its own

# A paused writer must not stop the node: the server ends its transaction and frees the head row.
SESSION = {
    "application_name": "coffer-journal",
    "idle_in_transaction_session_timeout": "10s",
    "lock_timeout": "20s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "default_transaction_isolation": "read committed",
    "synchronous_commit": "on",
    # Every look-up of a batch is by key. Left to itself the planner, whose statistics lag behind a growing day, would sort
    # the whole of it for each batch, and plan anew each time.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
# The line to the server is gone; asyncpg says so in many ways, down to a fault of its own when it goes between two messages.
LINE_LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
)
_BOUNDED = ("idle_in_transaction_session_timeout", "lock_timeout")


async def connect(dsn: str) -> asyncpg.Connection:
    """To the primary: a batch is judged on what is looked up here, and a copy may lag behind.

    Raises one of `LINE_LOST`, a PostgresError, or `JournalUnavailable` where our settings do not arrive: something
    between us and the server (a pooler, say) may drop them, and then a paused writer could hold the head for ever."""
    connection = await asyncpg.connect(
        dsn, server_settings=SESSION, timeout=CONNECT_TRY_S, target_session_attrs=SessionAttribute.primary
    )
    for name in _BOUNDED:
        if await connection.fetchval("SELECT current_setting($1)", name) in {"0", None}:
            connection.terminate()
            raise JournalUnavailable(f"the database connection does not keep {name}: connect without a pooler")
    return connection
