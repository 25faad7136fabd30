"""Brands: organisations, members, sites, placements, what was seen of them."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "organisation",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sqlite_autoincrement=True,
    )
    _make_people()
    _make_sites()
    _make_placements()
    _make_reports()
    op.create_index("ix_arrival_embed_id", "arrival", ["embed_id"], **_where("embed_id IS NOT NULL"))


def downgrade() -> None:
    op.drop_index("ix_arrival_embed_id", "arrival")
    for table in (
        "brand_report",
        "placement_embed",
        "placement_day",
        "placement",
        "sponsor",
        "site",
        "invitation",
        "membership",
    ):
        op.drop_table(table)
    op.drop_table("organisation")


def _make_people() -> None:
    op.create_table(
        "membership",
        _refers("organisation"),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("has_reports", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role in ('owner','editor','viewer')", name=op.f("ck_membership_role")),
        _points("membership", "organisation"),
        _points("membership", "user_account", "user_id"),
        sa.PrimaryKeyConstraint("organisation_id", "user_id", name=op.f("pk_membership")),
    )
    op.create_index(op.f("ix_membership_user_id"), "membership", ["user_id"])
    op.create_table(
        "invitation",
        sa.Column("id", BIG_ID, nullable=False),
        _refers("organisation"),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("email_key", sa.String(320), nullable=False),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True)),
        _points("invitation", "organisation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint(
            "organisation_id", "email_key", name=op.f("uq_invitation_organisation_id_email_key")
        ),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )


def _make_sites() -> None:
    op.create_table(
        "site",
        sa.Column("id", BIG_ID, nullable=False),
        _refers("organisation"),
        sa.Column("origin", sa.String(300), nullable=False),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("method", sa.String(4), nullable=False),
        sa.Column("problem", sa.String(200), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True)),
        sa.Column("checked_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _points("site", "organisation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("organisation_id", "origin", name=op.f("uq_site_organisation_id_origin")),
    )
    op.create_table(
        "sponsor",
        _refers("organisation"),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("url", sa.String(300), nullable=False),
        sa.Column("disclosure", sa.String(160), nullable=False),
        sa.Column("logo_key", sa.String(80), nullable=False),
        _points("sponsor", "organisation"),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_sponsor")),
    )


def _make_placements() -> None:
    op.create_table(
        "placement",
        sa.Column("id", BIG_ID, nullable=False),
        _refers("organisation"),
        sa.Column("code", sa.String(16), nullable=False),
        sa.Column("label", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("contest_id", BIG_ID, nullable=False),
        sa.Column("entry_id", BIG_ID),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("kind in ('entry','contest','vote','countdown')", name=op.f("ck_placement_kind")),
        sa.CheckConstraint(
            "(kind in ('entry','vote')) = (entry_id is not null)", name=op.f("ck_placement_entry_or_contest")
        ),
        _points("placement", "organisation"),
        _points("placement", "contest"),
        _points("placement", "entry"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement")),
        sa.UniqueConstraint("code", name=op.f("uq_placement_code")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_placement_organisation_id"), "placement", ["organisation_id"])
    op.create_index(op.f("ix_placement_contest_id"), "placement", ["contest_id"])
    op.create_table(
        "placement_day",
        sa.Column("placement_id", BIG_ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("path", sa.String(120), nullable=False),
        sa.Column("seen_count", BIG_ID, nullable=False),
        sa.Column("plays_count", BIG_ID, nullable=False),
        sa.Column("opens_count", BIG_ID, nullable=False),
        _points("placement_day", "placement"),
        sa.PrimaryKeyConstraint("placement_id", "day", "path", name=op.f("pk_placement_day")),
    )
    op.create_table(
        "placement_embed",
        sa.Column("placement_id", BIG_ID, nullable=False),
        sa.Column("entry_id", BIG_ID, nullable=False),
        sa.Column("embed_id", BIG_ID, nullable=False),
        _points("placement_embed", "placement"),
        _points("placement_embed", "entry"),
        _points("placement_embed", "embed"),
        sa.PrimaryKeyConstraint("placement_id", "entry_id", name=op.f("pk_placement_embed")),
        sa.UniqueConstraint("embed_id", name=op.f("uq_placement_embed_embed_id")),
    )


def _make_reports() -> None:
    op.create_table(
        "brand_report",
        _refers("organisation"),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        _points("brand_report", "organisation"),
        sa.PrimaryKeyConstraint("organisation_id", "week", name=op.f("pk_brand_report")),
    )


def _refers(table: str) -> sa.Column[int]:
    return sa.Column(f"{table}_id", BIG_ID, nullable=False)


def _points(table: str, target: str, column: str = "") -> sa.ForeignKeyConstraint:
    column = column or f"{target}_id"
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"))


def _where(condition: str) -> dict[str, sa.TextClause]:
    return {f"{dialect}_where": sa.text(condition) for dialect in ("sqlite", "postgresql")}
