"""What a vote that waits for its code is to be cast with, kept beside the code: it may come back by another device."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("email_code", sa.Column("wish", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("email_code") as batch:
        batch.drop_column("wish")
