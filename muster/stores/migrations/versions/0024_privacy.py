"""Privacy: what people consent to, copies of what is kept of them, erasure, and how long things stay."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0024/."""
    execute(op.get_bind(), "0024")
