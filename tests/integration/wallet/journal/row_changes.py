"""A recorder below everything: triggers that note each change of each row, and what of it the journal does not tell of."""

from collections import Counter
from typing import Any

import asyncpg

from wallet.journal.body import decode_body
from wallet.schema import ROWS

BOOKS = ("accounts", "holds", "journal_head", "transfers", "journal_batches", "journal_viewers", "vault_items")
_RECORDER = """
CREATE TABLE row_changes (
    id bigserial PRIMARY KEY, xid bigint, place text, verb text, row_id text, version int, seq bigint
);
CREATE FUNCTION record_row_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE found jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
BEGIN
    INSERT INTO row_changes (xid, place, verb, row_id, version, seq)
    VALUES (txid_current(), TG_ARGV[0], lower(TG_OP), found ->> 'id', (found ->> 'version')::int, (found ->> 'seq')::bigint);
    RETURN NULL;
END $$;
"""


async def record_row_changes(owner: asyncpg.Connection) -> None:
    """From now on every insert, update and delete of the books is noted, whoever does it."""
    await owner.execute(_RECORDER)
    for table in ("journal", *BOOKS, *ROWS):
        columns = " OF seq, hash, at" if table == "journal_head" else ""  # its fence says nothing about the books
        await owner.execute(
            f"CREATE TRIGGER zz_recorded AFTER INSERT OR UPDATE{columns} OR DELETE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION record_row_change('{table}')"
        )


async def untold(owner: asyncpg.Connection, after: int) -> list[str]:
    """Since that row: what was done to the books that no journal row tells of, and what the journal tells that was not done."""
    found = await owner.fetch("SELECT seq, body FROM journal WHERE seq > $1", after)
    bodies = [(row["seq"], decode_body(bytes(row["body"]))) for row in found]
    done = await owner.fetch("SELECT * FROM row_changes ORDER BY id")
    rows = Counter((c["place"], c["verb"], c["row_id"], c["version"]) for c in done if c["place"] in ROWS)
    told_rows = Counter(
        (table, verb, row["id"], row["version"]) for _, body in bodies for verb, table, row in body["writes"]
    )
    transfers = Counter(c["seq"] for c in done if c["place"] == "transfers" and c["verb"] == "insert")
    told_transfers = Counter({seq: len(body["entry"]) for seq, body in bodies if body["entry"]})
    items = Counter(c["row_id"] for c in done if c["place"] == "vault_items" and c["verb"] == "insert")
    told_items = Counter(item[0] for _, body in bodies for item in body["vault"])
    complaints = [
        *_differences("row", rows, told_rows),
        *_differences("transfer", transfers, told_transfers),
        *_differences("vault item", items, told_items),
    ]
    journalled = {c["xid"] for c in done if c["place"] == "journal"}
    complaints += [
        f"{c['place']} {c['row_id']}: {c['verb']} in a transaction without a journal row"
        for c in done
        if c["xid"] not in journalled and not (c["place"] == "vault_items" and c["verb"] == "update")  # an erasure
    ]
    return complaints


def _differences(what: str, done: Counter[Any], told: Counter[Any]) -> list[str]:
    unknown, missing = done - told, told - done
    return [
        *(f"{what} {key}: done, and not told" for key in unknown),
        *(f"{what} {key}: told, and not done" for key in missing),
    ]
