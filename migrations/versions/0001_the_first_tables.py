"""the first tables"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# The decision log only grows: the database itself refuses to change or delete a row.
REFUSALS = {
    "sqlite": [
        f"CREATE TRIGGER moderation_log_no_{verb.lower()} BEFORE {verb} ON moderation_log "
        "BEGIN SELECT RAISE(ABORT, 'this log only grows'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        (
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'this log only grows'; END $$"
        ),
        (
            "CREATE TRIGGER moderation_log_only_grows BEFORE UPDATE OR DELETE ON moderation_log "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        ),
    ],
}


def upgrade() -> None:
    op.create_table(
        "arrival_inbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("arrival_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("is_new", sa.Boolean(), nullable=False),
        sa.Column("votes", sa.Integer(), nullable=False),
        sa.Column("returns", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arrival_inbox")),
    )
    with op.batch_alter_table("arrival_inbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_arrival_inbox_entry_id"), ["entry_id"], unique=False)

    op.create_table(
        "arrival_stat",
        sa.Column("arrival_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subtree_size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("children_count", sa.Integer(), nullable=False),
        sa.Column("votes_self", sa.Integer(), nullable=False),
        sa.Column("votes_subtree", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("returns_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("arrival_id", name=op.f("pk_arrival_stat")),
    )
    with op.batch_alter_table("arrival_stat", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_arrival_stat_entry_id"), ["entry_id"], unique=False)

    op.create_table(
        "contest",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("intro", sa.Text(), nullable=False),
        sa.Column("prize_text", sa.String(length=120), nullable=False),
        sa.Column("prize_from", sa.String(length=120), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("rules_text", sa.Text(), nullable=False),
        sa.Column("rules_version", sa.Integer(), nullable=False),
        sa.Column("is_published", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contest")),
        sa.UniqueConstraint("slug", name=op.f("uq_contest_slug")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "mail_message",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("attempts_count", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_message")),
    )
    with op.batch_alter_table("mail_message", schema=None) as batch_op:
        batch_op.create_index("ix_mail_message_state_due_at", ["state", "due_at"], unique=False)

    op.create_table(
        "used_nonce",
        sa.Column("nonce", sa.LargeBinary(length=16), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_used_nonce")),
    )
    with op.batch_alter_table("used_nonce", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_used_nonce_used_at"), ["used_at"], unique=False)

    op.create_table(
        "user_account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("session_epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("email_key", name=op.f("uq_user_account_email_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "visitor_salt",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_visitor_salt")),
    )
    op.create_table(
        "ballot_policy",
        sa.Column("contest_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tier", sa.String(length=16), nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("limit_count", sa.Integer(), nullable=True),
        sa.Column("may_vote_for_own", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contest_id"], ["contest.id"], name=op.f("fk_ballot_policy_contest_id_contest")
        ),
        sa.PrimaryKeyConstraint("contest_id", name=op.f("pk_ballot_policy")),
    )
    op.create_table(
        "moderation_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject_kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["user_account.id"], name=op.f("fk_moderation_log_actor_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderation_log")),
    )
    with op.batch_alter_table("moderation_log", schema=None) as batch_op:
        batch_op.create_index("ix_moderation_log_subject", ["subject_kind", "subject_id"], unique=False)

    op.create_table(
        "phase",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contest_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("may_submit", sa.Boolean(), nullable=False),
        sa.Column("may_vote", sa.Boolean(), nullable=False),
        sa.Column("may_comment", sa.Boolean(), nullable=False),
        sa.Column("shows_counts", sa.Boolean(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_phase_starts_before_it_ends")),
        sa.ForeignKeyConstraint(["contest_id"], ["contest.id"], name=op.f("fk_phase_contest_id_contest")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phase")),
        sa.UniqueConstraint("contest_id", "starts_at", name=op.f("uq_phase_contest_id_starts_at")),
    )
    op.create_table(
        "video",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("message", sa.String(length=300), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("attempts_count", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("byte_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("original_key", sa.String(length=120), nullable=False),
        sa.Column("video_key", sa.String(length=120), nullable=False),
        sa.Column("poster_key", sa.String(length=120), nullable=False),
        sa.Column("thumbnail_key", sa.String(length=120), nullable=False),
        sa.Column("card_key", sa.String(length=120), nullable=False),
        sa.Column("poster_second", sa.Double(), nullable=False),
        sa.Column("cut_second", sa.Double(), nullable=True),
        sa.Column("duration_seconds", sa.Double(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("external_id", sa.String(length=40), nullable=False),
        sa.Column("external_title", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('file','youtube','vimeo')", name=op.f("ck_video_kind")),
        sa.CheckConstraint(
            "state in ('queued','processing','ready','refused','parked')", name=op.f("ck_video_state")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name=op.f("fk_video_owner_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_video")),
    )
    with op.batch_alter_table("video", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_video_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index("ix_video_state_lease_until", ["state", "lease_until"], unique=False)

    op.create_table(
        "voter",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contest_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contest_id"], ["contest.id"], name=op.f("fk_voter_contest_id_contest")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_voter_user_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voter")),
        sa.UniqueConstraint("contest_id", "key", name=op.f("uq_voter_contest_id_key")),
        sa.UniqueConstraint("contest_id", "user_id", name=op.f("uq_voter_contest_id_user_id")),
    )
    op.create_table(
        "entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contest_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entrant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("is_eligible", sa.Boolean(), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("cause", sa.String(length=80), nullable=False),
        sa.Column("story", sa.Text(), nullable=False),
        sa.Column("thanks", sa.String(length=280), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("video_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('draft','submitted','needs_changes','rejected','published','withdrawn','removed','disqualified')",
            name=op.f("ck_entry_state"),
        ),
        sa.ForeignKeyConstraint(["contest_id"], ["contest.id"], name=op.f("fk_entry_contest_id_contest")),
        sa.ForeignKeyConstraint(
            ["entrant_id"], ["user_account.id"], name=op.f("fk_entry_entrant_id_user_account")
        ),
        sa.ForeignKeyConstraint(["video_id"], ["video.id"], name=op.f("fk_entry_video_id_video")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.create_index("ix_entry_contest_id_state", ["contest_id", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_entry_entrant_id"), ["entrant_id"], unique=False)

    op.create_table(
        "comment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("author_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["user_account.id"], name=op.f("fk_comment_author_id_user_account")
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_comment_entry_id_entry")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment")),
    )
    with op.batch_alter_table("comment", schema=None) as batch_op:
        batch_op.create_index("ix_comment_entry_id_written_at", ["entry_id", "written_at"], unique=False)

    op.create_table(
        "email_code",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("next_path", sa.String(length=500), nullable=False),
        sa.Column("tries_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_email_code_entry_id_entry")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_code")),
        sa.UniqueConstraint("token", name=op.f("uq_email_code_token")),
    )
    with op.batch_alter_table("email_code", schema=None) as batch_op:
        batch_op.create_index("ix_email_code_email_key_created_at", ["email_key", "created_at"], unique=False)

    op.create_table(
        "embed",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_embed_entry_id_entry")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_embed")),
        sa.UniqueConstraint("code", name=op.f("uq_embed_code")),
    )
    with op.batch_alter_table("embed", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_embed_entry_id"), ["entry_id"], unique=False)

    op.create_table(
        "entry_channel",
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("people_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("votes_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("voters_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("brought_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_entry_channel_entry_id_entry")),
        sa.PrimaryKeyConstraint("entry_id", "channel", name=op.f("pk_entry_channel")),
    )
    op.create_table(
        "entry_exposure",
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shown_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_entry_exposure_entry_id_entry")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_entry_exposure")),
    )
    op.create_table(
        "entry_generation",
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("people_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("votes_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_entry_generation_entry_id_entry")),
        sa.PrimaryKeyConstraint("entry_id", "generation", name=op.f("pk_entry_generation")),
    )
    op.create_table(
        "entry_point",
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("max_depth", sa.Integer(), nullable=False),
        sa.Column("structural_virality", sa.Double(), nullable=True),
        sa.Column("votes_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_entry_point_entry_id_entry")),
        sa.PrimaryKeyConstraint("entry_id", "at", name=op.f("pk_entry_point")),
    )
    op.create_table(
        "entry_revision",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("story", sa.Text(), nullable=False),
        sa.Column("thanks", sa.Text(), nullable=False),
        sa.Column("video_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("accepted_rules_version", sa.Integer(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("edit_count", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_entry_revision_entry_id_entry")),
        sa.ForeignKeyConstraint(["video_id"], ["video.id"], name=op.f("fk_entry_revision_video_id_video")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry_revision")),
        sa.UniqueConstraint("entry_id", "number", name=op.f("uq_entry_revision_entry_id_number")),
    )
    op.create_table(
        "entry_spread",
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("total_depth", sa.String(length=40), nullable=False),
        sa.Column("squared_sizes", sa.String(length=60), nullable=False),
        sa.Column("max_depth", sa.Integer(), nullable=False),
        sa.Column("max_breadth", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("passed_on_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("votes_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shared_votes_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("folded_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_entry_spread_entry_id_entry")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_entry_spread")),
    )
    op.create_table(
        "entry_tally",
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contest_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("counted", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["contest_id"], ["contest.id"], name=op.f("fk_entry_tally_contest_id_contest")
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_entry_tally_entry_id_entry")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_entry_tally")),
    )
    with op.batch_alter_table("entry_tally", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_entry_tally_contest_id"), ["contest_id"], unique=False)

    op.create_table(
        "exposure_order",
        sa.Column("contest_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("epoch", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contest_id"], ["contest.id"], name=op.f("fk_exposure_order_contest_id_contest")
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_exposure_order_entry_id_entry")),
        sa.PrimaryKeyConstraint("contest_id", "epoch", "entry_id", name=op.f("pk_exposure_order")),
    )
    op.create_table(
        "named_link",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_named_link_entry_id_entry")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_named_link")),
        sa.UniqueConstraint("code", name=op.f("uq_named_link_code")),
    )
    with op.batch_alter_table("named_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_named_link_entry_id"), ["entry_id"], unique=False)

    op.create_table(
        "not_counted",
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("visits_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_not_counted_entry_id_entry")),
        sa.PrimaryKeyConstraint("entry_id", "day", "reason", name=op.f("pk_not_counted")),
    )
    op.create_table(
        "arrival",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("visitor_key", sa.LargeBinary(length=16), nullable=True),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("link_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("embed_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("depth >= 1", name=op.f("ck_arrival_depth")),
        sa.CheckConstraint("parent_id < id", name=op.f("ck_arrival_parent_is_older")),
        sa.ForeignKeyConstraint(["embed_id"], ["embed.id"], name=op.f("fk_arrival_embed_id_embed")),
        sa.ForeignKeyConstraint(
            ["entry_id", "parent_id"],
            ["arrival.entry_id", "arrival.id"],
            name=op.f("fk_arrival_entry_id_parent_id_arrival"),
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_arrival_entry_id_entry")),
        sa.ForeignKeyConstraint(["link_id"], ["named_link.id"], name=op.f("fk_arrival_link_id_named_link")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arrival")),
        sa.UniqueConstraint("code", name=op.f("uq_arrival_code")),
        sa.UniqueConstraint("entry_id", "id", name=op.f("uq_arrival_entry_id_id")),
        sa.UniqueConstraint("entry_id", "visitor_key", name=op.f("uq_arrival_entry_id_visitor_key")),
    )
    with op.batch_alter_table("arrival", schema=None) as batch_op:
        batch_op.create_index("ix_arrival_entry_id_parent_id", ["entry_id", "parent_id"], unique=False)

    op.create_table(
        "share_act",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("arrival_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("shared_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrival.id"], name=op.f("fk_share_act_arrival_id_arrival")),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_share_act_entry_id_entry")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_act")),
        sa.UniqueConstraint(
            "entry_id",
            "arrival_id",
            "channel",
            "shared_at",
            name=op.f("uq_share_act_entry_id_arrival_id_channel_shared_at"),
        ),
    )
    with op.batch_alter_table("share_act", schema=None) as batch_op:
        batch_op.create_index("ix_share_act_entry_id_channel", ["entry_id", "channel"], unique=False)

    op.create_table(
        "vote",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contest_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("voter_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("tier", sa.String(length=16), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("receipt", sa.String(length=32), nullable=False),
        sa.Column("arrival_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("last_channel", sa.String(length=16), nullable=False),
        sa.Column("last_code", sa.String(length=16), nullable=False),
        sa.Column("cast_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state in ('recorded','counted','held','rejected')", name=op.f("ck_vote_state")),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrival.id"], name=op.f("fk_vote_arrival_id_arrival")),
        sa.ForeignKeyConstraint(["contest_id"], ["contest.id"], name=op.f("fk_vote_contest_id_contest")),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_vote_entry_id_entry")),
        sa.ForeignKeyConstraint(["voter_id"], ["voter.id"], name=op.f("fk_vote_voter_id_voter")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vote")),
        sa.UniqueConstraint(
            "contest_id",
            "voter_id",
            "entry_id",
            "period",
            name=op.f("uq_vote_contest_id_voter_id_entry_id_period"),
        ),
        sa.UniqueConstraint(
            "contest_id", "voter_id", "period", "slot", name=op.f("uq_vote_contest_id_voter_id_period_slot")
        ),
        sa.UniqueConstraint("receipt", name=op.f("uq_vote_receipt")),
    )
    with op.batch_alter_table("vote", schema=None) as batch_op:
        batch_op.create_index("ix_vote_arrival_id", ["arrival_id"], unique=False)
        batch_op.create_index("ix_vote_entry_id_state_id", ["entry_id", "state", "id"], unique=False)
    for statement in REFUSALS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER moderation_log_only_grows ON moderation_log")
        op.execute("DROP FUNCTION refuse_change()")
    with op.batch_alter_table("vote", schema=None) as batch_op:
        batch_op.drop_index("ix_vote_entry_id_state_id")
        batch_op.drop_index("ix_vote_arrival_id")

    op.drop_table("vote")
    with op.batch_alter_table("share_act", schema=None) as batch_op:
        batch_op.drop_index("ix_share_act_entry_id_channel")

    op.drop_table("share_act")
    with op.batch_alter_table("arrival", schema=None) as batch_op:
        batch_op.drop_index("ix_arrival_entry_id_parent_id")

    op.drop_table("arrival")
    op.drop_table("not_counted")
    with op.batch_alter_table("named_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_named_link_entry_id"))

    op.drop_table("named_link")
    op.drop_table("exposure_order")
    with op.batch_alter_table("entry_tally", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_entry_tally_contest_id"))

    op.drop_table("entry_tally")
    op.drop_table("entry_spread")
    op.drop_table("entry_revision")
    op.drop_table("entry_point")
    op.drop_table("entry_generation")
    op.drop_table("entry_exposure")
    op.drop_table("entry_channel")
    with op.batch_alter_table("embed", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_embed_entry_id"))

    op.drop_table("embed")
    with op.batch_alter_table("email_code", schema=None) as batch_op:
        batch_op.drop_index("ix_email_code_email_key_created_at")

    op.drop_table("email_code")
    with op.batch_alter_table("comment", schema=None) as batch_op:
        batch_op.drop_index("ix_comment_entry_id_written_at")

    op.drop_table("comment")
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_entry_entrant_id"))
        batch_op.drop_index("ix_entry_contest_id_state")

    op.drop_table("entry")
    op.drop_table("voter")
    with op.batch_alter_table("video", schema=None) as batch_op:
        batch_op.drop_index("ix_video_state_lease_until")
        batch_op.drop_index(batch_op.f("ix_video_owner_id"))

    op.drop_table("video")
    op.drop_table("phase")
    with op.batch_alter_table("moderation_log", schema=None) as batch_op:
        batch_op.drop_index("ix_moderation_log_subject")

    op.drop_table("moderation_log")
    op.drop_table("ballot_policy")
    op.drop_table("visitor_salt")
    op.drop_table("user_account")
    with op.batch_alter_table("used_nonce", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_used_nonce_used_at"))

    op.drop_table("used_nonce")
    with op.batch_alter_table("mail_message", schema=None) as batch_op:
        batch_op.drop_index("ix_mail_message_state_due_at")

    op.drop_table("mail_message")
    op.drop_table("contest")
    with op.batch_alter_table("arrival_stat", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_arrival_stat_entry_id"))

    op.drop_table("arrival_stat")
    with op.batch_alter_table("arrival_inbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_arrival_inbox_entry_id"))

    op.drop_table("arrival_inbox")
