"""A burst raises one alert and holds nothing; a notice is printed on it."""

from datetime import timedelta

import pytest

from quilt.database import db, transaction
from quilt.integrity import alerts
from quilt.integrity.alerts import NoticeRefused, add_notice, list_notices, raise_alerts
from quilt.integrity.desk import describe_makeup, find_evidence, list_entries, list_hours, list_votes
from quilt.integrity.privacy import forget_appeals, tell_appeals, tell_notices
from tests.conftest import NOW
from tests.integrity.casting import BOT, cast, close_batch, states


@pytest.fixture
def burst(entry, contest):
    ids = [cast(entry, contest, at=NOW + timedelta(seconds=10 * n), has_played=True) for n in range(14)]
    ids.append(cast(entry, contest, at=NOW + timedelta(seconds=150), **BOT))
    return ids


def list_alerts(contest, since):
    db.session.rollback()
    return alerts.list_alerts(contest.id, since)


def test_a_burst_raises_one_alert_and_holds_nothing(entry, contest, burst):
    moment = NOW + timedelta(minutes=5)
    assert [raise_alerts(moment), raise_alerts(moment)] == [1, 0]
    alert = list_alerts(contest, NOW - timedelta(hours=1))[0]
    assert (alert.votes_count, alert.starts_at, alert.notice) == (15, NOW, "")
    assert set(states().values()) == {"recorded"}


def test_votes_at_their_usual_rate_are_no_alert(entry, contest):
    for n in range(40):
        cast(entry, contest, at=NOW - timedelta(minutes=30 * n))
    assert raise_alerts(NOW + timedelta(minutes=1)) == 0


def test_a_notice_stands_on_the_alert_and_changes_nothing_else(entry, contest, burst):
    add_notice(
        entry.id, starts_at=NOW, people=400, words=" Mail to  all staff ", author_id=entry.entrant_id, now=NOW
    )
    assert raise_alerts(NOW + timedelta(minutes=5)) == 1
    assert list_alerts(contest, NOW)[0].notice == "Mail to all staff (about 400 people)"
    assert [notice.people_count for notice in list_notices(entry.id)] == [400]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"words": " "}, "words"),
        ({"words": "x" * 301}, "words"),
        ({"people": 0}, "people"),
        ({"people": 10_000_001}, "people"),
        ({"starts_at": NOW + timedelta(days=400)}, "starts_at"),
    ],
)
def test_a_notice_that_will_not_do(entry, changes, field):
    facts = {"starts_at": NOW, "people": 4, "words": "A mail", "author_id": entry.entrant_id, "now": NOW}
    with pytest.raises(NoticeRefused) as refusal:
        add_notice(entry.id, **{**facts, **changes})
    assert refusal.value.field == field and list_notices(entry.id) == []


def test_what_the_desk_sees_of_a_burst(entry, contest, burst):
    close_batch(contest)
    votes = list_votes(entry.id, NOW, NOW + timedelta(hours=1))
    makeup = describe_makeup(votes)
    assert (makeup.votes, makeup.played, makeup.unplayed) == (15, 14, 1)
    assert makeup.states == {"counted": 14, "held": 1}
    assert [(part.votes, part.doubted) for part in makeup.devices] == [(15, 1)]
    assert makeup.domains[0].label == "example.org" and makeup.lineages[0].label == "By nobody’s link"
    assert "example" not in makeup.domains[0].key, "addresses of pages land in logs"
    assert len(list_votes(entry.id, NOW, NOW + timedelta(hours=1), makeup.domains[0].key)) == 15
    for nobodys in (
        "domain:999999",
        "domain:example.org",
        "domain:9" + "9" * 40,
        "domain:²",
        "foo:1",
        "domain",
    ):
        assert list_votes(entry.id, NOW, NOW + timedelta(hours=1), nobodys) == []
    assert len(list_votes(entry.id, NOW, NOW + timedelta(hours=1), "state:held")) == 1
    assert len(list_votes(entry.id, NOW, NOW + timedelta(hours=1), makeup.networks[0].key)) == 15
    assert list_votes(entry.id, NOW + timedelta(hours=1), NOW + timedelta(hours=2)) == []
    line = list_entries(contest.id)[0]
    assert (line.standing, line.held, line.rejected) == (14, 1, 0)
    hours = list_hours(contest.id, NOW - timedelta(hours=1), NOW + timedelta(hours=1))
    assert [(hour.standing, hour.doubted) for hour in hours] == [(0, 0), (14, 1)]


def test_everything_about_one_vote(entry, contest, burst):
    close_batch(contest)
    seen = find_evidence(burst[-1])
    assert seen.finding.find_reason is not None and "hasty" in seen.finding.signs
    assert [(row.before, row.after, row.actor) for row in seen.decisions] == [("recorded", "held", "rules")]
    assert seen.vote.cast.form_age == 1.0 and find_evidence(10**9) is None


def test_a_copy_holds_their_mailings_and_leaving_lets_go_of_them(entry):
    add_notice(entry.id, starts_at=NOW, people=4, words="A mail", author_id=entry.entrant_id, now=NOW)
    db.session.rollback()
    assert [row["words"] for row in tell_notices(db.session(), entry.entrant_id)] == ["A mail"]
    assert list(tell_appeals(db.session(), entry.entrant_id)) == []
    db.session.rollback()
    with transaction() as session:
        forget_appeals(session, entry.entrant_id, NOW)
    assert [notice.author_id for notice in list_notices(entry.id)] == [None]
