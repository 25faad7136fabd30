"""The beacon: who is counted, who is not, and what the answer carries."""

import re
import secrets
from datetime import timedelta

import pytest
from sqlalchemy import select

from quilt.arrivals.models import Arrival, NotCounted
from quilt.database import db
from quilt.web.clock import now
from quilt.web.tickets import issue_ticket
from tests.factories import make_entry

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PEOPLE = {
    "Instagram": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 330.0.3.30.89 (iPhone14,5; iOS 17_5; en_US)",
    "Facebook": "Mozilla/5.0 (Linux; Android 14; SM-S911B; wv) AppleWebKit/537.36 Version/4.0 Chrome/125.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/465.0.0.0;]",
    "CUBOT": "Mozilla/5.0 (Linux; Android 9; CUBOT_X18_Plus) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Mobile Safari/537.36",
}
ROBOTS = {
    "Facebook's preview": "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Slack": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Bluesky": "Mozilla/5.0 (compatible; Bluesky Cardyb/1.1; +mailto:support@bsky.app)",
    "Googlebot": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "nobody": "",
}


def open_page(client, entry, path="", agent=FIREFOX):
    page = client.get(path or f"/entries/{entry.id}-{entry.slug}", headers={"User-Agent": agent})
    assert page.status_code == 200
    told = {name: re.search(rf'data-{name}="([^"]*)"', page.text)[1] for name in ("ticket", "via", "channel")}
    return {**told, "aged": {told["ticket"]: make_ticket(client, entry, seconds_ago=2)}}


def make_ticket(client, entry, seconds_ago=0.0, person=""):
    """A ticket as the page of a moment ago would have it; `person` is the id of whoever is signed in."""
    settings, moment = client.application.extensions["quilt_settings"], now() - timedelta(seconds=seconds_ago)
    return issue_ticket(entry.id, person, settings.secret_key, moment, secrets.token_bytes)


def send_beacon(client, entry, page, agent=FIREFOX, headers=None, **changes):
    told = {"entry": entry.id, "visible": True, "prerendering": False, "dwell": 1200, **page, **changes}
    told["ticket"] = told.pop("aged", {}).get(
        told["ticket"], told["ticket"]
    )  # as if the page were two seconds old
    return client.post("/arrivals", json=told, headers={"User-Agent": agent, **(headers or {})})


def reasons():
    return dict(db.session.execute(select(NotCounted.reason, NotCounted.visits_count)).all())


def count_arrivals():
    return db.session.query(Arrival).count()


def test_the_answer_carries_the_visitor_s_own_link_and_a_cookie_of_codes(client):
    entry = make_entry()
    answer = send_beacon(client, entry, open_page(client, entry))
    arrival = db.session.scalars(select(Arrival)).one()
    assert answer.json == {
        "counted": True,
        "is_new": True,
        "code": arrival.code,
        "path": f"/s/{arrival.code}",
    }
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"quilt_codes={entry.id}.{arrival.code}.")
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Max-Age=604800" in cookie


def test_who_comes_by_a_link_hangs_below_its_owner(app, client):
    entry = make_entry()
    first = send_beacon(client, entry, open_page(client, entry)).json
    other, agent = app.test_client(), PEOPLE["CUBOT"]
    page = open_page(other, entry, f"{first['path']}?c=wa", agent)
    assert (page["via"], page["channel"]) == (first["code"], "wa")
    send_beacon(other, entry, page, agent)
    child = db.session.scalars(select(Arrival).order_by(Arrival.id.desc())).first()
    parent = db.session.scalars(select(Arrival).where(Arrival.code == first["code"])).one()
    assert (child.parent_id, child.depth, child.channel) == (parent.id, 2, "wa")


@pytest.mark.parametrize("name", PEOPLE)
def test_in_app_browsers_are_people(client, name):
    entry = make_entry()
    page = open_page(client, entry, agent=PEOPLE[name])
    assert send_beacon(client, entry, page, PEOPLE[name]).json["counted"] is True


@pytest.mark.parametrize("name", ROBOTS)
def test_robots_and_previews_are_numbers_by_reason(client, name):
    entry = make_entry()
    page = open_page(client, entry, agent=ROBOTS[name])
    assert send_beacon(client, entry, page, ROBOTS[name]).json["counted"] is False
    assert count_arrivals() == 0 and sum(reasons().values()) == 1


@pytest.mark.parametrize(
    "changes, headers, reason",
    [
        ({"visible": False}, {}, "hidden"),
        ({"prerendering": True}, {}, "prerendered"),
        ({"dwell": 400}, {}, "too_quick"),
        ({"dwell": None}, {}, "too_quick"),
        ({"dwell": "NaN"}, {}, "too_quick"),
        ({"ticket": ""}, {}, "nonce_missing"),
        ({"ticket": "A" * 43}, {}, "nonce_forged"),
        ({"ticket": "<script>"}, {}, "nonce_forged"),
        ({}, {"Sec-Purpose": "prefetch"}, "prefetch"),
        ({}, {"X-Moz": "prefetch"}, "prefetch"),
    ],
)
def test_what_is_no_visit_is_not_counted(client, changes, headers, reason):
    entry = make_entry()
    page = {**open_page(client, entry), **changes}
    answer = send_beacon(client, entry, page, headers=headers)
    assert answer.json == {"counted": False, "reason": reason}
    assert reasons() == {reason: 1} and count_arrivals() == 0


def test_a_page_cannot_have_been_seen_longer_than_it_exists(client):
    entry = make_entry()
    page = client.get(f"/entries/{entry.id}-{entry.slug}", headers={"User-Agent": FIREFOX})
    ticket = re.search(r'data-ticket="([^"]*)"', page.text)[1]
    answer = send_beacon(client, entry, {"ticket": ticket, "via": "", "channel": ""}, dwell=5000)
    assert answer.json["counted"] is False or now().microsecond < 300_000  # the ticket knows whole seconds
    assert count_arrivals() <= 1


def test_one_page_s_forms_add_one_person(app, client):
    entry = make_entry()
    ticket = open_page(client, entry)["ticket"]
    for number in range(5):
        agent = {"User-Agent": FIREFOX.replace("140.0", f"13{number}.0")}
        app.test_client().post(f"/entries/{entry.id}/share", data={"ticket": ticket}, headers=agent)
    assert count_arrivals() == 1 and reasons() == {"nonce_used": 4}


@pytest.mark.parametrize(
    "agent", ["x", "Java/17", "Ruby", "PHP/8", "Dalvik/2.1.0", "Mozilla/5.0", "PostmanRuntime/7"]
)
def test_what_is_no_browser_is_a_robot(client, agent):
    entry = make_entry()
    page = open_page(client, entry, agent=agent)
    assert send_beacon(client, entry, page, agent).json["reason"] == "robot"


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "http://a]b", "//", "\\"])
def test_an_origin_that_is_no_address_is_refused(client, origin):
    entry = make_entry()
    assert send_beacon(client, entry, open_page(client, entry), headers={"Origin": origin}).status_code == 403


def test_a_ticket_of_another_entry_counts_nothing(client):
    entry, other = make_entry(), make_entry()
    assert send_beacon(client, entry, open_page(client, other)).json["reason"] == "nonce_forged"


def test_another_site_s_page_is_refused(client):
    entry = make_entry()
    page = open_page(client, entry)
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert send_beacon(client, entry, page, headers=headers).status_code == 403
    assert count_arrivals() == 0 and reasons() == {"foreign_origin": 3}


def test_the_same_beacon_twice_and_a_second_tab_are_one_person(client):
    entry = make_entry()
    page, second_tab = open_page(client, entry), open_page(client, entry)
    codes = {send_beacon(client, entry, tab).json["code"] for tab in (page, page, second_tab)}
    assert len(codes) == 1 == count_arrivals()


def test_one_s_own_link_adds_nobody(client):
    entry = make_entry()
    first = send_beacon(client, entry, open_page(client, entry)).json
    again = send_beacon(client, entry, open_page(client, entry, first["path"])).json
    assert again["code"] == first["code"] and not again["is_new"]


@pytest.mark.parametrize(
    "body", ["", "[]", "null", '"x"', "{", '{"entry": true}', '{"entry": "1"}', "[" * 5000]
)
def test_unreadable_beacons(client, body):
    make_entry()
    answer = client.post(
        "/arrivals", data=body, headers={"User-Agent": FIREFOX, "Content-Type": "application/json"}
    )
    assert answer.status_code == 400


def test_what_is_no_text_is_none(client):
    entry = make_entry()
    page = {**open_page(client, entry), "channel": None, "via": 7}
    assert send_beacon(client, entry, page).json["counted"] is True
    assert db.session.scalars(select(Arrival.channel)).one() == ""


def test_get_and_head_count_nothing(client):
    entry = make_entry()
    for path in (f"/s/own{entry.id:08}", f"/entries/{entry.id}-{entry.slug}"):
        assert client.head(path, headers={"User-Agent": FIREFOX}).status_code == 200
        assert client.get(path, headers={"User-Agent": FIREFOX}).status_code == 200
    assert client.get("/arrivals").status_code == 405
    assert count_arrivals() == 0 == sum(reasons().values())


@pytest.mark.parametrize("kind, mark", [("svg", b"<svg"), ("png", b"\x89PNG")])
def test_the_link_as_qr_code(client, kind, mark):
    entry = make_entry()
    answer = client.get(f"/s/own{entry.id:08}/qr.{kind}")
    assert answer.status_code == 200 and answer.data.startswith(mark)
    assert client.get("/s/unknown0000/qr.svg").status_code == 404
