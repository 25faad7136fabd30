"""Branches: milestones told once, letters that can be switched off, and names shown by wish."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

CHOICES = (("has_branch_letters", sa.true()), ("is_named_spreader", sa.false()))


def upgrade() -> None:
    big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    for name, default in CHOICES:
        op.add_column("user_account", sa.Column(name, sa.Boolean(), server_default=default, nullable=False))
    op.add_column("mail_message", sa.Column("off_url", sa.String(500), server_default="", nullable=False))
    op.create_table(
        "branch_milestone",
        sa.Column("entry_id", big_id, nullable=False),
        sa.Column("user_id", big_id, nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_branch_milestone_entry_id_entry")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_branch_milestone_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("entry_id", "user_id", "people", name=op.f("pk_branch_milestone")),
    )
    op.create_table(
        "branch_check",
        sa.Column("entry_id", big_id, nullable=False),
        sa.Column("spread_version", big_id, nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_branch_check_entry_id_entry")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_branch_check")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE arrival_stat SET (fillfactor = 50)")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE arrival_stat RESET (fillfactor)")
    op.drop_table("branch_check")
    op.drop_table("branch_milestone")
    op.drop_column("mail_message", "off_url")
    for name, _ in reversed(CHOICES):
        op.drop_column("user_account", name)
