"""Whatever leads to a person is told in their copy and let go of when they leave, or has a reason not to be."""

from flask import Flask

from quilt.accounts.belongings import FORGETTERS, TELLERS
from quilt.database import Base

# Every column that leads to a person: the name under which their copy tells it, or why it does not.
TOLD = {
    "account_export.user_id": "their copies themselves",
    "api_token.user_id": "api_tokens",
    "appeal.answered_by_id": "what staff answered, in the log that all can read",
    "appeal.author_id": "appeals",
    "authenticator.user_id": "passkeys",
    "blast_notice.author_id": "the organiser's notice of a mailing, kept as evidence",
    "branch_milestone.user_id": "milestones",
    "comment.author_id": "comments",
    "connect_flow.user_id": "a trip of minutes",
    "connection.user_id": "connections",
    "contest_change.actor_id": "a log that only grows, of what staff did",
    "contest_rules.actor_id": "a log that only grows, of what staff did",
    "email_change.user_id": "a wish of one day",
    "entry.entrant_id": "entries",
    "exclusion_log.actor_id": "a log that only grows, of what staff did",
    "gate_request.actor_id": "what staff asked for last",
    "gate_run.actor_id": "a log of what staff did",
    "head_letter.user_id": "letters",
    "head_letter_off.user_id": "a choice, gone with the account",
    "identity.user_id": "identities",
    "judge.user_id": "a jury's office; its figures stay as they were shown",
    "judge_conflict.user_id": "a jury's office; its figures stay as they were shown",
    "judge_score.user_id": "a jury's office; its figures stay as they were shown",
    "mail_domain.actor_id": "a log of what staff did",
    "membership.user_id": "organisations",
    "moderation_log.actor_id": "decisions",
    "passkey.user_id": "passkeys",
    "passkey_challenge.user_id": "a question of five minutes",
    "post.user_id": "posts",
    "prize_step.actor_id": "a log of what staff did",
    "recovery_code.user_id": "hashes alone",
    "result.approved_by": "a log of what staff did",
    "result.proposed_by": "a log of what staff did",
    "sealed_panel.actor_id": "a log of what staff did",
    "sign_in_flow.user_id": "a trip of ten minutes",
    "user_session.user_id": "sessions",
    "video.owner_id": "films",
    "vote_decision.actor_id": "a log that only grows, of what staff did",
    "vote_key.user_id": "keys of clicks: nothing but random numbers",
    "vote_review.actor_id": "a log of what staff did",
    "voter.user_id": "votes",
    "webhook.user_id": "webhooks",
}


def list_ways() -> set[str]:
    return {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        for key in column.foreign_keys
        if key.column.table.name == "user_account"
    }


def test_every_way_to_a_person_is_told_or_has_a_reason(built_app: Flask) -> None:
    ways = list_ways()
    assert len(ways) > 12
    assert ways - TOLD.keys() == set(), "columns that lead to a person, without a word about their copy"
    assert TOLD.keys() - ways == set(), "columns that are gone"


def test_what_is_told_is_let_go_of(built_app: Flask) -> None:
    assert set(TELLERS) >= {
        "account",
        "entries",
        "films",
        "comments",
        "votes",
        "links",
        "sessions",
        "identities",
    }
    assert set(FORGETTERS) >= {"accounts", "entries", "community", "votes", "shares", "embeds", "journeys"}
