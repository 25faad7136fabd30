"""The salt of a contest's keys: fixed with the rest when voting opens, emptied once its result is final, never filled."""

from alembic import op

revision = "0020"
down_revision = "0019"

FROZEN = ("slug", "time_zone", "rules_text", "rules_version", "policy_json", "frozen_at")
IS_FINAL = "EXISTS (SELECT 1 FROM settlement WHERE contest_id = OLD.id AND settled_at IS NOT NULL)"
SALT = f" OR (OLD.voter_salt <> NEW.voter_salt AND NOT (length(NEW.voter_salt) = 0 AND {IS_FINAL}))"


def upgrade() -> None:
    _put(SALT)


def downgrade() -> None:
    _put("")


def _put(more: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_refuse_on_postgresql(more))
    else:
        op.execute("DROP TRIGGER contest_frozen")
        op.execute(_refuse_on_sqlite(more))


def _refuse_on_sqlite(more: str) -> str:
    differs = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in FROZEN)
    return (
        f"CREATE TRIGGER contest_frozen BEFORE UPDATE ON contest WHEN OLD.frozen_at IS NOT NULL AND ({differs}{more}) "
        "BEGIN SELECT RAISE(ABORT, 'this contest is frozen'); END"
    )


def _refuse_on_postgresql(more: str) -> str:
    old, new = (", ".join(f"{row}.{name}" for name in FROZEN) for row in ("OLD", "NEW"))
    return (
        "CREATE OR REPLACE FUNCTION refuse_frozen_contest() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF OLD.frozen_at IS NOT NULL AND (ROW({old}) IS DISTINCT FROM ROW({new}){more}) "
        "THEN RAISE EXCEPTION 'this contest is frozen' USING ERRCODE = '23514'; END IF; RETURN NEW; END $$"
    )
