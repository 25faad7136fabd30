"""The first proof of an address leaves nothing that a stranger put on the account to act by, or to be told by."""

import secrets
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from quilt.accounts import service
from quilt.accounts.api_tokens import create_token, find_bearer
from quilt.accounts.belongings import CUTTERS
from quilt.accounts.models import User
from quilt.config import Settings
from quilt.database import db
from quilt.letters import composer
from quilt.mail import MailMessage
from quilt.shares.models_posting import ConnectFlow, Connection, Post
from quilt.webhooks.models import Webhook, WebhookDelivery
from quilt.webhooks.service import create_webhook, send_test
from tests.accounts.test_service import mailed_code
from tests.conftest import NOW
from tests.factories import make_entry, make_user, save

SECRET = "a secret of these tests"


@pytest.fixture
def squatted(app: Flask, settings: Settings) -> tuple[User, str]:
    """An account that somebody began with another's address, with all that leads out of one; and its token."""
    user = make_user("victim@example.org", is_proven=False, leaving_at=NOW + timedelta(days=7))
    token = create_token(user.id, "Mine", ["me:read"], 30, now=NOW, entropy=secrets.token_bytes)
    create_webhook(
        user.id, "https://evil.example/", ["vote.counted"], settings=settings, now=NOW, entropy=secrets.token_bytes
    )  # fmt: skip
    send_test(user.id, db.session.scalars(select(Webhook.id)).one(), now=NOW, entropy=secrets.token_bytes)
    entry = make_entry(entrant=user)
    connection = save(
        Connection(
            user_id=user.id, contest_id=entry.contest_id, connector="mastodon", host="evil.example", subject="7",
            handle="@eve", scopes="write", sealed="x", connected_at=NOW,
        )
    )  # fmt: skip
    save(
        Post(
            user_id=user.id, entry_id=entry.id, connection_id=connection.id, connector="mastodon", account="eve",
            form_key="k", words_hash="h", words="Watch", link="/s/x", title="Watch", due_at=NOW, queued_at=NOW,
        )
    )  # fmt: skip
    return user, token


def prove(settings: Settings, email: str) -> service.Redeemed:
    """Its owner asks for a code and sends it back."""
    token = service.request_code(
        email, compose=composer(settings), secret=SECRET, now=NOW, entropy=secrets.token_bytes
    )
    return service.redeem_code(token, mailed_code(), secret=SECRET, now=NOW)


def test_nothing_leads_out_of_the_account_any_more(squatted: tuple[User, str], settings: Settings) -> None:
    user, token = squatted
    assert find_bearer(token, NOW) is not None
    assert prove(settings, "victim@example.org").is_taken_over
    for table in (Webhook, WebhookDelivery, Connection, ConnectFlow):
        assert db.session.scalar(select(func.count()).select_from(table)) == 0, table.__tablename__
    post = db.session.scalars(select(Post)).one()
    assert (post.state, post.connection_id) == ("failed", None)
    assert find_bearer(token, NOW) is None
    assert {"accounts", "shares", "webhooks"} <= CUTTERS.keys()
    db.session.refresh(user)
    assert user.leaving_at is None and user.is_proven


def test_a_later_proof_takes_nothing(squatted: tuple[User, str], settings: Settings) -> None:
    user, _ = squatted
    user.is_proven = True
    db.session.commit()
    assert not prove(settings, "victim@example.org").is_taken_over
    assert db.session.scalar(select(func.count()).select_from(Webhook)) == 1
    assert db.session.scalar(select(func.count()).select_from(Connection)) == 1
    assert db.session.scalars(select(Post.state)).one() == "queued"
    assert db.session.scalars(select(MailMessage.kind)).all() == ["sign_in_code"]
