"""Receipts, platforms, placed holds, settlements, reversals, observed balances, archives."""

from node.migrations.script import run_script_of

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script_of(__file__)
