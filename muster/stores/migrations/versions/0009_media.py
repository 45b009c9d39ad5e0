"""Media: what people upload, what it hangs on, pictures of people and rooms."""

from alembic import op

from muster.stores.migrations.execute import execute

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run muster/stores/schema/0009/."""
    execute(op.get_bind(), "0009")
