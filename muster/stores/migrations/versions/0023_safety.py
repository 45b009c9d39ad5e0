"""Safety: silence, slow mode, bans from rooms, the queue of reports, the audit, and what people agreed to."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0023/."""
    execute(op.get_bind(), "0023")
