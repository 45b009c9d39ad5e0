"""Addresses of people, mails to them, and logging in by other services."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0022/."""
    execute(op.get_bind(), "0022")
