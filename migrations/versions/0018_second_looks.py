"""Who decided about one of the votes in question answers no appeal, whoever decided about them since."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

CHECK = "ck_appeal_second_person"
KEY = "fk_appeal_decided_by_id_user_account"
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


def upgrade() -> None:
    with op.batch_alter_table("appeal") as batch:
        batch.drop_constraint(op.f(CHECK), type_="check")
        batch.drop_constraint(op.f(KEY), type_="foreignkey")
        batch.drop_column("decided_by_id")
        batch.create_check_constraint(op.f(CHECK), "author_id IS NULL OR author_id <> answered_by_id")
    for guard in GUARDS[op.get_bind().dialect.name]:
        op.execute(guard)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER appeal_second_person ON appeal")
        op.execute("DROP FUNCTION refuse_own_answer()")
    else:
        op.execute("DROP TRIGGER appeal_second_person")
    with op.batch_alter_table("appeal") as batch:
        batch.drop_constraint(op.f(CHECK), type_="check")
        batch.add_column(sa.Column("decided_by_id", sa.BigInteger(), nullable=True))
        batch.create_foreign_key(op.f(KEY), "user_account", ["decided_by_id"], ["id"])
        batch.create_check_constraint(op.f(CHECK), "decided_by_id IS NULL OR decided_by_id <> answered_by_id")
