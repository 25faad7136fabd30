"""A leaf and a decision name their contest without a foreign key: it was looked up again for each of a batch's rows."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

KEYS = {
    "vote_decision": ("fk_vote_decision_contest_id_contest", "contest", "id"),
    "ledger_leaf": ("fk_ledger_leaf_contest_id_ledger", "ledger", "contest_id"),
}


def upgrade() -> None:
    for table, (name, _, _) in KEYS.items():
        triggers = _list_triggers(table)
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(name), type_="foreignkey")
        _make_again(triggers)


def downgrade() -> None:
    for table, (name, other, column) in KEYS.items():
        triggers = _list_triggers(table)
        with op.batch_alter_table(table) as batch:
            batch.create_foreign_key(op.f(name), other, ["contest_id"], [column])
        _make_again(triggers)


def _list_triggers(table: str) -> list[str]:
    """SQLite's table is made anew, and its triggers would go with the old one."""
    if op.get_bind().dialect.name != "sqlite":
        return []
    named = sa.text(
        "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table ORDER BY name"
    )
    return list(op.get_bind().scalars(named, {"table": table}))


def _make_again(triggers: list[str]) -> None:
    for trigger in triggers:
        op.execute(sa.text(trigger.replace(":", r"\:")))
