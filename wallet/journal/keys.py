"""The public keys that may sign batches: rows of the books, so that `verify` knows whose signature counts."""

from sqlalchemy import select

from wallet import schema
from wallet.context import ACTOR_NODE, Context
from wallet.errors import AlreadyExists
from wallet.journal.change import Change, EventKind, Insert


async def list_journal_key(context: Context, key: str) -> None:
    """Put this process's key on record if it is not there. Repeatable."""
    table = schema.journal_keys
    if await context.one(select(table.c.id).where(table.c.id == key)) is not None:
        return
    row = {"id": key, "created_at": context.clock.now()}
    change = Change(
        ACTOR_NODE,
        EventKind.JOURNAL_KEY_LISTED,
        {"key": key},
        writes=(Insert("journal_keys", row),),
        result={"key": key},
    )
    try:
        await context.journal.commit(change)
    except AlreadyExists:
        return
