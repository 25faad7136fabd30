"""A vote from a session that a passkey began counts as proven by one, where the rules count that."""

import re
import time

import pytest
from sqlalchemy import select

from quilt.database import db
from quilt.votes.models import Vote
from tests.factories import make_entry, make_user
from tests.sessions import start_sessions
from tests.web.site.test_arrivals import open_page
from tests.web.site.test_votes import HEADERS, open_contest


def sign_in(client, user, *, by_passkey):
    with client.session_transaction() as session:
        session.update(start_sessions([user.id])[user.id])
        if by_passkey:
            session["passkey_at"] = int(time.time())


def press(client, entry):
    form = {"ticket": open_page(client, entry)["ticket"]}
    return client.post(f"/entries/{entry.id}/vote", data=form, headers=HEADERS)


def list_tiers():
    return db.session.scalars(select(Vote.tier).order_by(Vote.id)).all()


@pytest.mark.parametrize(
    ("tiers", "by_passkey", "tier"),
    [
        ("passkey", True, "passkey"),
        ("email,passkey", True, "passkey"),
        ("email,passkey", False, "email"),
        ("email", True, "email"),
    ],
)
def test_the_strongest_proof_that_counts_is_the_vote_s(client, tiers, by_passkey, tier):
    entry = make_entry(open_contest(tiers=tiers))
    sign_in(client, make_user(), by_passkey=by_passkey)
    assert press(client, entry).status_code == 303
    assert list_tiers() == [tier]


def test_who_has_shown_no_passkey_is_led_to_one_and_nothing_is_counted(client):
    entry = make_entry(open_contest(tiers="passkey"))
    sign_in(client, make_user(), by_passkey=False)
    refused = press(client, entry)
    assert refused.status_code == 403 and list_tiers() == []
    ways = re.findall(r'href="(/sign-in/confirm\?next=[^"]+|/me/security#passkeys)"', refused.text)
    assert len(ways) == 2 and f"entries/{entry.id}" in ways[0]


def test_a_passkey_does_not_make_up_for_an_address_of_ten_minutes(client):
    """A program can play a device as easily as it opens a throw-away mailbox."""
    entry = make_entry(open_contest(tiers="email,passkey"))
    sign_in(client, make_user("bot@mailinator.com"), by_passkey=True)
    assert press(client, entry).status_code == 303
    assert list_tiers() == ["email"], "recorded by what it is, and held by the next batch"


def test_each_vote_has_the_proof_that_it_was_cast_by_and_none_comes_twice(client):
    """Who votes by e-mail first and makes a passkey later is the same voter, and only the later votes are stronger."""
    contest = open_contest(tiers="email,passkey", period="contest", limit_count=None)
    first, second, third = (make_entry(contest) for _ in range(3))
    user = make_user()
    for entry, by_passkey in ((first, False), (second, True)):
        sign_in(client, user, by_passkey=by_passkey)
        assert press(client, entry).status_code == 303
    assert "You voted for this entry" in press(client, first).text, "a stronger proof is no second vote"
    with client.session_transaction() as session:
        session.clear()
    sign_in(client, user, by_passkey=False)
    assert press(client, third).status_code == 303
    assert list_tiers() == ["email", "passkey", "email"]
    assert len(set(db.session.scalars(select(Vote.voter_id)))) == 1
