"""Accounts: sessions, passkeys, second factors, changes of address, copies to take away, leaving."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
TABLES = (
    "user_session", "passkey", "passkey_challenge", "authenticator", "recovery_code", "email_change", "account_export",
)  # fmt: skip


def upgrade() -> None:
    op.add_column(
        "user_account", sa.Column("is_proven", sa.Boolean(), server_default=sa.true(), nullable=False)
    )
    op.add_column("user_account", sa.Column("leaving_at", TIME, nullable=True))
    op.add_column(
        "user_account", sa.Column("is_gone", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("email_code", sa.Column("mailbox", sa.String(320), server_default="", nullable=False))
    op.add_column("email_code", sa.Column("link_hash", sa.LargeBinary(32), nullable=True))
    op.create_index("ix_email_code_link_hash", "email_code", ["link_hash"], unique=True)
    op.execute("UPDATE email_code SET mailbox = email_key")
    op.drop_index("ix_email_code_email_key_created_at", "email_code")
    op.create_index("ix_email_code_mailbox_created_at", "email_code", ["mailbox", "created_at"])
    _create_sessions()
    _create_passkeys()
    _create_second_factors()
    _create_email_change()
    _create_exports()


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)
    op.drop_index("ix_email_code_mailbox_created_at", "email_code")
    op.create_index("ix_email_code_email_key_created_at", "email_code", ["email_key", "created_at"])
    op.drop_index("ix_email_code_link_hash", "email_code")
    op.drop_column("email_code", "link_hash")
    op.drop_column("email_code", "mailbox")
    for name in ("is_gone", "leaving_at", "is_proven"):
        op.drop_column("user_account", name)


def _create_sessions() -> None:
    op.create_table(
        "user_session",
        _id(),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("key_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(60), nullable=False),
        sa.Column("way", sa.String(12), nullable=False),
        *(
            sa.Column(name, TIME, nullable=False)
            for name in ("started_at", "seen_at", "ends_at", "idle_until")
        ),
        _of_user("user_session"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_session")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_user_session_key_hash")),
    )
    op.create_index("ix_user_session_user_id", "user_session", ["user_id"])
    op.create_index("ix_user_session_idle_until", "user_session", ["idle_until"])


def _create_passkeys() -> None:
    op.create_table(
        "passkey",
        _id(),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("credential_id", sa.LargeBinary(1023), nullable=False),
        sa.Column("public_key", sa.LargeBinary(2048), nullable=False),
        sa.Column("sign_count", ID, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        _of_user("passkey"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkey_credential_id")),
    )
    op.create_index("ix_passkey_user_id", "passkey", ["user_id"])
    op.create_table(
        "passkey_challenge",
        _id(),
        sa.Column("challenge", sa.LargeBinary(32), nullable=False),
        sa.Column("user_id", ID, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        _of_user("passkey_challenge"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey_challenge")),
        sa.UniqueConstraint("challenge", name=op.f("uq_passkey_challenge_challenge")),
    )
    op.create_index("ix_passkey_challenge_user_id", "passkey_challenge", ["user_id"])
    op.create_index("ix_passkey_challenge_created_at", "passkey_challenge", ["created_at"])


def _create_second_factors() -> None:
    op.create_table(
        "authenticator",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("secret", sa.LargeBinary(255), nullable=False),
        sa.Column("last_step", ID, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("confirmed_at", TIME, nullable=True),
        _of_user("authenticator"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_authenticator")),
    )
    op.create_table(
        "recovery_code",
        _id(),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        _of_user("recovery_code"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("user_id", "code_hash", name=op.f("uq_recovery_code_user_id_code_hash")),
    )


def _create_email_change() -> None:
    op.create_table(
        "email_change",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("email_key", sa.String(320), nullable=False),
        sa.Column("old_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("new_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("old_confirmed_at", TIME, nullable=True),
        sa.Column("new_confirmed_at", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        _of_user("email_change"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_email_change")),
        sa.UniqueConstraint("old_hash", name=op.f("uq_email_change_old_hash")),
        sa.UniqueConstraint("new_hash", name=op.f("uq_email_change_new_hash")),
    )


def _create_exports() -> None:
    op.create_table(
        "account_export",
        _id(),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("attempts_count", sa.Integer(), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("file_name", sa.String(80), nullable=False),
        sa.Column("byte_count", ID, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("ready_at", TIME, nullable=True),
        sa.Column("expires_at", TIME, nullable=True),
        _of_user("account_export"),
        sa.CheckConstraint(
            "state in ('waiting','making','ready','failed','gone')", name=op.f("ck_account_export_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_export")),
    )
    op.create_index("ix_account_export_state_due_at", "account_export", ["state", "due_at"])
    op.create_index("ix_account_export_user_id_created_at", "account_export", ["user_id", "created_at"])


def _id() -> sa.Column:
    return sa.Column("id", ID, nullable=False)


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["user_account.id"], name=op.f(f"fk_{table}_user_id_user_account")
    )
