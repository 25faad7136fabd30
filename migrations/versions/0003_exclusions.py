"""Exclusions: who took a branch out of the figures, or put it back, and why."""

import sqlalchemy as sa
from alembic import op

import quilt.database

revision = "0003"
down_revision = "0002"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# As with the log of decisions: the database itself refuses to change or delete a row. The function that
# PostgreSQL calls came with the first tables.
REFUSALS = {
    "sqlite": [
        f"CREATE TRIGGER exclusion_log_no_{verb.lower()} BEFORE {verb} ON exclusion_log "
        "BEGIN SELECT RAISE(ABORT, 'this log only grows'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        (
            "CREATE TRIGGER exclusion_log_only_grows BEFORE UPDATE OR DELETE ON exclusion_log "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    ],
}


def upgrade() -> None:
    op.create_table(
        "exclusion_log",
        sa.Column("id", ID, nullable=False),
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("arrival_id", ID, nullable=False),
        sa.Column("is_excluded", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("people_count", ID, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("decided_at", quilt.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["user_account.id"], name=op.f("fk_exclusion_log_actor_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id", "arrival_id"],
            ["arrival.entry_id", "arrival.id"],
            name=op.f("fk_exclusion_log_entry_id_arrival_id_arrival"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exclusion_log")),
    )
    op.create_index("ix_exclusion_log_entry_id_id", "exclusion_log", ["entry_id", "id"])
    for refusal in REFUSALS[op.get_bind().dialect.name]:
        op.execute(refusal)


def downgrade() -> None:
    op.drop_table("exclusion_log")
