"""Identities: who vouches for whom and stood behind which vote, trips to providers, what waits for somebody."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
TABLES = ("identity", "sign_in_flow", "instance_client", "pending_act", "voter_identity")


def upgrade() -> None:
    op.create_table(
        "identity",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        *(_text(name, 255) for name in ("issuer", "subject")),
        _text("provider", 16), _text("label", 320), _text("vouched_key", 320),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=False),
        _of_user("identity"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_identity_issuer_subject")),
        sa.UniqueConstraint("user_id", "issuer", name=op.f("uq_identity_user_id_issuer")),
    )  # fmt: skip
    op.create_table(
        "sign_in_flow",
        sa.Column("id", ID, nullable=False),
        _text("state_hash", 64), _text("browser_hash", 64), _text("provider", 16),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("user_id", ID, nullable=True),
        _text("next_path", 500),
        sa.Column("created_at", TIME, nullable=False),
        _of_user("sign_in_flow"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_flow")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_sign_in_flow_state_hash")),
    )  # fmt: skip
    op.create_index("ix_sign_in_flow_created_at", "sign_in_flow", ["created_at"])
    op.create_index("ix_sign_in_flow_user_id", "sign_in_flow", ["user_id"])
    op.create_table(
        "instance_client",
        sa.Column("id", ID, nullable=False),
        _text("issuer", 255), _text("redirect_uri", 500), _text("scope", 255), _text("client_id", 255),
        sa.Column("sealed_secret", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance_client")),
        sa.UniqueConstraint(
            "issuer", "redirect_uri", "scope", name=op.f("uq_instance_client_issuer_redirect_uri_scope")
        ),
    )  # fmt: skip
    op.create_table(
        "pending_act",
        sa.Column("id", ID, nullable=False),
        _text("key_hash", 64), _text("kind", 16),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("done_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pending_act")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_pending_act_key_hash")),
    )  # fmt: skip
    op.create_index("ix_pending_act_created_at", "pending_act", ["created_at"])
    op.create_table(
        "voter_identity",
        sa.Column("contest_id", ID, nullable=False),
        sa.Column("key", sa.LargeBinary(32), nullable=False),
        sa.Column("voter_id", ID, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["contest_id"], ["contest.id"], name=op.f("fk_voter_identity_contest_id_contest")
        ),
        sa.ForeignKeyConstraint(["voter_id"], ["voter.id"], name=op.f("fk_voter_identity_voter_id_voter")),
        sa.PrimaryKeyConstraint("contest_id", "key", name=op.f("pk_voter_identity")),
    )
    op.create_index("ix_voter_identity_voter_id", "voter_identity", ["voter_id"])


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)


def _text(name: str, most: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(most), nullable=False)


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_user_id_user_account")
    return sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=name, ondelete="CASCADE")
