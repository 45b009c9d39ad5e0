"""What phones show: up to which entry of a room an alert was accepted that nobody has read yet."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0014/."""
    execute(op.get_bind(), "0014")
