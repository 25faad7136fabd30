"""Judges and results."""

import sqlalchemy as sa
from alembic import op

import quilt.database

revision = "0009"
down_revision = "0008"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = quilt.database.UtcDateTime(timezone=True)

# As with the log of moderation: the database itself refuses to change or delete a step of a prize, or a trial.
LOGS = ("prize_step", "gate_run")
REFUSALS = {
    "sqlite": [
        f"CREATE TRIGGER {log}_no_{verb.lower()} BEFORE {verb} ON {log} "
        "BEGIN SELECT RAISE(ABORT, 'this log only grows'); END"
        for log in LOGS
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        f"CREATE TRIGGER {log}_only_grows BEFORE UPDATE OR DELETE ON {log} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        for log in LOGS
    ],
}


def upgrade() -> None:
    _create_panel()
    _create_scores()
    _create_results()
    _create_prizes()
    for refusal in REFUSALS[op.get_bind().dialect.name]:
        op.execute(refusal)


def downgrade() -> None:
    for table in (
        "prize_step",
        "prize",
        "result",
        "gate_request",
        "gate_run",
        "entry_points",
        "sealed_panel",
        "judge_score",
        "judge_conflict",
        "criterion",
        "judge",
    ):
        op.drop_table(table)


def _create_panel() -> None:
    op.create_table(
        "judge",
        sa.Column("contest_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("invited_at", INSTANT, nullable=False),
        sa.Column("reminded_at", INSTANT, nullable=True),
        sa.Column("left_at", INSTANT, nullable=True),
        _key("judge", "contest_id", "contest"),
        _key("judge", "user_id", "user_account"),
        sa.PrimaryKeyConstraint("contest_id", "user_id", name=op.f("pk_judge")),
    )
    op.create_table(
        "criterion",
        sa.Column("id", ID, nullable=False),
        sa.Column("contest_id", ID, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("hint", sa.String(length=200), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint("weight between 1 and 100", name=op.f("ck_criterion_weight")),
        _key("criterion", "contest_id", "contest"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_criterion")),
        sa.UniqueConstraint("contest_id", "name", name=op.f("uq_criterion_contest_id_name")),
    )
    op.create_index("ix_criterion_contest_id", "criterion", ["contest_id"])
    op.create_table(
        "sealed_panel",
        sa.Column("contest_id", ID, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("sealed_at", INSTANT, nullable=False),
        _key("sealed_panel", "contest_id", "contest"),
        _key("sealed_panel", "actor_id", "user_account"),
        sa.PrimaryKeyConstraint("contest_id", name=op.f("pk_sealed_panel")),
    )


def _create_scores() -> None:
    op.create_table(
        "judge_conflict",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("declared_at", INSTANT, nullable=False),
        _key("judge_conflict", "user_id", "user_account"),
        _key("judge_conflict", "entry_id", "entry"),
        sa.PrimaryKeyConstraint("user_id", "entry_id", name=op.f("pk_judge_conflict")),
    )
    op.create_table(
        "judge_score",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("criterion_id", ID, nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("scored_at", INSTANT, nullable=False),
        sa.CheckConstraint("points between 0 and 10", name=op.f("ck_judge_score_points")),
        _key("judge_score", "user_id", "user_account"),
        _key("judge_score", "entry_id", "entry"),
        _key("judge_score", "criterion_id", "criterion"),
        sa.PrimaryKeyConstraint("user_id", "entry_id", "criterion_id", name=op.f("pk_judge_score")),
    )
    op.create_table(
        "entry_points",
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("contest_id", ID, nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        _key("entry_points", "entry_id", "entry"),
        _key("entry_points", "contest_id", "contest"),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_entry_points")),
    )
    op.create_index("ix_entry_points_contest_id", "entry_points", ["contest_id"])


def _create_results() -> None:
    op.create_table(
        "gate_run",
        sa.Column("id", ID, nullable=False),
        sa.Column("contest_id", ID, nullable=False),
        sa.Column("is_passed", sa.Boolean(), nullable=False),
        sa.Column("checks", sa.Text(), nullable=False),
        sa.Column("places", sa.Text(), nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("run_at", INSTANT, nullable=False),
        _key("gate_run", "contest_id", "contest"),
        _key("gate_run", "actor_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate_run")),
    )
    op.create_index("ix_gate_run_contest_id", "gate_run", ["contest_id"])
    op.create_table(
        "gate_request",
        sa.Column("contest_id", ID, nullable=False),
        sa.Column("action", sa.String(length=8), nullable=False),
        sa.Column("value", sa.String(length=256), nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("begun_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("is_fine", sa.Boolean(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.CheckConstraint("action in ('try','propose','approve')", name=op.f("ck_gate_request_action")),
        _key("gate_request", "contest_id", "contest"),
        _key("gate_request", "actor_id", "user_account"),
        sa.PrimaryKeyConstraint("contest_id", name=op.f("pk_gate_request")),
    )
    op.create_table(
        "result",
        sa.Column("contest_id", ID, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("size", ID, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("places", sa.Text(), nullable=False),
        sa.Column("draw_value", sa.String(length=256), nullable=False),
        sa.Column("proposed_by", ID, nullable=False),
        sa.Column("proposed_at", INSTANT, nullable=False),
        sa.Column("approved_by", ID, nullable=True),
        sa.Column("approved_at", INSTANT, nullable=True),
        sa.Column("appeals_until", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "approved_by is null or approved_by != proposed_by", name=op.f("ck_result_two_people")
        ),
        sa.CheckConstraint("state in ('proposed','approved','final')", name=op.f("ck_result_state")),
        _key("result", "contest_id", "contest"),
        _key("result", "proposed_by", "user_account"),
        _key("result", "approved_by", "user_account"),
        sa.PrimaryKeyConstraint("contest_id", name=op.f("pk_result")),
    )


def _create_prizes() -> None:
    op.create_table(
        "prize",
        sa.Column("contest_id", ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.CheckConstraint("state in ('promised','verified','paid','told')", name=op.f("ck_prize_state")),
        _key("prize", "contest_id", "contest"),
        _key("prize", "entry_id", "entry"),
        sa.PrimaryKeyConstraint("contest_id", "place", name=op.f("pk_prize")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_prize_entry_id")),
    )
    op.create_table(
        "prize_step",
        sa.Column("id", ID, nullable=False),
        sa.Column("contest_id", ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        _key("prize_step", "contest_id", "contest"),
        _key("prize_step", "entry_id", "entry"),
        _key("prize_step", "actor_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prize_step")),
    )
    op.create_index("ix_prize_step_contest_id", "prize_step", ["contest_id"])


def _key(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))
