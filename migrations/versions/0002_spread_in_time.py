"""Spread in time: what the curves and cohorts keep."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "entry_timing",
        sa.Column("entry_id", BIG, nullable=False),
        sa.Column("facet", sa.String(length=32), nullable=False),
        sa.Column("people_count", BIG, nullable=False),
        sa.Column("votes_count", BIG, nullable=False),
        sa.Column("first_at", INSTANT, nullable=True),
        sa.Column("last_at", INSTANT, nullable=True),
        sa.Column("half_life_seconds", sa.Double(), nullable=True),
        sa.Column("interval_seconds", sa.Double(), nullable=True),
        sa.Column("intervals_count", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("last_exclusion_id", BIG, nullable=False),
        sa.Column("refreshed_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_entry_timing_entry_id_entry")),
        sa.PrimaryKeyConstraint("entry_id", "facet", name=op.f("pk_entry_timing")),
    )
    op.create_table(
        "entry_hour",
        sa.Column("entry_id", BIG, nullable=False),
        sa.Column("facet", sa.String(length=32), nullable=False),
        sa.Column("hour", INSTANT, nullable=False),
        sa.Column("people_count", BIG, nullable=False),
        sa.Column("children_count", BIG, nullable=False),
        sa.Column("squares_sum", BIG, nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_entry_hour_entry_id_entry")),
        sa.PrimaryKeyConstraint("entry_id", "facet", "hour", name=op.f("pk_entry_hour")),
    )
    op.create_table(
        "entry_first",
        sa.Column("entry_id", BIG, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("first_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_entry_first_entry_id_entry")),
        sa.PrimaryKeyConstraint("entry_id", "generation", name=op.f("pk_entry_first")),
    )


def downgrade() -> None:
    for table in ("entry_first", "entry_hour", "entry_timing"):
        op.drop_table(table)
