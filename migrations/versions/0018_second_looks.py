"""Who decided about one of the votes in question answers no appeal, whoever decided about them since; a review knows
its own decisions."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CHECK = "ck_appeal_second_person"
KEY = "fk_appeal_decided_by_id_user_account"
DECISION = "fk_reviewed_vote_decision_id_vote_decision"
DECIDED = (
    "SELECT 1 FROM vote v JOIN vote_decision d ON d.vote_id = v.id "
    "WHERE d.actor_id = NEW.answered_by_id AND d.actor <> 'appeal' AND v.entry_id = NEW.entry_id "
    "AND (v.id = NEW.vote_id OR NEW.vote_id IS NULL AND v.state IN ('held','rejected'))"
)
GUARDS = {
    "sqlite": (
        (
            "CREATE TRIGGER appeal_second_person BEFORE UPDATE OF answered_by_id ON appeal "
            f"WHEN EXISTS ({DECIDED}) "
            "BEGIN SELECT RAISE(ABORT, 'an appeal is answered by another person'); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE FUNCTION refuse_own_answer() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF EXISTS ({DECIDED}) THEN "
            "RAISE EXCEPTION 'an appeal is answered by another person' USING ERRCODE = 'check_violation'; "
            "END IF; RETURN NEW; END $$"
        ),
        (
            "CREATE TRIGGER appeal_second_person BEFORE UPDATE OF answered_by_id ON appeal "
            "FOR EACH ROW WHEN (NEW.answered_by_id IS NOT NULL) EXECUTE FUNCTION refuse_own_answer()"
        ),
    ),
}


# A review that decided nothing about a vote, for another was quicker, has not reviewed it.
OWN_DECISION = (
    "UPDATE reviewed_vote SET decision_id = (SELECT max(d.id) FROM vote_decision d JOIN vote_review r "
    "ON r.id = reviewed_vote.review_id WHERE d.vote_id = reviewed_vote.vote_id AND d.actor = 'reviewer' "
    "AND d.actor_id = r.actor_id AND d.after = r.after AND d.decided_at = r.decided_at)"
)
WITHOUT = "DELETE FROM reviewed_vote WHERE decision_id IS NULL"
STATE_BEFORE = (
    "UPDATE reviewed_vote SET before = "
    "(SELECT d.before FROM vote_decision d WHERE d.id = reviewed_vote.decision_id)"
)
ONE_UNDO = (
    "UPDATE vote_review SET undoes_id = NULL WHERE EXISTS "
    "(SELECT 1 FROM vote_review u WHERE u.undoes_id = vote_review.undoes_id AND u.id < vote_review.id)"
)


def upgrade() -> None:
    _upgrade_appeals()
    _upgrade_reviews()


def downgrade() -> None:
    _downgrade_reviews()
    _downgrade_appeals()


def _upgrade_appeals() -> None:
    with op.batch_alter_table("appeal") as batch:
        batch.drop_constraint(op.f(CHECK), type_="check")
        batch.drop_constraint(op.f(KEY), type_="foreignkey")
        batch.drop_column("decided_by_id")
        batch.create_check_constraint(op.f(CHECK), "author_id IS NULL OR author_id <> answered_by_id")
    for guard in GUARDS[op.get_bind().dialect.name]:
        op.execute(guard)


def _downgrade_appeals() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER appeal_second_person ON appeal")
        op.execute("DROP FUNCTION refuse_own_answer()")
    else:
        op.execute("DROP TRIGGER appeal_second_person")
    with op.batch_alter_table("appeal") as batch:
        batch.drop_constraint(op.f(CHECK), type_="check")
        batch.add_column(sa.Column("decided_by_id", ID, nullable=True))
        batch.create_foreign_key(op.f(KEY), "user_account", ["decided_by_id"], ["id"])
        batch.create_check_constraint(op.f(CHECK), "decided_by_id IS NULL OR decided_by_id <> answered_by_id")


def _upgrade_reviews() -> None:
    op.add_column("reviewed_vote", sa.Column("decision_id", ID, nullable=True))
    op.execute(OWN_DECISION)
    op.execute(WITHOUT)
    with op.batch_alter_table("reviewed_vote") as batch:
        batch.drop_column("before")
        batch.alter_column("decision_id", existing_type=ID, nullable=False)
        batch.create_foreign_key(op.f(DECISION), "vote_decision", ["decision_id"], ["id"])
    with op.batch_alter_table("vote_review") as batch:
        batch.drop_constraint(op.f("uq_vote_review_undoes_id"), type_="unique")
        batch.create_unique_constraint(op.f("uq_vote_review_undoes_id_after"), ["undoes_id", "after"])


def _downgrade_reviews() -> None:
    op.execute(ONE_UNDO)
    with op.batch_alter_table("vote_review") as batch:
        batch.drop_constraint(op.f("uq_vote_review_undoes_id_after"), type_="unique")
        batch.create_unique_constraint(op.f("uq_vote_review_undoes_id"), ["undoes_id"])
    op.add_column("reviewed_vote", sa.Column("before", sa.String(10), nullable=True))
    op.execute(STATE_BEFORE)
    with op.batch_alter_table("reviewed_vote") as batch:
        batch.drop_constraint(op.f(DECISION), type_="foreignkey")
        batch.drop_column("decision_id")
        batch.alter_column("before", existing_type=sa.String(10), nullable=False)
