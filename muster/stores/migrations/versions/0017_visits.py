"""Visits: edges as ops on self logs, and a job for whoever is still there when an event is over or its fence moves."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0017/."""
    execute(op.get_bind(), "0017")
