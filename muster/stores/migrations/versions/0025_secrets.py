"""Secrets: those of webhooks lie sealed, and events have none; what happened to an account is kept for its owner."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0025/."""
    execute(op.get_bind(), "0025")
