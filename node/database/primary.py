"""Connections to the primary alone. A connection string may name several hosts: the one that takes writes is found."""

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from node.database.settings import UnsafeDatabase


async def connect_primary(dsn: str) -> asyncpg.Connection:
    """Raises `UnsafeDatabase` where only replicas answer: balances are judged on the primary only, a copy may lag behind."""
    try:
        return await asyncpg.connect(dsn, target_session_attrs=SessionAttribute.primary)
    except asyncpg.TargetServerAttributeNotMatched as replica:
        reason = "it is a replica, and balances are judged on the primary only"
        raise UnsafeDatabase("in_recovery", "on", reason) from replica
