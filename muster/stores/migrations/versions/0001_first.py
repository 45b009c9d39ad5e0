"""The first schema."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0001/."""
    execute(op.get_bind(), "0001")
