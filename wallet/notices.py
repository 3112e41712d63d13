"""One line for operators about something that needs their eye: a bank file refused, a break, a payment that cannot go on by
itself. Operational state: what is lost of it is written again by the next look."""

import hashlib

from sqlalchemy import desc, select
from sqlalchemy.dialects.postgresql import insert

from wallet.context import Context, Record
from wallet.schema import notices

SHOWN_MAX = 20


async def tell(context: Context, source: str, subject: str, state: str, reason: str) -> None:
    """The same subject has one line: its newest state."""
    values = {
        "id": _row_id(source, subject),
        "source": source,
        "subject": subject,
        "state": state,
        "reason": reason,
        "at": context.clock.now(),
    }
    async with context.ops.begin() as connection:
        await connection.execute(
            insert(notices).values(values).on_conflict_do_update(index_elements=["id"], set_=values)
        )


async def read_notice(context: Context, source: str, subject: str) -> Record | None:
    return await context.one(select(notices).where(notices.c.id == _row_id(source, subject)))


async def latest_notices(context: Context) -> list[Record]:
    return await context.all(select(notices).order_by(desc(notices.c.at)).limit(SHOWN_MAX))


def _row_id(source: str, subject: str) -> str:
    return hashlib.sha256(f"{source}\0{subject}".encode()).hexdigest()[:32]
