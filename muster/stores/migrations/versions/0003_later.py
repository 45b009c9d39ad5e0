"""Timers, pins and search."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0003/."""
    execute(op.get_bind(), "0003")
