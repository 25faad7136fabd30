"""Votes: recorded first, decided in the open."""

import sqlalchemy as sa
from alembic import op

import quilt.database

revision = "0005"
down_revision = "0004"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATES = "'recorded','counted','held','rejected'"
SLOT_KEY = ("contest_id", "voter_id", "period", "slot")
HAS_SLOT = sa.text("slot IS NOT NULL")
COUNTERS = ("held", "rejected", "withdrawn")

# As with the log of moderation: the database itself refuses to change or delete a decision.
REFUSALS = {
    "sqlite": [
        f"CREATE TRIGGER vote_decision_no_{verb.lower()} BEFORE {verb} ON vote_decision "
        "BEGIN SELECT RAISE(ABORT, 'this log only grows'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        (
            "CREATE TRIGGER vote_decision_only_grows BEFORE UPDATE OR DELETE ON vote_decision "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    ],
}


def upgrade() -> None:
    _add_salts()
    with op.batch_alter_table("entry_tally") as batch:
        batch.alter_column("counted", new_column_name="standing")
        for name in COUNTERS:
            batch.add_column(sa.Column(name, ID, server_default="0", nullable=False))
    _change_states(f"{STATES},'withdrawn'")
    with op.batch_alter_table("vote") as batch:
        batch.drop_constraint(op.f("uq_vote_contest_id_voter_id_period_slot"), type_="unique")
        batch.add_column(sa.Column("evidence", sa.LargeBinary(200), nullable=True))
    op.create_index(
        "uq_vote_contest_id_voter_id_period_slot", "vote", SLOT_KEY, unique=True,
        sqlite_where=HAS_SLOT, postgresql_where=HAS_SLOT,
    )  # fmt: skip
    _create_decisions()
    for refusal in REFUSALS[op.get_bind().dialect.name]:
        op.execute(refusal)


def downgrade() -> None:
    op.drop_table("decision_inbox")
    op.drop_table("vote_decision")
    op.drop_index("uq_vote_contest_id_voter_id_period_slot", "vote")
    op.execute("UPDATE vote SET state = 'rejected' WHERE state = 'withdrawn'")
    with op.batch_alter_table("vote") as batch:
        batch.drop_column("evidence")
        batch.create_unique_constraint(op.f("uq_vote_contest_id_voter_id_period_slot"), SLOT_KEY)
    _change_states(STATES)
    with op.batch_alter_table("entry_tally") as batch:
        for name in COUNTERS:
            batch.drop_column(name)
        batch.alter_column("standing", new_column_name="counted")
    op.drop_column("contest", "voter_salt")


def _add_salts() -> None:
    """Contests that are there keep the keys under which their voters are known: the salt is what made them."""
    op.add_column("contest", sa.Column("voter_salt", sa.LargeBinary(40), server_default="", nullable=False))
    contests = sa.table("contest", sa.column("id"), sa.column("voter_salt", sa.LargeBinary))
    bind = op.get_bind()
    for number in bind.scalars(sa.select(contests.c.id)).all():
        salt = f"voter key of contest {number}".encode()
        bind.execute(sa.update(contests).where(contests.c.id == number).values(voter_salt=salt))


def _change_states(states: str) -> None:
    with op.batch_alter_table("vote", recreate="auto") as batch:
        batch.drop_constraint(op.f("ck_vote_state"), type_="check")
        batch.create_check_constraint(op.f("ck_vote_state"), f"state in ({states})")


def _create_decisions() -> None:
    op.create_table(
        "vote_decision",
        sa.Column("id", ID, nullable=False),
        sa.Column("contest_id", ID, nullable=False),
        sa.Column("vote_id", ID, nullable=False),
        sa.Column("before", sa.String(length=10), nullable=False),
        sa.Column("after", sa.String(length=10), nullable=False),
        sa.Column("actor", sa.String(length=10), nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("rules", sa.String(length=32), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("decided_at", quilt.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["user_account.id"], name=op.f("fk_vote_decision_actor_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["contest_id"], ["contest.id"], name=op.f("fk_vote_decision_contest_id_contest")
        ),
        sa.ForeignKeyConstraint(["vote_id"], ["vote.id"], name=op.f("fk_vote_decision_vote_id_vote")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vote_decision")),
    )
    op.create_index("ix_vote_decision_vote_id", "vote_decision", ["vote_id"])
    op.create_table(
        "decision_inbox",
        sa.Column("decision_id", ID, nullable=False),
        sa.Column("contest_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["vote_decision.id"], name=op.f("fk_decision_inbox_decision_id_vote_decision")
        ),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_decision_inbox")),
    )
    op.create_index("ix_decision_inbox_contest_id", "decision_inbox", ["contest_id"])
