"""Contacts, privacy, requests and invite links; commit_batch_v2 beside commit_batch_v1."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0002/."""
    execute(op.get_bind(), "0002")
