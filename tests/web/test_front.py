"""What a crowd sends at once is answered in front of Flask; whatever is not plain comes through as it was sent."""

import io
import json
import secrets
import time
from functools import partial

import pytest
from sqlalchemy import select

from quilt.arrivals.models import Arrival
from quilt.database import db
from quilt.extensions import limiter
from quilt.web.front import MOST_BYTES, Front
from quilt.web.signing_in import _read_session
from quilt.web.site import votes
from tests.factories import make_entry, make_user
from tests.live import sign_cookie
from tests.web.site.test_arrivals import FIREFOX, open_page
from tests.web.site.test_votes import open_contest


def send(app, path, body=b"", method="POST", **environ):
    """Posts to a WSGI application: returns (status, headers, body), or None where the answer comes later."""
    told = []
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "HTTP_HOST": "localhost", "wsgi.url_scheme": "http", "REMOTE_ADDR": "192.0.2.7",
        "HTTP_USER_AGENT": FIREFOX, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body), **environ,
    }  # fmt: skip
    answer = b"".join(app(environ, lambda status, headers, error=None: told.append((status, headers))))
    return (told[0][0], dict(told[0][1]), answer) if told else None


@pytest.fixture
def ask(app):
    """Posts to the front alone: returns (status, headers, body), or the body that came through to what stands behind."""

    def behind(environ, start_response):
        start_response("200 OK", [("Came", "through")])
        return [environ["wsgi.input"].read()]

    front = Front(app, behind)

    return partial(send, front)


def beacon(client, entry):
    page = open_page(client, entry)
    told = {
        "entry": entry.id,
        "ticket": page["aged"][page["ticket"]],  # as if the page were two seconds old
        "visible": True,
        "prerendering": False,
        "dwell": 1500,
    }
    return json.dumps(told).encode()


def test_a_beacon_is_answered_here_with_every_header_it_needs(app, client, ask):
    entry = make_entry(open_contest())
    status, headers, body = ask("/arrivals", beacon(client, entry), CONTENT_TYPE="application/json")
    db.session.rollback()
    told, arrival = json.loads(body), db.session.scalars(select(Arrival)).one()
    assert status == "200 OK" and "Came" not in headers
    assert told == {"counted": True, "is_new": True, "code": arrival.code, "path": f"/s/{arrival.code}"}
    assert headers["Set-Cookie"].startswith(f"quilt_codes={entry.id}.{arrival.code}.")
    assert headers["Set-Cookie"].endswith("; HttpOnly; SameSite=Lax")
    assert headers["Cache-Control"] == "no-store" and headers["X-Content-Type-Options"] == "nosniff"
    assert len(headers["X-Request-Id"]) == 12


def test_the_vote_of_a_signed_in_person_is_answered_here(app, client, ask):
    entry, voter = make_entry(open_contest()), make_user()
    client.set_cookie("quilt_session", sign_cookie(app, voter.id).partition("=")[2])
    ticket = open_page(client, entry)["ticket"]
    environ = {
        "CONTENT_TYPE": "application/x-www-form-urlencoded", "HTTP_COOKIE": sign_cookie(app, voter.id),
        "HTTP_ACCEPT": "application/json",
    }  # fmt: skip
    path, form = f"/entries/{entry.id}/vote", f"ticket={ticket}&via=&c=".encode()
    status, _, body = ask(path, form, **environ)
    assert status == "201 CREATED" and len(json.loads(body)["receipt"]) == 24
    # The second is refused: the view behind has the words.
    assert ask(path, form, **environ)[1:] == ({"Came": "through"}, form)


def test_a_flood_of_votes_is_counted_once_a_request(app, client):
    """Whether a vote is answered in front or behind, the same gate has let it in."""
    entry, address = make_entry(open_contest()), f"2001:db8::{secrets.token_hex(2)}"
    if time.monotonic() % 60 > 57:
        time.sleep(3)  # the gate counts by minutes
    for _ in range(votes.LIMIT - 3):
        votes._gate.lets_in(address, time.monotonic())
    was_on, limiter.enabled = limiter.enabled, True  # one limiter serves every application of a process
    try:
        client.set_cookie("quilt_session", sign_cookie(app, make_user().id).partition("=")[2])
        told = [
            client.post(
                f"/entries/{entry.id}/vote", data={"ticket": "old"}, environ_base={"REMOTE_ADDR": address}
            )
            for _ in range(5)
        ]
    finally:
        limiter.enabled = was_on
    assert [answer.status_code == 429 for answer in told] == [False] * 3 + [True] * 2


def test_whatever_is_not_plain_comes_through_as_it_was_sent(app, client, ask):
    entry = make_entry(open_contest())
    body = beacon(client, entry)
    plain = {"CONTENT_TYPE": "application/json"}
    for changes in (
        {"method": "GET"},
        {"QUERY_STRING": "a=1"},
        {"CONTENT_LENGTH": ""},
        {"CONTENT_LENGTH": "١"},
        {"CONTENT_LENGTH": str(MOST_BYTES + 1)},
        {"HTTP_ORIGIN": "https://elsewhere.example"},
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"CONTENT_TYPE": "text/plain"},
    ):
        _, headers, through = ask("/arrivals", body, **{**plain, **changes})
        assert (headers, through) == ({"Came": "through"}, body), changes
    for path in ("/arrivals/", "/entries/0/vote", f"/entries/{entry.id}/vote/confirm", "/entries/x/vote"):
        assert ask(path, body, **plain)[1] == {"Came": "through"}, path
    assert ask("/arrivals", b"{", **plain)[1:] == ({"Came": "through"}, b"{")
    assert ask(f"/entries/{entry.id}/vote", b"ticket=x", **plain)[1] == {
        "Came": "through"
    }  # nobody is signed in


def test_a_body_that_breaks_off_counts_for_nothing(app, client, ask):
    entry = make_entry(open_contest())
    body = beacon(client, entry)
    status, _, _ = ask("/arrivals", body, CONTENT_TYPE="application/json", CONTENT_LENGTH=str(len(body) + 1))
    assert status == "400 BAD REQUEST"
    assert ask("/arrivals", body, CONTENT_LENGTH="0" * 5000 + "9")[1] == {"Came": "through"}


def test_nobody_takes_a_place_in_the_tree_by_its_public_code(app, client, ask):
    entry = make_entry(open_contest())
    ask("/arrivals", beacon(client, entry), CONTENT_TYPE="application/json")
    db.session.rollback()
    victim = db.session.scalars(select(Arrival)).one()
    for cookie in (f"{entry.id}.{victim.code}", f"{entry.id}.{victim.code}.{'A' * 11}"):
        _, _, body = ask(
            "/arrivals", beacon(client, entry), CONTENT_TYPE="application/json",
            HTTP_COOKIE=f"quilt_codes={cookie}", REMOTE_ADDR=f"192.0.2.{len(cookie)}",
        )  # fmt: skip
        told = json.loads(body)
        assert told["is_new"] and told["code"] != victim.code
    _, headers, body = ask(
        "/arrivals", beacon(client, entry), CONTENT_TYPE="application/json", REMOTE_ADDR="192.0.2.99"
    )
    own, cookie = json.loads(body), headers["Set-Cookie"].partition(";")[0]
    _, headers, body = ask(
        "/arrivals", beacon(client, entry), CONTENT_TYPE="application/json", HTTP_COOKIE=cookie,
        REMOTE_ADDR="192.0.2.100",
    )  # fmt: skip
    assert json.loads(body) == {**own, "is_new": False} and "Set-Cookie" not in headers


def test_long_names_of_browsers_and_foreign_cookies_cost_nothing(app, client, ask):
    entry = make_entry(open_contest())
    body, began = beacon(client, entry), time.perf_counter()
    ask(
        "/arrivals", body, CONTENT_TYPE="application/json", HTTP_USER_AGENT=FIREFOX + "1." * 200_000,
        HTTP_COOKIE="quilt_session=" + "x" * 300_000,
    )  # fmt: skip
    assert time.perf_counter() - began < 1
    known = _read_session.cache_info().currsize
    ask("/arrivals", body, CONTENT_TYPE="application/json", HTTP_COOKIE="quilt_session=nonsense")
    assert _read_session.cache_info().currsize == known
