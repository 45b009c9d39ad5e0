"""Polls and link previews; commit_batch_v3 beside commit_batch_v2."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0006/."""
    execute(op.get_bind(), "0006")
