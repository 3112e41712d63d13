"""Every deposit exactly once: strays, proposals, what a chain took back."""

from node.migrations.script import run_script_of

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script_of(__file__)
