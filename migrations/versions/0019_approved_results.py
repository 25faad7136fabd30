"""A result that is approved, or final, says by whom, since when, and until when appeals are heard."""

from alembic import op

revision = "0019"
down_revision = "0018"

NAME = "ck_result_approved"


def upgrade() -> None:
    with op.batch_alter_table("result") as batch:
        batch.create_check_constraint(
            op.f(NAME),
            "state = 'proposed' or "
            "(approved_by is not null and approved_at is not null and appeals_until is not null)",
        )


def downgrade() -> None:
    with op.batch_alter_table("result") as batch:
        batch.drop_constraint(op.f(NAME), type_="check")
