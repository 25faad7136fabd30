"""The ledger: leaves, the tree over them, tree heads, the tally, and who was mailed a head."""

import sqlalchemy as sa
from alembic import op

import quilt.database

revision = "0006"
down_revision = "0005"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = quilt.database.UtcDateTime(timezone=True)
TABLES = (
    "head_letter_off", "head_letter", "ledger_results", "ledger_entry", "ledger_tally", "ledger_key",
    "ledger_head", "ledger_tile", "ledger_leaf", "settlement", "ledger",
)  # fmt: skip
ONLY_GROW = ("ledger_leaf", "ledger_head")


def upgrade() -> None:
    op.create_table(
        "ledger",
        sa.Column("contest_id", ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("policy", sa.LargeBinary(), nullable=False),
        sa.Column("size", ID, nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("batch_at", TIME, nullable=False),
        sa.CheckConstraint("size >= 0", name=op.f("ck_ledger_size")),
        _points_at("ledger", "contest_id", "contest", "id"),
        sa.PrimaryKeyConstraint("contest_id", name=op.f("pk_ledger")),
    )
    op.create_table(
        "settlement",
        sa.Column("contest_id", ID, nullable=False),
        sa.Column("appeals_until", TIME, nullable=False),
        sa.Column("settled_at", TIME, nullable=True),
        sa.CheckConstraint(
            "settled_at is null or settled_at >= appeals_until", name=op.f("ck_settlement_in_order")
        ),
        _points_at("settlement", "contest_id", "ledger", "contest_id"),
        sa.PrimaryKeyConstraint("contest_id", name=op.f("pk_settlement")),
    )
    _create("ledger_leaf", ("contest_id", "number"), sa.Column("line", sa.Text(), nullable=False),
            sa.Column("vote_id", ID, nullable=True),
            sa.UniqueConstraint("vote_id", name=op.f("uq_ledger_leaf_vote_id")),
            _points_at("ledger_leaf", "vote_id", "vote", "id"))  # fmt: skip
    _create_tiles()
    _create("ledger_head", ("contest_id", "number"), sa.Column("size", ID, nullable=False),
            sa.Column("at", TIME, nullable=False), sa.Column("line", sa.Text(), nullable=False),
            number=sa.Integer())  # fmt: skip
    op.create_table(
        "ledger_key",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("used_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_ledger_key")),
    )
    _create_tallies()
    _create("ledger_results", ("contest_id", "size"), sa.Column("body", sa.LargeBinary(), nullable=False))
    _create_letters()
    for table in ONLY_GROW:
        _refuse_changes(table)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)


def _create_tiles() -> None:
    op.create_table(
        "ledger_tile",
        sa.Column("contest_id", ID, nullable=False),
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", ID, autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(length=8192), nullable=False),
        _points_at("ledger_tile", "contest_id", "ledger", "contest_id"),
        sa.PrimaryKeyConstraint("contest_id", "level", "number", name=op.f("pk_ledger_tile")),
    )


def _create_tallies() -> None:
    op.create_table(
        "ledger_tally",
        sa.Column("contest_id", ID, nullable=False),
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("votes", ID, nullable=False),
        _points_at("ledger_tally", "contest_id", "ledger", "contest_id"),
        _points_at("ledger_tally", "entry_id", "entry", "id"),
        sa.PrimaryKeyConstraint("contest_id", "entry_id", "state", "reason", name=op.f("pk_ledger_tally")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("contest_id", ID, nullable=False),
        sa.Column("is_running", sa.Boolean(), nullable=False),
        sa.Column("points", ID, nullable=True),
        _points_at("ledger_entry", "entry_id", "entry", "id"),
        _points_at("ledger_entry", "contest_id", "ledger", "contest_id"),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_ledger_entry")),
    )
    op.create_index("ix_ledger_entry_contest_id", "ledger_entry", ["contest_id"])


def _create_letters() -> None:
    op.create_table(
        "head_letter",
        sa.Column("contest_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("head_number", sa.Integer(), nullable=False),
        sa.Column("sent_at", TIME, nullable=False),
        _points_at("head_letter", "contest_id", "ledger", "contest_id"),
        _points_at("head_letter", "user_id", "user_account", "id"),
        sa.PrimaryKeyConstraint("contest_id", "user_id", "day", name=op.f("pk_head_letter")),
    )
    op.create_table(
        "head_letter_off",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("since", TIME, nullable=False),
        _points_at("head_letter_off", "user_id", "user_account", "id"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_head_letter_off")),
    )


def _create(table: str, key: tuple[str, str], *parts: sa.Column | sa.Constraint, number: object = ID) -> None:
    """A table whose rows are numbered within a ledger."""
    op.create_table(
        table,
        sa.Column("contest_id", ID, nullable=False),
        sa.Column(key[1], number, autoincrement=False, nullable=False),
        *parts,
        _points_at(table, "contest_id", "ledger", "contest_id"),
        sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{table}")),
    )


def _points_at(table: str, column: str, target: str, name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.{name}"], name=op.f(f"fk_{table}_{column}_{target}"))


def _refuse_changes(table: str) -> None:
    """As with the logs: the database itself refuses to change or delete a line."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END"
        )
