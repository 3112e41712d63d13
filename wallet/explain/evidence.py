"""What on a network proves a deposit or a submission: a tx in a block, or a line in an accepted bank statement."""

from dataclasses import dataclass

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record


@dataclass(frozen=True, slots=True)
class Evidence:
    """`statement` and `digest` name a bank's statement and the file that it came in; on a chain they are None. Without a
    height no block or statement shows it yet."""

    network: str
    tx: str | None
    height: int | None
    block: str | None
    statement: str | None = None
    digest: str | None = None


async def evidence_of(context: Context, row: Record) -> Evidence:
    """Of a deposit's or a submission's row."""
    table = schema.statements
    wanted = select(table).where(table.c.network == row["network"], table.c.height == row["height"])
    statement = None if row["height"] is None else await context.one(wanted)
    return Evidence(
        network=row["network"],
        tx=row.get("mined") or row["tx"],  # of a submission with replacements, the one that a block shows
        height=row["height"],
        block=row["block"],
        statement=statement["id"] if statement else None,
        digest=statement["digest"] if statement else None,
    )
