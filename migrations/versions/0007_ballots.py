"""Ballots: policies as data, frozen when voting opens; versions of rules; proofs of a person."""

import hashlib
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
DRAW_SOURCE = (
    "The first round of the League of Entropy’s public beacon (drand quicknet) that is dated 24 hours or more "
    "after voting has closed: its randomness, as 64 digits and small letters. https://api.drand.sh"
)
CHECKS = {
    "period": "period in ('contest','day','week')",
    "counts": "counts in ('live','hour','day','end')",
    "limit_count": "limit_count >= 1",
    "judges_share": "judges_share between 0 and 100",
    "places": "places >= 1 and runners_up >= 0",
}
POLICY = (
    ("tiers", sa.String(48), "email,oauth"),
    ("revocable_until", TIME, None),
    ("counts", sa.String(8), "live"),
    ("judges_share", sa.Integer(), "0"),
    ("tie_breaks", sa.String(24), "draw"),
    ("places", sa.Integer(), "1"),
    ("runners_up", sa.Integer(), "2"),
    ("draw_source", sa.String(500), DRAW_SOURCE),
)
CONTEST = (
    ("edit_count", sa.Integer(), "0"),
    ("frozen_at", TIME, None),
    ("policy_json", sa.LargeBinary(), None),
)
PHASE = (
    ("paused_at", TIME, None),
    ("resumed_at", TIME, None),
    ("pause_reason", sa.String(280), ""),
)
# What voters were promised: it does not change once it is frozen, whoever holds the pen.
FROZEN = ("slug", "time_zone", "rules_text", "rules_version", "policy_json", "frozen_at")
ONLY_GROW = ("contest_rules", "contest_change")


def upgrade() -> None:
    with op.batch_alter_table("ballot_policy") as batch:
        for column in POLICY:
            batch.add_column(_make_column(*column))
        batch.drop_column("tier")
        for name, rule in CHECKS.items():
            batch.create_check_constraint(op.f(f"ck_ballot_policy_{name}"), rule)
    for table, columns in (("contest", CONTEST), ("phase", PHASE)):
        for column in columns:
            op.add_column(table, _make_column(*column))
    op.add_column("email_code", sa.Column("mail_id", ID, nullable=True))
    _create_tables()
    _keep_rules()
    for statement in _list_refusals(op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for table, trigger in (("contest", "contest_frozen"), ("ballot_policy", "ballot_policy_frozen")):
        op.execute(f"DROP TRIGGER {trigger}" + (f" ON {table}" if is_postgresql else ""))
    if is_postgresql:
        op.execute("DROP FUNCTION refuse_frozen_contest()")
        op.execute("DROP FUNCTION refuse_frozen_policy()")
    else:
        op.execute("DROP TRIGGER ballot_policy_stays")
    for table in ("shown_tally", "used_challenge", "vote_key", "mail_domain", *reversed(ONLY_GROW)):
        op.drop_table(table)
    op.drop_column("email_code", "mail_id")
    for table, columns in (("phase", PHASE), ("contest", CONTEST)):
        for column in reversed(columns):
            op.drop_column(table, column[0])
    with op.batch_alter_table("ballot_policy") as batch:
        for name in CHECKS:
            batch.drop_constraint(op.f(f"ck_ballot_policy_{name}"), type_="check")
        for column in reversed(POLICY):
            batch.drop_column(column[0])
        batch.add_column(sa.Column("tier", sa.String(16), server_default="email", nullable=False))


def _create_tables() -> None:
    op.create_table(
        "contest_rules",
        _reference("contest_rules", "contest"),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        _actor("contest_rules"),
        sa.Column("written_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("contest_id", "version", name=op.f("pk_contest_rules")),
    )
    op.create_table(
        "contest_change",
        sa.Column("id", ID, nullable=False),
        _reference("contest_change", "contest"),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        _actor("contest_change"),
        sa.Column("changed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contest_change")),
    )
    op.create_index("ix_contest_change_contest_id", "contest_change", ["contest_id"])
    op.create_table(
        "mail_domain",
        sa.Column("id", ID, nullable=False),
        sa.Column("domain", sa.String(253), nullable=False),
        sa.Column("verdict", sa.String(8), nullable=False),
        sa.Column("reason", sa.String(280), nullable=False),
        _actor("mail_domain"),
        sa.Column("added_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_domain")),
        sa.CheckConstraint("verdict in ('step_up','fine')", name=op.f("ck_mail_domain_verdict")),
    )
    op.create_index("ix_mail_domain_domain", "mail_domain", ["domain"])
    _create_casting_tables()


def _create_casting_tables() -> None:
    op.create_table(
        "vote_key",
        _reference("vote_key", "user_account", "user_id"),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        _reference("vote_key", "entry"),
        sa.Column("receipt", sa.String(32), nullable=False),
        sa.Column("used_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "digest", name=op.f("pk_vote_key")),
    )
    op.create_index("ix_vote_key_used_at", "vote_key", ["used_at"])
    op.create_table(
        "used_challenge",
        sa.Column("nonce", sa.LargeBinary(12), nullable=False),
        sa.Column("used_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_used_challenge")),
    )
    op.create_index("ix_used_challenge_used_at", "used_challenge", ["used_at"])
    op.create_table(
        "shown_tally",
        _reference("shown_tally", "entry"),
        _reference("shown_tally", "contest"),
        sa.Column("votes", ID, nullable=False),
        sa.Column("counted_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_shown_tally")),
    )
    op.create_index("ix_shown_tally_contest_id", "shown_tally", ["contest_id"])


def _make_column(name: str, kind: sa.types.TypeEngine[object], default: str | None) -> sa.Column[object]:
    return sa.Column(name, kind, server_default=default, nullable=default is None)


def _reference(table: str, target: str, name: str = "") -> sa.Column[int]:
    name = name or f"{target}_id"
    key = sa.ForeignKey(f"{target}.id", name=op.f(f"fk_{table}_{name}_{target}"))
    return sa.Column(name, ID, key, nullable=False)


def _actor(table: str) -> sa.Column[int]:
    key = sa.ForeignKey("user_account.id", name=op.f(f"fk_{table}_actor_id_user_account"))
    return sa.Column("actor_id", ID, key, nullable=True)


def _keep_rules() -> None:
    """The text that stands is kept as the version it is."""
    contests = sa.table(
        "contest", *(sa.column(name) for name in ("id", "rules_text", "rules_version", "created_at"))
    )
    kept = sa.table(
        "contest_rules",
        *(sa.column(name) for name in ("contest_id", "version", "text", "digest", "written_at")),
    )
    bind = op.get_bind()
    for contest in bind.execute(sa.select(contests)).all():
        plain = unicodedata.normalize("NFC", "\n".join(contest.rules_text.splitlines()).strip())
        values = {
            "contest_id": contest.id, "version": contest.rules_version, "text": contest.rules_text,
            "digest": hashlib.sha256(plain.encode()).hexdigest(), "written_at": contest.created_at,
        }  # fmt: skip
        bind.execute(sa.insert(kept).values(values))


def _list_refusals(dialect: str) -> list[str]:
    return _list_for_sqlite() if dialect == "sqlite" else _list_for_postgresql()


def _list_for_sqlite() -> list[str]:
    differs = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in FROZEN)
    is_frozen = "EXISTS (SELECT 1 FROM contest WHERE id = OLD.contest_id AND frozen_at IS NOT NULL)"
    statements = [
        (
            f"CREATE TRIGGER contest_frozen BEFORE UPDATE ON contest WHEN OLD.frozen_at IS NOT NULL AND ({differs}) "
            "BEGIN SELECT RAISE(ABORT, 'this contest is frozen'); END"
        )
    ]
    for verb, name in (("UPDATE", "frozen"), ("DELETE", "stays")):
        statements.append(
            f"CREATE TRIGGER ballot_policy_{name} BEFORE {verb} ON ballot_policy WHEN {is_frozen} "
            "BEGIN SELECT RAISE(ABORT, 'this policy is frozen'); END"
        )
    for table in ONLY_GROW:
        for verb in ("UPDATE", "DELETE"):
            statements.append(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'this log only grows'); END"
            )
    return statements


def _list_for_postgresql() -> list[str]:
    old, new = (", ".join(f"{row}.{name}" for name in FROZEN) for row in ("OLD", "NEW"))
    return [
        (
            "CREATE FUNCTION refuse_frozen_contest() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF OLD.frozen_at IS NOT NULL AND ROW({old}) IS DISTINCT FROM ROW({new}) "
            "THEN RAISE EXCEPTION 'this contest is frozen' USING ERRCODE = '23514'; END IF; RETURN NEW; END $$"
        ),
        (
            "CREATE TRIGGER contest_frozen BEFORE UPDATE ON contest "
            "FOR EACH ROW EXECUTE FUNCTION refuse_frozen_contest()"
        ),
        (
            "CREATE FUNCTION refuse_frozen_policy() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN IF EXISTS (SELECT 1 FROM contest WHERE id = OLD.contest_id AND frozen_at IS NOT NULL) "
            "THEN RAISE EXCEPTION 'this policy is frozen' USING ERRCODE = '23514'; END IF; "
            "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
        ),
        (
            "CREATE TRIGGER ballot_policy_frozen BEFORE UPDATE OR DELETE ON ballot_policy "
            "FOR EACH ROW EXECUTE FUNCTION refuse_frozen_policy()"
        ),
        *(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            for table in ONLY_GROW
        ),
    ]
