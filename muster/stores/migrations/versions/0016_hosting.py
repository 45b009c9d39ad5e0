"""Events: what hosts do, what guests answer, and what is told of it."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0016/."""
    execute(op.get_bind(), "0016")
