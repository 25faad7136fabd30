import re
from datetime import UTC, datetime, timedelta

import pytest

from quilt.arrivals.models import Arrival, EntrySpread
from quilt.database import db, transaction
from quilt.embeds.models import Embed
from quilt.entries.models import Entry
from quilt.votes.models import EntryTally
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user, save

PLAYED_LATER = re.compile(r'href="([^"]+)" target="_blank" rel="noopener"')


def make_open_entry(**values):
    """A published entry of a contest in which one may vote today."""
    today = datetime.now(UTC)
    contest = make_contest(opens=today - timedelta(days=1), closes=today + timedelta(days=1))
    return make_entry(contest, **values)


def make_embed(entry, code="embed000001"):
    save(Embed(entry_id=entry.id, code=code, created_at=NOW))
    return code


def open_frame(client, entry, query="", **headers):
    return client.get(f"/embed/{entry.id}{query}", headers=headers)


def test_the_frame_shows_the_story_and_one_button(client):
    entry = make_open_entry(title="The <library> bus", cause="Reading & riding")
    frame = open_frame(client, entry)
    assert frame.status_code == 200
    for words in (
        "The &lt;library&gt; bus",
        "Reading &amp; riding",
        "Watch and vote",
        "Ten thousand for a cause",
    ):
        assert words in frame.text
    assert len(re.findall(r'class="button', frame.text)) == 1
    assert "<form" not in frame.text and "\x02" not in frame.text


def test_any_site_may_show_it_and_no_cookie_is_touched(client):
    entry = make_entry()
    for cookie in ("", "quilt_codes=1.own00000001; quilt_session=nonsense"):
        frame = open_frame(client, entry, Cookie=cookie)
        assert frame.status_code == 200
        assert "frame-ancestors *;" in frame.headers["Content-Security-Policy"]
        assert "nonce" not in frame.headers["Content-Security-Policy"] and "unsafe" not in frame.text
        assert frame.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert frame.headers["Cache-Control"] == "public, max-age=5"
        for absent in ("Set-Cookie", "X-Frame-Options", "Cross-Origin-Opener-Policy"):
            assert absent not in frame.headers
        assert "Cookie" not in frame.headers.get("Vary", "")


def test_the_button_carries_the_embed_s_code(client):
    entry = make_entry()
    code = make_embed(entry)
    targets = PLAYED_LATER.findall(open_frame(client, entry, f"?via={code}").text)
    assert targets == [f"/s/{code}?c=embed"] * 2
    assert client.get(targets[0]).status_code == 200
    own = f"own{entry.id:08}"
    assert PLAYED_LATER.findall(open_frame(client, entry, f"?via={own}").text)[0] == f"/s/{own}?c=embed"


@pytest.mark.parametrize("via", ["", "unknown0000", "%22%3E%3Cscript%3E", "a" * 5_000, "OTHER", "%E2%82%AC"])
def test_a_code_that_is_not_the_entry_s_leads_to_the_entry(client, via):
    entry = make_entry()
    other = make_embed(make_entry())
    frame = open_frame(client, entry, f"?via={other if via == 'OTHER' else via}")
    assert PLAYED_LATER.findall(frame.text)[0] == f"/entries/{entry.id}-{entry.slug}?c=embed"
    assert "<script>" not in frame.text


@pytest.mark.parametrize(("wish", "html"), [
    ("light", '<html lang="en" data-theme="light">'),
    ("dark", '<html lang="en" data-theme="dark">'),
    ("auto", '<html lang="en">'),
    ('"><script>', '<html lang="en">'),
])  # fmt: skip
def test_the_page_around_it_chooses_the_light(client, wish, html):
    assert html in client.get(f"/embed/{make_entry().id}", query_string={"theme": wish}).text


def test_figures_below_five_are_not_shown(client):
    entry = make_entry()
    set_figures(entry, votes=4, reach=4)
    assert "patch-numbers" not in open_frame(client, entry).text
    set_figures(entry, votes=5, reach=1234)
    assert "5 votes · reached 1,234 people" in re.sub("<[^>]+>", "", open_frame(client, entry).text)


def test_after_the_vote_one_can_watch(client):
    entry = make_entry(make_contest(opens=NOW.replace(year=2020), closes=NOW.replace(year=2021)))
    frame = open_frame(client, entry)
    assert "Watch it" in frame.text and "Watch and vote" not in frame.text


def test_the_kept_page_follows_the_entry(client):
    entry = make_entry()
    assert "first steps" in open_frame(client, entry).text
    with transaction() as session:
        row = session.get(Entry, entry.id)
        row.title, row.version = "Second steps", row.version + 1
    assert "Second steps" in open_frame(client, entry).text


@pytest.mark.parametrize("state", ["draft", "submitted", "rejected", "withdrawn", "removed", "disqualified"])
def test_G03_what_is_not_published_is_not_here(client, state):
    entry = make_entry(state=state, title="A secret")
    frame = open_frame(client, entry, "?theme=dark")
    assert frame.status_code == 404 and "A secret" not in frame.text
    assert "This story is not here" in frame.text and 'href="/" target="_blank"' in frame.text
    assert 'data-theme="dark"' in frame.text and "data-embed" in frame.text
    assert "frame-ancestors *;" in frame.headers["Content-Security-Policy"]


def test_an_entry_of_an_unpublished_contest_is_not_here(client):
    assert open_frame(client, make_entry(make_contest(is_published=False))).status_code == 404


@pytest.mark.parametrize(
    "path", ["/embed/999", "/embed/0", "/embed/99999999999999999999999", "/embed/1?via=%00"]
)
def test_odd_addresses(client, path):
    make_user()
    assert client.get(path).status_code in (400, 404)


def test_nothing_changes_by_a_frame(client):
    entry = make_entry()
    code = make_embed(entry)
    open_frame(client, entry, f"?via={code}")
    assert client.post(f"/embed/{entry.id}?via={code}").status_code in (403, 405)
    assert db.session.query(Arrival).count() == 0


def test_a_kept_frame_costs_one_look_at_the_version(client, count_queries):
    entry = make_entry()
    path = f"/embed/{entry.id}?via={make_embed(entry)}"
    client.get(path)
    with count_queries() as queries:
        assert client.get(path).status_code == 200
    assert len(queries) == 3, (
        queries
    )  # the entry's head, its contest's phases, and whether a brand has that code


def set_figures(entry, votes, reach):
    with transaction() as session:
        session.get(EntryTally, entry.id).standing = votes
        spread = session.get(EntrySpread, entry.id)
        if spread is None:
            spread = EntrySpread(entry_id=entry.id)
            session.add(spread)
            session.flush()
        spread.size, spread.version = reach + 1, spread.version + 1
