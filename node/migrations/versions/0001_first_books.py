"""The first books: journal, ledger, rows, rights."""

from node.migrations.script import run_script_of

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script_of(__file__)
