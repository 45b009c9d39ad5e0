"""Words are sorted into the search index aside."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0005/."""
    execute(op.get_bind(), "0005")
