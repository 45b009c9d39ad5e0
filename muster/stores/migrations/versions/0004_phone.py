"""Drafts, threads, mentions by handle, notices."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0004/."""
    execute(op.get_bind(), "0004")
