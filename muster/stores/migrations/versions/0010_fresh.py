"""Batches of fresh messages are committed the short way."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0010/."""
    execute(op.get_bind(), "0010")
