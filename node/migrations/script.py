"""Schema is SQL: each revision runs the script that stands beside it under its own name."""

from pathlib import Path

import asyncpg
from alembic import op


def run_script_of(revision: str) -> None:
    """`revision` is the revision's own `__file__`. All of the script, within the migration's transaction."""
    script = Path(revision).with_suffix(".sql").read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    if connection is None:
        raise RuntimeError("migrations run on a live connection")

    async def run(driver: asyncpg.Connection) -> None:
        await driver.execute(script)

    connection.run_async(run)
