"""Connecting an account and posting from it, on the pages, against a server that plays the networks."""

import re
from datetime import timedelta

import pytest

from quilt.database import db
from quilt.shares.connections import list_connections
from quilt.shares.posting import list_posts, send_post
from quilt.web.clock import now
from tests.factories import make_contest, make_entry, make_user
from tests.shares.conftest import played, posting, visit  # noqa: F401
from tests.web.site.browsing import PERSON, make_open_contest, post, sign_in


@pytest.fixture
def site(app, posting, monkeypatch):  # noqa: F811
    """The application while every network is on."""
    monkeypatch.setitem(app.extensions, "quilt_settings", posting)
    return app


@pytest.fixture
def ana(site):
    return make_user(name="Ana")


@pytest.fixture
def client(site, ana):
    browser = site.test_client()
    sign_in(browser, ana)
    return browser


@pytest.fixture
def entry(site):
    return make_entry(make_open_contest())


def connect(client, name="x", **fields):
    """Press the button, say yes there, come back: the page one lands on."""
    page = post(client, f"/me/connections/{name}", **fields)
    assert page.status_code == 200, page.text
    assert "Nothing is posted by this" in page.text
    address = page.headers["Refresh"].removeprefix("0; url=")
    assert address.replace("&", "&amp;") in page.text and page.headers["Referrer-Policy"] == "same-origin"
    back = visit(address)
    return client.get(f"/me/connections/{name}/back", query_string=back)


def get_own_link(client, entry):
    """What somebody gets who presses the button of the share page."""
    page = client.get(f"/entries/{entry.id}/share", headers=PERSON)
    ticket = re.search(r'name="ticket" value="([^"]+)"', page.text)[1]
    client.post(f"/entries/{entry.id}/share", data={"ticket": ticket}, headers=PERSON)
    code = re.search(r'/s/([^"/?]+)"', client.get(f"/entries/{entry.id}/share", headers=PERSON).text)[1]
    return code


def test_there_and_back_and_off_again(client, ana, played, posting):  # noqa: F811
    make_open_contest()
    before = client.get("/me/connections")
    assert "Connect Mastodon" in before.text and "post what you have confirmed here" in before.text
    assert "since 2018" in before.text, "why Facebook is missing"
    landed = connect(client)
    assert (landed.status_code, landed.location) == (302, "/me/connections")
    page = client.get("/me/connections").text
    assert "X is connected. Nothing is posted" in page and "@ana" in page
    (made,) = list_connections(ana.id, posting)
    db.session.rollback()
    done = post(client, f"/me/connections/{made.id}/disconnect")
    assert done.status_code == 303
    assert "X has forgotten our key, and so have we" in client.get("/me/connections").text
    assert len(set(played.revoked)) == 1 and list_connections(ana.id, posting) == []


def test_a_server_is_asked_for_and_a_wrong_one_stands_in_the_form_again(client, played):  # noqa: F811
    make_open_contest()
    answer = post(client, "/me/connections/mastodon", where="no such place")
    assert answer.status_code == 422 and 'value="no such place"' in answer.text
    assert "We could not find that at Mastodon" in answer.text
    assert connect(client, "mastodon", where=played.address).status_code == 302


def test_a_no_at_the_network_connects_nothing(client, ana, posting):  # noqa: F811
    make_open_contest()
    page = post(client, "/me/connections/x")
    state = visit(page.headers["Refresh"].removeprefix("0; url="))["state"]
    answer = client.get("/me/connections/x/back", query_string={"error": "access_denied", "state": state})
    assert answer.status_code == 200 and "You did not give X your permission" in answer.text
    assert list_connections(ana.id, posting) == []


def test_an_answer_that_another_browser_got_is_refused(site, client, posting):  # noqa: F811
    make_open_contest()
    page = post(client, "/me/connections/x")
    back = visit(page.headers["Refresh"].removeprefix("0; url="))
    other, mallory = site.test_client(), make_user()
    sign_in(other, mallory)
    answer = other.get("/me/connections/x/back", query_string=back)
    assert answer.status_code == 400 and list_connections(mallory.id, posting) == []
    assert back["code"] not in answer.text


def test_without_a_running_contest_nothing_is_connected(client):
    make_contest(opens=now() - timedelta(days=9), closes=now() - timedelta(days=2))
    answer = post(client, "/me/connections/x")
    assert answer.status_code == 409 and "No contest is running" in answer.text


def test_a_post_from_the_share_sheet_to_its_address(client, ana, entry, played, posting):  # noqa: F811
    landed = connect(client, next=f"/entries/{entry.id}/share", entry=str(entry.id))
    assert landed.location == f"/entries/{entry.id}/share"
    code = get_own_link(client, entry)
    sheet = client.get(f"/entries/{entry.id}/share", headers=PERSON).text
    path = re.search(rf'href="(/entries/{entry.id}/post/\d+)"', sheet)[1]
    form = client.get(path, headers=PERSON).text
    assert "watch it, and give it your vote." in form and "of 280" in form
    seen = post(client, path, words="She walked.\n\nHelp us", step="preview")
    assert "This is your post" in seen.text and f"http://localhost/s/{code}?c=x" in seen.text
    assert list_posts(ana.id, posting) == [], "a preview posts nothing"
    key = re.search(r'name="form_key" value="([0-9a-f]{32})"', seen.text)[1]
    for _ in range(2):
        done = post(client, path, words="She walked.\n\nHelp us", step="post", form_key=key)
        assert done.status_code == 303
    (shown,) = list_posts(ana.id, posting)
    db.session.rollback()
    waiting = client.get(done.location)
    assert "On its way" in waiting.text and waiting.headers["Refresh"] == "3"
    assert send_post(shown.id, posting, now()) == "posted"
    db.session.rollback()
    page = client.get(done.location)
    assert 'href="https://x.com/ana/status/1000"' in page.text and "Refresh" not in page.headers
    assert played.posts[0]["text"] == f"She walked.\n\nHelp us\n\nhttp://localhost/s/{code}?c=x"
    follower = client.application.test_client().get(f"/s/{code}?c=x", headers=PERSON)
    assert f'data-via="{code}" data-channel="x"' in follower.text


def test_too_many_words_stand_in_the_form_again(client, entry):
    connect(client)
    get_own_link(client, entry)
    path = re.search(rf"(/entries/{entry.id}/post/\d+)", client.get(f"/entries/{entry.id}/share").text)[1]
    answer = post(client, path, words="word " * 60, step="post")
    assert answer.status_code == 422 and "too many for X: shorten it" in answer.text
    assert "word word" in answer.text


def test_without_a_link_of_one_s_own_the_way_leads_to_it(client, ana, entry, posting):  # noqa: F811
    connect(client)
    path = f"/entries/{entry.id}/post/{list_connections(ana.id, posting)[0].id}"
    assert client.get(path).location == f"/entries/{entry.id}/share"


def test_a_failed_post_is_tried_again(client, ana, entry, played, posting):  # noqa: F811
    connect(client)
    get_own_link(client, entry)
    path = re.search(rf"(/entries/{entry.id}/post/\d+)", client.get(f"/entries/{entry.id}/share").text)[1]
    place = post(client, path, words="Watch", step="post").location
    (shown,) = list_posts(ana.id, posting)
    played.faults = [403]
    send_post(shown.id, posting, now())
    db.session.rollback()
    page = client.get(place).text
    assert "Not posted" in page and "a made-up refusal" in page and "Watch" in page
    assert post(client, place, act="retry").status_code == 303
    assert list_posts(ana.id, posting)[0].state == "queued"


def test_nobody_sees_another_s_posts(site, client, ana, entry, posting):  # noqa: F811
    connect(client)
    get_own_link(client, entry)
    path = re.search(rf"(/entries/{entry.id}/post/\d+)", client.get(f"/entries/{entry.id}/share").text)[1]
    place = post(client, path, words="Watch", step="post").location
    other = site.test_client()
    sign_in(other, make_user())
    assert other.get(place).status_code == other.get(path).status_code == 404
    assert post(other, place, act="retry").status_code == 404
