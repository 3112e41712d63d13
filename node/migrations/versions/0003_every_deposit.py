"""Every deposit exactly once: strays, proposals, what a chain took back."""

from pathlib import Path

import asyncpg
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    if connection is None:
        raise RuntimeError("migrations run on a live connection")

    async def run(driver: asyncpg.Connection) -> None:
        await driver.execute(script)

    connection.run_async(run)
