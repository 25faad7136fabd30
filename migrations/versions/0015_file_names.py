"""Names of files hold the hash of their bytes: a logo's is longer than its column was.

Rows keep the short names that they have. A release that goes back does not know the long ones, nor find their files.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

SHORT, LONG = sa.String(80), sa.String(120)


def upgrade() -> None:
    with op.batch_alter_table("sponsor") as batch:
        batch.alter_column("logo_key", existing_type=SHORT, type_=LONG, existing_nullable=False)


def downgrade() -> None:
    op.execute("UPDATE sponsor SET logo_key = '' WHERE length(logo_key) > 80")
    with op.batch_alter_table("sponsor") as batch:
        batch.alter_column("logo_key", existing_type=LONG, type_=SHORT, existing_nullable=False)
