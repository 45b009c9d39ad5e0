"""Sealed fields: data keys, and push tokens under them."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0020/."""
    execute(op.get_bind(), "0020")
