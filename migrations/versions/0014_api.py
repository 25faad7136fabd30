"""The API: personal tokens, and webhooks with their events and deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        _text("name", 60), _text("token_hash", 64), _text("hint", 8), _text("scopes", 120),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        _key("api_token", "user_id", "user_account", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )  # fmt: skip
    op.create_index("ix_api_token_user_id", "api_token", ["user_id"])
    op.create_table(
        "webhook",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("organisation_id", ID, nullable=True),
        _text("url", 500), _text("events", 300),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("sealed_before", sa.Text(), nullable=False),
        sa.Column("previous_until", TIME, nullable=True),
        sa.Column("failures_count", sa.Integer(), nullable=False),
        sa.Column("off_at", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        _key("webhook", "user_id", "user_account", ondelete="CASCADE"),
        _key("webhook", "organisation_id", "organisation", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
    )  # fmt: skip
    op.create_index("ix_webhook_user_id", "webhook", ["user_id"])
    _make_events()
    op.create_table(
        "webhook_told",
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("votes", sa.Integer(), nullable=False),
        _key("webhook_told", "entry_id", "entry"),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_webhook_told")),
    )


def downgrade() -> None:
    for table in ("webhook_told", "webhook_delivery", "webhook_event", "webhook", "api_token"):
        op.drop_table(table)


def _make_events() -> None:
    op.create_table(
        "webhook_event",
        sa.Column("id", ID, nullable=False),
        _text("kind", 24), _text("key", 120),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("has_deliveries", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_event")),
        sa.UniqueConstraint("key", name=op.f("uq_webhook_event_key")),
    )  # fmt: skip
    op.create_index("ix_webhook_event_has_deliveries_id", "webhook_event", ["has_deliveries", "id"])
    op.create_index("ix_webhook_event_at", "webhook_event", ["at"])
    op.create_table(
        "webhook_delivery",
        sa.Column("id", ID, nullable=False),
        sa.Column("webhook_id", ID, nullable=False),
        sa.Column("event_id", ID, nullable=False),
        _text("state", 10),
        sa.Column("attempts_count", sa.Integer(), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        _text("note", 200),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.CheckConstraint("state in ('waiting','delivered','failed')", name=op.f("ck_webhook_delivery_state")),
        _key("webhook_delivery", "webhook_id", "webhook", ondelete="CASCADE"),
        _key("webhook_delivery", "event_id", "webhook_event", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        sa.UniqueConstraint("webhook_id", "event_id", name=op.f("uq_webhook_delivery_webhook_id_event_id")),
    )  # fmt: skip
    op.create_index("ix_webhook_delivery_state_due_at", "webhook_delivery", ["state", "due_at"])
    op.create_index("ix_webhook_delivery_event_id", "webhook_delivery", ["event_id"])


def _text(name: str, length: int) -> "sa.Column[str]":
    return sa.Column(name, sa.String(length), nullable=False)


def _key(table: str, column: str, target: str, **options: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, **options)
