"""Second factors, logins in two steps, service keys that sign."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0021/."""
    execute(op.get_bind(), "0021")
