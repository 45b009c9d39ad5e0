"""Push: the devices that pushes reach, what people want of pushes, and chosen levels."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0012/."""
    execute(op.get_bind(), "0012")
