"""Events: finding them, what they tell in notices and pushes, and calendars."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0018/."""
    execute(op.get_bind(), "0018")
