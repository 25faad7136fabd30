"""Limits hold when many ask at once: each counts after the one before it."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import func, select

from quilt.accounts.api_tokens import MOST_TOKENS, TokenRefused, create_token
from quilt.accounts.models_api import ApiToken
from quilt.accounts.rules import MOST_CODES, TooManyCodes
from quilt.accounts.service import request_code
from quilt.community.models import Comment
from quilt.community.rules import CommentRefused
from quilt.community.service import add_comment
from quilt.config import Settings
from quilt.database import db
from quilt.embeds.models import Membership, Organisation, Placement
from quilt.embeds.placements import end_placement
from quilt.embeds.rules import LastOwner, LimitReached
from quilt.embeds.service import MOST_ORGANISATIONS, create_organisation, remove_member
from quilt.embeds.sponsors import set_sponsor
from quilt.letters import composer
from quilt.mail import MailMessage
from quilt.webhooks.models import Webhook
from quilt.webhooks.rules import WebhookRefused
from quilt.webhooks.service import MOST_WEBHOOKS, create_webhook
from tests.conftest import NOW
from tests.embeds.brands import make_organisation, make_placement
from tests.factories import make_entry, make_user, make_users, save


@pytest.fixture
def at_once(app: Flask) -> Callable[..., int]:
    """Do something 24 times at once; returns how often it was refused in words."""

    def run(work: Callable[[int], object], refusal: type[Exception], times: int = 24) -> int:
        def attempt(number: int) -> bool:
            with app.app_context():
                try:
                    work(number)
                except refusal:
                    return True
                return False

        with ThreadPoolExecutor(12) as pool:
            return sum(pool.map(attempt, range(times)))

    return run


def count(model: type) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model))


def test_A32_codes_for_one_mailbox(at_once: Callable[..., int], settings: Settings) -> None:
    compose = composer(settings)

    def ask(number: int) -> None:
        request_code(
            f"ana+{number}@gmail.com", compose=compose, secret="s", now=NOW, entropy=secrets.token_bytes
        )  # fmt: skip

    assert at_once(ask, TooManyCodes) == 24 - MOST_CODES
    assert count(MailMessage) == MOST_CODES


def test_tokens_of_one_person(at_once: Callable[..., int]) -> None:
    person = make_user().id

    def make(_: int) -> None:
        create_token(person, "x", ["me:read"], 7, now=NOW, entropy=secrets.token_bytes)

    assert at_once(make, TokenRefused, 40) == 40 - MOST_TOKENS
    assert count(ApiToken) == MOST_TOKENS


def test_webhooks_of_one_person(at_once: Callable[..., int], settings: Settings) -> None:
    person = make_user().id

    def make(number: int) -> None:
        create_webhook(
            person, f"https://example.org/{number}", ["vote.counted"], settings=settings, now=NOW,
            entropy=secrets.token_bytes,
        )  # fmt: skip

    assert at_once(make, WebhookRefused) == 24 - MOST_WEBHOOKS
    assert count(Webhook) == MOST_WEBHOOKS


def test_organisations_of_one_person(at_once: Callable[..., int]) -> None:
    person, times = make_user().id, MOST_ORGANISATIONS + 12

    def make(number: int) -> None:
        create_organisation(person, f"Org {number}", NOW)

    assert at_once(make, LimitReached, times) == 12
    assert count(Membership) == MOST_ORGANISATIONS


def test_of_owners_who_all_go_at_once_one_stays(at_once: Callable[..., int]) -> None:
    people = make_users(12)
    organisation = create_organisation(people[0], "All of us", NOW).id
    for person in people[1:]:
        save(Membership(organisation_id=organisation, user_id=person, role="owner", joined_at=NOW))
    assert at_once(lambda number: remove_member(organisation, people[number]), LastOwner, 12) == 1
    assert count(Membership) == 1


def test_every_change_of_what_frames_show_raises_their_version(at_once: Callable[..., int]) -> None:
    brand = make_organisation(make_user())
    placement = make_placement(brand, make_entry())
    before = brand.version

    def change(number: int) -> None:
        if number % 2:
            set_sponsor(brand_id, f"Name {number}", "", "Supported by")
        else:
            end_placement(db.session.get_one(Placement, placement_id), NOW, is_ended=number % 4 == 0)

    brand_id, placement_id = brand.id, placement.id
    db.session.rollback()
    assert at_once(change, LimitReached) == 0
    db.session.expire_all()
    assert db.session.get_one(Organisation, brand_id).version == before + 24


def test_the_same_words_sent_many_times_at_once_stand_once(at_once: Callable[..., int]) -> None:
    entry, author = make_entry().id, make_user().id
    at_once(lambda _: add_comment(entry, author, "Go on!", NOW), CommentRefused)
    assert count(Comment) == 1
