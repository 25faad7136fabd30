"""By which way a vote came: the first touch that makes the tree, and the last one before the vote."""

import secrets

import pytest

from quilt.arrivals.models import NamedLink
from quilt.arrivals.nodes import Visit
from quilt.arrivals.service import record_arrival
from quilt.contests.models import Contest
from quilt.database import db
from quilt.embeds.models import Embed
from quilt.votes.models import Vote
from quilt.votes.queries import build_policy
from quilt.votes.service import Ballot, cast_vote
from quilt.votes.touches import ChannelVotes, count_votes_by_channel
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user, save


@pytest.fixture
def entry(app):
    """An entry with a link for the clinic and an embed, and somebody who shares it."""
    entry = make_entry(make_contest())
    save(
        NamedLink(entry_id=entry.id, code="clinic00000", label="Clinic", channel="clinic", created_at=NOW),
        NamedLink(entry_id=entry.id, code="poster00000", label="Poster", created_at=NOW),
        Embed(entry_id=entry.id, code="embed000000", label="A blog", created_at=NOW),
    )
    return entry


def arrive(entry, key, via="", tag="", referrer=""):
    visit = Visit(entry.id, key, via=via, channel=tag, referrer_host=referrer)
    return record_arrival(visit, None, now=NOW, entropy=secrets.token_bytes).code


def vote(entry, key, via="", tag=""):
    """Vote as whoever this pseudonym is, on a page opened by this link."""
    policy, user = build_policy(db.session.get_one(Contest, entry.contest_id)), make_user()
    ballot = Ballot(user.id, "email", Visit(entry.id, key, via=via, channel=tag))
    cast_vote(ballot, policy, secret="secret", now=NOW, entropy=secrets.token_bytes)
    db.session.rollback()


@pytest.mark.parametrize(
    "first, last, touches",
    [
        (("", "wa"), ("", ""), ("wa", "wa")),
        (("", "wa"), ("", "fb"), ("wa", "fb")),
        (("", "wa"), ("OWN", ""), ("wa", "wa")),
        (("", "wa"), ("OWN", "copy"), ("wa", "copy")),
        (("", "wa"), ("ANA", "fb"), ("wa", "fb")),
        (("", "wa"), ("ANA", ""), ("wa", "")),
        (("ANA", "wa"), ("ANA", ""), ("wa", "wa")),
        (("ANA", "wa"), ("clinic00000", ""), ("wa", "clinic")),
        (("ANA", "wa"), ("clinic00000", "fb"), ("wa", "clinic")),
        (("ANA", "wa"), ("poster00000", ""), ("wa", "poster")),
        (("ANA", "wa"), ("embed000000", "fb"), ("wa", "embed")),
        (("clinic00000", ""), ("clinic00000", ""), ("clinic", "clinic")),
        (("clinic00000", ""), ("clinic00000", "fb"), ("clinic", "clinic")),
        (("clinic00000", ""), ("ANA", "wa"), ("clinic", "wa")),
        (("PLAIN", "qr"), ("PLAIN", ""), ("qr", "qr")),
        (("ANA", "wa"), ("PLAIN", ""), ("wa", "")),
        (("embed000000", ""), ("embed000000", ""), ("embed", "embed")),
        (("", "wa"), ("unknown0000", ""), ("wa", "")),
        (("", "wa"), ("unknown0000", "x"), ("wa", "x")),
        (("", ""), ("", ""), ("", "")),
    ],
)
def test_both_touches_of_a_vote(entry, first, last, touches):
    codes = {"ANA": arrive(entry, b"ana"), "PLAIN": f"own{entry.id:08}"}

    def name(code):
        return codes.get(code, code)

    codes["OWN"] = arrive(entry, b"ben", name(first[0]), first[1])
    vote(entry, b"ben", name(last[0]), last[1])
    one, other = touches
    assert count_votes_by_channel(entry.id) == (
        [ChannelVotes(one, 1, 1)] if one == other else [ChannelVotes(one, 1, 0), ChannelVotes(other, 0, 1)]
    )


def test_the_referring_host_of_the_first_visit_stays_the_last_touch_too(entry):
    arrive(entry, b"ben", referrer="l.facebook.com")
    vote(entry, b"ben")
    assert count_votes_by_channel(entry.id) == [ChannelVotes("fb", 1, 1)]


def test_both_columns_sum_to_the_counted_votes_and_other_entries_keep_theirs(entry):
    ana = arrive(entry, b"ana")
    for number in range(6):
        vote(entry, b"voter %d" % number, ana if number % 2 else "", ("wa", "fb", "")[number % 3])
    other = make_entry(make_contest())
    vote(other, b"somebody", tag="x")
    held = db.session.query(Vote).filter_by(entry_id=entry.id).order_by(Vote.id).first()
    held.state = "held"
    db.session.commit()
    rows = count_votes_by_channel(entry.id)
    assert sum(row.first for row in rows) == sum(row.last for row in rows) == 5
    assert count_votes_by_channel(other.id) == [ChannelVotes("x", 1, 1)]
    assert count_votes_by_channel(entry.id + 1000) == []
