"""Voting through the pages: address, code, receipt; one click for those who are signed in."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from quilt.arrivals.models import Arrival
from quilt.database import db
from quilt.mail import MailMessage
from quilt.votes.models import EntryTally, Vote
from quilt.web.clock import now
from tests.factories import make_contest, make_entry, make_user
from tests.live import sign_cookie
from tests.web.site.test_arrivals import FIREFOX, open_page

HEADERS = {"User-Agent": FIREFOX}


def open_contest(**values):
    """A contest that is open at this very moment: the pages look at the real clock."""
    moment = now()
    times = {"opens": moment - timedelta(days=1), "closes": moment + timedelta(days=1)}
    return make_contest(**{**times, **values})


def ask_for_code(client, entry, email="ana@example.org", **changes):
    form = {"ticket": open_page(client, entry)["ticket"], "email": email, **changes}
    return client.post(f"/entries/{entry.id}/vote", data=form, headers=HEADERS)


def read_code():
    mail = db.session.scalars(select(MailMessage).order_by(MailMessage.id.desc())).first()
    return re.search(r"\b(\d{4}) ?(\d{4})\b", mail.text)


def confirm(client, entry, code=None):
    page = client.get(f"/entries/{entry.id}/vote/confirm", headers=HEADERS)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]
    code = code or "".join(read_code().groups())
    data = {"csrf_token": token, "code": code}
    return client.post(f"/entries/{entry.id}/vote/confirm", data=data, headers=HEADERS)


def count_votes():
    return db.session.query(Vote).count()


def test_a_vote_from_address_to_receipt(client):
    entry = make_entry(open_contest(), thanks="Thank you from all of us.")
    asked = ask_for_code(client, entry)
    assert asked.status_code == 303 and asked.headers["Location"] == f"/entries/{entry.id}/vote/confirm"
    assert count_votes() == 0
    done = confirm(client, entry)
    assert done.status_code == 303
    page = client.get(done.headers["Location"], headers=HEADERS)
    vote = db.session.scalars(select(Vote)).one()
    assert vote.receipt in page.text and "Thank you from all of us." in page.text
    assert db.session.get(EntryTally, entry.id).standing == 1
    arrival = db.session.scalars(select(Arrival)).one()
    assert vote.arrival_id == arrival.id and f"/s/{arrival.code}" in page.text


def test_the_vote_of_somebody_who_came_by_a_link_is_attributed_without_a_script(app, client):
    entry = make_entry(open_contest())
    ask_for_code(client, entry)
    confirm(client, entry)
    sharer = db.session.scalars(select(Arrival)).one()
    friend, agent = app.test_client(), {"User-Agent": FIREFOX + " friend"}
    page = open_page(friend, entry, f"/s/{sharer.code}?c=fb", agent["User-Agent"])
    data = {"ticket": page["ticket"], "via": page["via"], "c": page["channel"], "email": "ben@example.org"}
    friend.post(f"/entries/{entry.id}/vote", data=data, headers=agent)
    shown = friend.get(f"/entries/{entry.id}/vote/confirm", headers=agent)
    token = re.search(r'name="csrf_token" value="([^"]+)"', shown.text)[1]
    code = "".join(read_code().groups())
    friend.post(f"/entries/{entry.id}/vote/confirm", data={"csrf_token": token, "code": code}, headers=agent)
    vote = db.session.scalars(select(Vote).order_by(Vote.id.desc())).first()
    arrival = db.session.get(Arrival, vote.arrival_id)
    assert (arrival.parent_id, arrival.depth, arrival.channel) == (sharer.id, 2, "fb")
    assert (vote.last_code, vote.last_channel) == (sharer.code, "fb")


def test_a_second_try_says_when_the_first_was_cast(client):
    entry = make_entry(open_contest(period="day", limit_count=None))
    ask_for_code(client, entry)
    confirm(client, entry)
    ticket = open_page(client, entry)["ticket"]
    again = client.post(f"/entries/{entry.id}/vote", data={"ticket": ticket}, headers=HEADERS)
    assert again.status_code == 200 and "You voted for this entry on" in again.text
    assert "You can vote again from" in again.text
    assert count_votes() == 1


@pytest.mark.parametrize("state", ["recorded", "held", "counted", "rejected"])
def test_a_second_try_does_not_tell_what_became_of_the_first(client, state):
    entry = make_entry(open_contest())
    ask_for_code(client, entry)
    confirm(client, entry)
    db.session.execute(update(Vote).values(state=state))
    db.session.commit()
    ticket = open_page(client, entry)["ticket"]
    again = client.post(f"/entries/{entry.id}/vote", data={"ticket": ticket}, headers=HEADERS)
    assert "We have that vote, and your receipt shows what became of it." in again.text
    assert "vote counts" not in again.text


def test_signed_in_people_vote_with_one_click(app, client):
    entry, voter = make_entry(open_contest()), make_user()
    client.set_cookie("quilt_session", sign_cookie(app, voter.id).partition("=")[2])
    page = client.get(f"/entries/{entry.id}-{entry.slug}", headers=HEADERS)
    ticket = re.search(r'data-ticket="([^"]+)"', page.text)[1]
    headers = {**HEADERS, "Accept": "application/json"}
    first = client.post(f"/entries/{entry.id}/vote", data={"ticket": ticket}, headers=headers)
    again = client.post(f"/entries/{entry.id}/vote", data={"ticket": ticket}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json["receipt"] == again.json["receipt"]
    assert "Your vote is sewn in" in client.get(f"/entries/{entry.id}-{entry.slug}", headers=HEADERS).text


@pytest.mark.parametrize(
    "email, words", [("", "Enter an e-mail address."), ("plainaddress", "does not look like")]
)
def test_a_wrong_address_is_kept_in_the_form(client, email, words):
    entry = make_entry(open_contest())
    answer = ask_for_code(client, entry, email)
    assert answer.status_code == 422 and words in answer.text and f'value="{email}"' in answer.text


def test_a_wrong_code_keeps_the_vote_waiting(client):
    entry = make_entry(open_contest())
    ask_for_code(client, entry)
    right = "".join(read_code().groups())
    wrong = confirm(client, entry, "00000000" if right != "00000000" else "11111111")
    assert wrong.status_code == 422 and "still waiting" in wrong.text
    assert confirm(client, entry, right).status_code == 303 and count_votes() == 1


def test_a_code_works_only_in_the_browser_that_asked(app, client):
    entry = make_entry(open_contest())
    ask_for_code(client, entry)
    stranger = app.test_client()
    stranger.get("/sign-in", headers=HEADERS)
    answer = stranger.get(f"/entries/{entry.id}/vote/confirm", headers=HEADERS)
    assert (answer.status_code, answer.location) == (302, f"/entries/{entry.id}-{entry.slug}")


@pytest.mark.parametrize(
    "times, words",
    [
        ({"opens": timedelta(days=1), "closes": timedelta(days=2)}, "Voting"),
        ({"opens": timedelta(days=-2), "closes": timedelta(days=-1)}, "Voting closed"),
    ],
)
def test_before_and_after_the_vote_nothing_is_cast(app, client, times, words):
    moment = now()
    entry = make_entry(make_contest(**{name: moment + delta for name, delta in times.items()}))
    voter = make_user()
    client.set_cookie("quilt_session", sign_cookie(app, voter.id).partition("=")[2])
    page = client.get(f"/entries/{entry.id}-{entry.slug}", headers=HEADERS)
    ticket = re.search(r'data-ticket="([^"]+)"', page.text)[1]
    answer = client.post(f"/entries/{entry.id}/vote", data={"ticket": ticket}, headers=HEADERS)
    assert answer.status_code == 409 and words in answer.text and count_votes() == 0


def test_nobody_is_mailed_a_code_for_a_vote_that_is_closed(client):
    moment = now()
    entry = make_entry(make_contest(opens=moment - timedelta(days=2), closes=moment - timedelta(days=1)))
    ticket = open_page(client, entry)["ticket"]
    answer = client.post(
        f"/entries/{entry.id}/vote", data={"ticket": ticket, "email": "ana@example.org"}, headers=HEADERS
    )
    assert answer.status_code == 409 and "Voting closed" in answer.text
    assert db.session.query(MailMessage).count() == 0


def test_who_asked_for_json_gets_json(client):
    entry = make_entry(open_contest())
    headers = {**HEADERS, "Accept": "application/json"}
    for form, status in (
        ({"ticket": "x"}, 403),
        ({"ticket": open_page(client, entry)["ticket"], "email": "no"}, 422),
    ):
        answer = client.post(f"/entries/{entry.id}/vote", data=form, headers=headers)
        assert (answer.status_code, answer.mimetype) == (status, "application/json") and answer.json["detail"]


def test_the_own_entry(app, client):
    entrant = make_user()
    entry = make_entry(open_contest(), entrant)
    client.set_cookie("quilt_session", sign_cookie(app, entrant.id).partition("=")[2])
    page = client.get(f"/entries/{entry.id}-{entry.slug}", headers=HEADERS)
    assert "This is your entry" in page.text
    ticket = re.search(r'data-ticket="([^"]+)"', page.text)[1]
    assert (
        client.post(f"/entries/{entry.id}/vote", data={"ticket": ticket}, headers=HEADERS).status_code == 403
    )


@pytest.mark.parametrize("ticket", ["", "A" * 43, "x"])
def test_without_our_ticket_one_more_click_is_asked_for(client, ticket):
    entry = make_entry(open_contest())
    data = {"ticket": ticket, "email": "ana@example.org"}
    answer = client.post(f"/entries/{entry.id}/vote", data=data, headers=HEADERS)
    assert answer.status_code == 403 and 'value="ana@example.org"' in answer.text
    assert db.session.query(MailMessage).count() == 0


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "patch"])
def test_nothing_but_a_post_votes(client, method):
    entry = make_entry(open_contest())
    assert getattr(client, method)(f"/entries/{entry.id}/vote").status_code == 405


def test_the_share_page_without_a_script_gives_a_link_of_one_s_own(client):
    entry = make_entry(open_contest())
    ticket = open_page(client, entry)["ticket"]
    answer = client.post(f"/entries/{entry.id}/share", data={"ticket": ticket}, headers=HEADERS)
    page = client.get(answer.headers["Location"], headers=HEADERS)
    arrival = db.session.scalars(select(Arrival)).one()
    assert f"/s/{arrival.code}" in page.text
    assert (
        f"https://wa.me/?text=Mateo%27s%20first%20steps%3A%20watch%20it%2C%20and%20give%20it%20your%20vote.%20http%3A%2F%2Flocalhost%2Fs%2F{arrival.code}%3Fc%3Dwa"
        in page.text
    )
    assert f"/s/{arrival.code}/qr.svg" in page.text
    masto = client.get(f"/entries/{entry.id}/share?instance=mastodon.social", headers=HEADERS).text
    assert "https://mastodon.social/share?text=" in masto
    for bad in ("javascript:alert(1)", "evil", "a.b/c?", "-x.org"):
        assert (
            "share?text="
            not in client.get(
                f"/entries/{entry.id}/share", query_string={"instance": bad}, headers=HEADERS
            ).text
        )
