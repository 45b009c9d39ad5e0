"""People of an app that has people already, service keys and webhooks."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0007/."""
    execute(op.get_bind(), "0007")
