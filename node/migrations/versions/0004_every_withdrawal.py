"""Every withdrawal at most once: what replaces a submission, who may withdraw how much to where, who approves it."""

from node.migrations.script import run_script_of

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script_of(__file__)
