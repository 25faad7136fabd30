"""Connected accounts and posts, and the share kit."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "connection",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("contest_id", ID, nullable=False),
        _text("connector", 16), _text("host", 253), _text("subject", 255), _text("handle", 255), _text("scopes", 300),
        sa.Column("most_characters", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("connected_at", TIME, nullable=False),
        _key("connection", "user_id", "user_account", ondelete="CASCADE"),
        _key("connection", "contest_id", "contest"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection")),
        sa.UniqueConstraint("connector", "host", "subject", name=op.f("uq_connection_connector_host_subject")),
    )  # fmt: skip
    op.create_index("ix_connection_user_id", "connection", ["user_id"])
    op.create_index("ix_connection_contest_id", "connection", ["contest_id"])
    op.create_table(
        "key_return",
        sa.Column("id", ID, nullable=False),
        _text("connector", 16), _text("host", 253),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("attempts_count", sa.Integer(), nullable=False),
        sa.Column("due_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_return")),
    )  # fmt: skip
    op.create_table(
        "connect_flow",
        _text("state_hash", 64),
        sa.Column("user_id", ID, nullable=False),
        _text("connector", 16),
        sa.Column("contest_id", ID, nullable=False),
        _text("next_path", 500),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        _key("connect_flow", "user_id", "user_account", ondelete="CASCADE"),
        _key("connect_flow", "contest_id", "contest"),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_connect_flow")),
    )
    op.create_index("ix_connect_flow_created_at", "connect_flow", ["created_at"])
    op.create_index("ix_connect_flow_user_id", "connect_flow", ["user_id"])
    _make_posts()
    op.create_table(
        "share_kit",
        sa.Column("entry_id", ID, nullable=False),
        _text("words", 500),
        sa.Column("asked_at", TIME, nullable=False),
        _key("share_kit", "entry_id", "entry"),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_share_kit")),
    )
    op.create_table(
        "kit_picture",
        sa.Column("entry_id", ID, nullable=False),
        _text("kind", 16), _text("key", 120), _text("drawn_of", 64),
        _key("kit_picture", "entry_id", "entry"),
        sa.PrimaryKeyConstraint("entry_id", "kind", name=op.f("pk_kit_picture")),
    )  # fmt: skip


def downgrade() -> None:
    for table in ("kit_picture", "share_kit", "post", "connect_flow", "key_return", "connection"):
        op.drop_table(table)


def _make_posts() -> None:
    op.create_table(
        "post",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("connection_id", ID, nullable=True),
        _text("connector", 16), _text("account", 300), _text("form_key", 32), _text("words_hash", 64),
        sa.Column("words", sa.Text(), nullable=False),
        _text("link", 300), _text("title", 300), _text("group", 100), _text("state", 8), _text("reason", 300),
        _text("remote_key", 300), _text("remote_url", 500),
        sa.Column("attempts_count", sa.Integer(), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("queued_at", TIME, nullable=False),
        sa.Column("posted_at", TIME, nullable=True),
        sa.CheckConstraint("state in ('queued','posted','failed','unknown')", name=op.f("ck_post_state")),
        _key("post", "user_id", "user_account", ondelete="CASCADE"),
        _key("post", "entry_id", "entry"),
        _key("post", "connection_id", "connection", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post")),
        sa.UniqueConstraint("user_id", "form_key", name=op.f("uq_post_user_id_form_key")),
        sa.UniqueConstraint(
            "user_id", "entry_id", "account", "words_hash", name=op.f("uq_post_user_id_entry_id_account_words_hash")
        ),
    )  # fmt: skip
    op.create_index("ix_post_state_due_at", "post", ["state", "due_at"])
    op.create_index("ix_post_connection_id", "post", ["connection_id"])
    op.create_index("ix_post_entry_id", "post", ["entry_id"])


def _text(name: str, length: int) -> "sa.Column[str]":
    return sa.Column(name, sa.String(length), nullable=False)


def _key(table: str, column: str, target: str, **options: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, **options)
