"""Presence: what people want seen of them, and when they were last seen."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0011/."""
    execute(op.get_bind(), "0011")
