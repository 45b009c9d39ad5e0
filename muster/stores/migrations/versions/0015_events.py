"""Events: tables of events, rosters, leave and visits; nothing writes them before 0016."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0015/."""
    execute(op.get_bind(), "0015")
