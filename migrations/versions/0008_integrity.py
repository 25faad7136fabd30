"""Integrity: evidence, holds, appeals."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
TABLES = ("vote_check", "blast_notice", "vote_alert", "vote_review", "reviewed_vote", "appeal")
IS_OPEN = sa.text("answered_at IS NULL")
IS_OPEN_ENTRY = sa.text("answered_at IS NULL AND vote_id IS NULL")

# Whoever decided about a vote does not answer the appeal against it.
DECIDED = (
    "SELECT 1 FROM vote_decision d WHERE d.vote_id = NEW.vote_id AND d.actor_id = NEW.actor_id "
    "AND d.actor <> 'appeal'"
)
GUARDS = {
    "sqlite": (
        (
            "CREATE TRIGGER vote_decision_second_person BEFORE INSERT ON vote_decision "
            f"WHEN NEW.actor = 'appeal' AND EXISTS ({DECIDED}) "
            "BEGIN SELECT RAISE(ABORT, 'an appeal is answered by another person'); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE FUNCTION refuse_same_person() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF EXISTS ({DECIDED}) THEN "
            "RAISE EXCEPTION 'an appeal is answered by another person' USING ERRCODE = 'check_violation'; "
            "END IF; RETURN NEW; END $$"
        ),
        (
            "CREATE TRIGGER vote_decision_second_person BEFORE INSERT ON vote_decision "
            "FOR EACH ROW WHEN (NEW.actor = 'appeal') EXECUTE FUNCTION refuse_same_person()"
        ),
    ),
}


def upgrade() -> None:
    _create_checks()
    _create_notices()
    _create_alerts()
    _create_reviews()
    _create_appeals()
    for guard in GUARDS[op.get_bind().dialect.name]:
        op.execute(guard)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER vote_decision_second_person ON vote_decision")
        op.execute("DROP FUNCTION refuse_same_person()")
    else:
        op.execute("DROP TRIGGER vote_decision_second_person")
    for name in reversed(TABLES):
        op.drop_table(name)


def _create_checks() -> None:
    op.create_table(
        "vote_check",
        sa.Column("vote_id", ID, autoincrement=False, nullable=False),
        sa.Column("contest_id", ID, nullable=False),
        sa.Column("mailed_at", TIME, nullable=False),
        sa.Column("answered_at", TIME, nullable=True),
        sa.Column("evidence", sa.LargeBinary(200), nullable=True),
        *_keys("vote_check", ("vote_id",), vote_id="vote", contest_id="contest"),
    )
    op.create_index("ix_vote_check_contest_id", "vote_check", ["contest_id"])


def _create_notices() -> None:
    op.create_table(
        "blast_notice",
        *_ids("id", "contest_id", "entry_id"),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("people_count", sa.Integer(), nullable=False),
        sa.Column("words", sa.String(300), nullable=False),
        sa.Column("author_id", ID, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        *_keys("blast_notice", contest_id="contest", entry_id="entry", author_id="user_account"),
    )
    op.create_index("ix_blast_notice_entry_id_starts_at", "blast_notice", ["entry_id", "starts_at"])


def _create_alerts() -> None:
    op.create_table(
        "vote_alert",
        *_ids("id", "contest_id", "entry_id"),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("votes_count", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Double(), nullable=False),
        sa.Column("chance", sa.Double(), nullable=False),
        sa.Column("rules", sa.String(32), nullable=False),
        sa.Column("raised_at", TIME, nullable=False),
        *_keys("vote_alert", contest_id="contest", entry_id="entry"),
        sa.UniqueConstraint("entry_id", "starts_at", name=op.f("uq_vote_alert_entry_id_starts_at")),
    )
    op.create_index("ix_vote_alert_contest_id_starts_at", "vote_alert", ["contest_id", "starts_at"])


def _create_reviews() -> None:
    op.create_table(
        "vote_review",
        *_ids("id", "contest_id"),
        sa.Column("entry_id", ID, nullable=True),
        sa.Column("after", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("votes_count", sa.Integer(), nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("undoes_id", ID, nullable=True),
        sa.Column("decided_at", TIME, nullable=False),
        *_keys(
            "vote_review", contest_id="contest", entry_id="entry", actor_id="user_account",
            undoes_id="vote_review",
        ),
        sa.UniqueConstraint("undoes_id", name=op.f("uq_vote_review_undoes_id")),
        sa.CheckConstraint("after in ('counted','held','rejected')", name=op.f("ck_vote_review_after")),
        sa.CheckConstraint("votes_count > 0", name=op.f("ck_vote_review_votes_count")),
    )  # fmt: skip
    op.create_index("ix_vote_review_contest_id_id", "vote_review", ["contest_id", "id"])
    op.create_table(
        "reviewed_vote",
        *_ids("review_id", "vote_id"),
        sa.Column("before", sa.String(10), nullable=False),
        *_keys("reviewed_vote", ("review_id", "vote_id"), review_id="vote_review", vote_id="vote"),
    )


def _create_appeals() -> None:
    op.create_table(
        "appeal",
        *_ids("id", "contest_id", "entry_id"),
        sa.Column("vote_id", ID, nullable=True),
        sa.Column("author_id", ID, nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("decided_by_id", ID, nullable=True),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_by_id", ID, nullable=True),
        sa.Column("answered_at", TIME, nullable=True),
        sa.Column("told_at", TIME, nullable=True),
        *_keys(
            "appeal", contest_id="contest", entry_id="entry", vote_id="vote", author_id="user_account",
            decided_by_id="user_account", answered_by_id="user_account",
        ),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (answered_by_id IS NULL) AND (answered_at IS NULL) = (outcome = '')",
            name=op.f("ck_appeal_answer_is_whole"),
        ),
        sa.CheckConstraint("outcome in ('','upheld','dismissed')", name=op.f("ck_appeal_outcome")),
        sa.CheckConstraint(
            "decided_by_id IS NULL OR decided_by_id <> answered_by_id", name=op.f("ck_appeal_second_person")
        ),
    )  # fmt: skip
    op.create_index(
        "uq_appeal_open_vote",
        "appeal",
        ["vote_id"],
        unique=True,
        sqlite_where=IS_OPEN,
        postgresql_where=IS_OPEN,
    )
    op.create_index(
        "uq_appeal_open_entry", "appeal", ["entry_id"], unique=True,
        sqlite_where=IS_OPEN_ENTRY, postgresql_where=IS_OPEN_ENTRY,
    )  # fmt: skip
    op.create_index("ix_appeal_contest_id_answered_at", "appeal", ["contest_id", "answered_at"])


def _ids(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, ID, nullable=False) for name in names]


def _keys(table: str, primary: tuple[str, ...] = ("id",), **references: str) -> list[sa.Constraint]:
    foreign = [
        sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))
        for column, other in references.items()
    ]
    return [*foreign, sa.PrimaryKeyConstraint(*primary, name=op.f(f"pk_{table}"))]
