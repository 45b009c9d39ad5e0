"""Which visits others may be told of, and that a new fence needs a new word of those it judges."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0019/."""
    execute(op.get_bind(), "0019")
