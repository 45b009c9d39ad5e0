"""What people are owed: up to which entry of a room their phones have rung."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0013/."""
    execute(op.get_bind(), "0013")
