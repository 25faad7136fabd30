"""What a vote through the pages keeps of how it was cast; a page without a script tells less, and that is fine."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from quilt.database import db
from quilt.integrity.verdicts import judge_batch
from quilt.votes.evidence import NO_MARK, unpack_evidence
from quilt.votes.models import Vote
from quilt.web import clock
from quilt.web.site import votes as votes_view
from tests.factories import make_entry, make_user
from tests.live import sign_cookie
from tests.web.site.test_arrivals import FIREFOX, make_ticket, open_page
from tests.web.site.test_votes import ask_for_code, confirm, open_contest

HEADERS = {"User-Agent": FIREFOX, "Accept-Language": "en"}


def read_evidence():
    packed = db.session.scalars(select(Vote.evidence)).one()
    assert packed is not None and len(packed) <= 200 and b"Firefox" not in packed
    return unpack_evidence(packed)


def test_a_vote_by_code_keeps_what_the_page_told(client):
    entry = make_entry(open_contest())
    ask_for_code(client, entry, played="1", dwell="800", ticket=make_ticket(client, entry, seconds_ago=20))
    confirm(client, entry)
    told = read_evidence()
    assert told.has_played is True and told.dwell == 0.8 and 20 <= told.form_age < 60
    assert told.code_wait is not None and 0 <= told.code_wait < 60
    assert NO_MARK not in told.marks and not told.by_link


def test_without_a_script_it_is_unknown(client):
    entry = make_entry(open_contest())
    ask_for_code(client, entry)
    confirm(client, entry)
    told = read_evidence()
    assert told.has_played is None and told.dwell is None


@pytest.mark.parametrize("dwell", ["-5", "1e9", "x", "9" * 12, "٣"])
def test_what_no_page_says_is_unknown(client, dwell):
    entry = make_entry(open_contest())
    ask_for_code(client, entry, dwell=dwell, played="maybe")
    confirm(client, entry)
    assert read_evidence().dwell is None and read_evidence().has_played is None


def test_nobody_stays_longer_than_the_page_is_old(client):
    entry = make_entry(open_contest())
    ask_for_code(client, entry, dwell="900000")
    confirm(client, entry)
    assert read_evidence().dwell < 60


def test_a_signed_in_vote_in_one_click_keeps_it_too(app):
    entry, user = make_entry(open_contest()), make_user()
    client = app.test_client()
    name, _, value = sign_cookie(app, user.id).partition("=")
    client.set_cookie(name, value)
    page = open_page(client, entry)
    form = {"ticket": page["ticket"], "via": "", "played": "0", "dwell": "600"}
    answer = client.post(f"/entries/{entry.id}/vote", data=form, headers=HEADERS)
    assert answer.status_code == 303
    told = read_evidence()
    assert told.has_played is False and told.dwell == 0.6 and told.code_wait is None and told.has_language


def test_D29_a_field_that_people_do_not_see_is_filled_in(app, client):
    """However much like a person it looks otherwise: the answer is everybody's, and the next batch holds the vote."""
    entry, user = make_entry(open_contest()), make_user()
    told = {"message": "Nice site!", "played": "1", "dwell": "9000"}
    assert 'name="message"' in client.get(f"/entries/{entry.id}-{entry.slug}").text
    assert 'name="message"' in ask_for_code(client, entry, "plainaddress").text
    ask_for_code(client, entry, **told)
    confirm(client, entry)
    client.set_cookie("quilt_session", sign_cookie(app, user.id).partition("=")[2])
    page = open_page(client, entry)
    assert 'name="message"' in client.get(f"/entries/{entry.id}-{entry.slug}", headers=HEADERS).text
    names = {**HEADERS, "Accept": "application/json"}
    form = {"ticket": page["ticket"], **told}
    answer = client.post(f"/entries/{entry.id}/vote", data=form, headers=names)
    assert answer.status_code == 201 and answer.json.keys() == {"receipt", "cast_at", "path"}
    votes = list(db.session.scalars(select(Vote.id)))
    with db.engine.connect() as connection:
        verdicts = judge_batch(connection, entry.contest_id, votes)
    assert [(verdicts[vote].after, verdicts[vote].reason) for vote in votes] == [("held", "decoy")] * 2


def test_D29_a_form_sent_back_at_once_is_recorded_like_any_other_and_held_by_the_batch(app, monkeypatch):
    """Who sends it learns nothing by the answer, and what it says of a film that nobody can have seen is not believed."""
    contest = open_contest()
    entry, users = make_entry(contest), [make_user(), make_user()]
    answers = []
    for user, told in zip(users, ({}, {"played": "1", "dwell": "9000"}), strict=True):
        client = app.test_client()
        client.set_cookie("quilt_session", sign_cookie(app, user.id).partition("=")[2])
        names = {"User-Agent": FIREFOX, "Accept": "application/json", "Accept-Language": "en"}
        form = {"ticket": make_ticket(client, entry, person=str(user.id)), **told}
        soon = clock.now() + timedelta(milliseconds=80)
        monkeypatch.setattr(votes_view, "now", lambda soon=soon: soon)
        answers.append(client.post(f"/entries/{entry.id}/vote", data=form, headers=names))
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json.keys() == answers[1].json.keys()
    votes = {vote.receipt: vote.id for vote in db.session.scalars(select(Vote))}
    with db.engine.connect() as connection:
        verdicts = judge_batch(connection, entry.contest_id, sorted(votes.values()))
    after = [verdicts[votes[answer.json["receipt"]]].after for answer in answers]
    assert after == ["held", "held"]
