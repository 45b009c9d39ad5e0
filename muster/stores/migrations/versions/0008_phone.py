"""Drafts, threads, mentions by handle, notices."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0008/."""
    execute(op.get_bind(), "0008")
