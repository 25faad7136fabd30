import re
from datetime import timedelta

import pytest

from quilt.database import db
from quilt.entries.models import Entry
from quilt.web.clock import now
from tests.factories import make_contest, make_entry, make_user

PERSON = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


def open_entry(client, entry, path=""):
    return client.get(path or f"/entries/{entry.id}-{entry.slug}", headers=PERSON)


def test_the_entry_page_shows_film_story_vote_and_share(client):
    moment = now()
    contest = make_contest(opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
    entry = make_entry(contest, title="The library bus", story="It comes on <Fridays>.")
    page = open_entry(client, entry)
    assert page.status_code == 200
    for words in ("The library bus", "It comes on &lt;Fridays&gt;.", "Vote for this story", "Pass it on"):
        assert words in page.text
    assert "\x02" not in page.text and "Set-Cookie" not in page.headers


def test_a_wrong_slug_leads_to_the_right_one(client):
    entry = make_entry()
    assert (
        client.get(f"/entries/{entry.id}-wrong")
        .headers["Location"]
        .endswith(f"/entries/{entry.id}-{entry.slug}")
    )


@pytest.mark.parametrize("state", ["draft", "submitted", "rejected", "withdrawn", "removed"])
def test_only_published_entries_have_a_page(client, state):
    entry = make_entry(state=state)
    assert open_entry(client, entry).status_code == 404


def test_the_page_is_kept_until_the_entry_changes(client):
    entry = make_entry()
    assert "Mateo" in open_entry(client, entry).text
    row = db.session.get(Entry, entry.id)
    from quilt.database import transaction

    with transaction() as session:
        row = session.get(Entry, entry.id)
        row.title, row.version = "A new title", row.version + 1
    assert "A new title" in open_entry(client, entry).text


def test_the_script_nonce_of_the_page_is_the_policy_s(client):
    entry = make_entry()
    pages = [open_entry(client, entry) for _ in range(2)]
    nonces = [re.search(r"'nonce-([^']+)'", page.headers["Content-Security-Policy"])[1] for page in pages]
    assert nonces[0] != nonces[1]
    for page, nonce in zip(pages, nonces, strict=True):
        assert f'nonce="{nonce}"' in page.text


def test_a_link_shows_the_entry_and_counts_nothing(client):
    entry = make_entry()
    page = open_entry(client, entry, f"/s/own{entry.id:08}")
    assert page.status_code == 200 and 'data-via="own' in page.text
    assert page.headers["X-Robots-Tag"] == "noindex" and page.headers["Cache-Control"] == "private, no-store"
    from quilt.arrivals.models import Arrival

    assert db.session.query(Arrival).count() == 0


@pytest.mark.parametrize("code", ["unknown0000", "x" * 10_000, "%00", "a", "own99999999"])
def test_unknown_links_say_so(client, code):
    page = client.get(f"/s/{code}", headers=PERSON)
    assert page.status_code == 404 and "We cannot find that link" in page.text or page.status_code == 404


def test_figures_as_json_are_cached_by_version(client):
    entry = make_entry()
    first = client.get(f"/entries/{entry.id}/figures.json")
    assert first.json == {
        "votes": None, "reach": None, "passed_on": None, "longest_chain": None, "structural_virality": None,
    }  # fmt: skip
    again = client.get(f"/entries/{entry.id}/figures.json", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_an_unknown_entry(client):
    make_user()
    assert client.get("/entries/999999999999999999999-x").status_code == 404
    assert client.get("/entries/77-x").status_code == 404
