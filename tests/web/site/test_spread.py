"""The page of an entry's spread, and the small tree on the entry's own page."""

import re
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from quilt.arrivals.fold import fold_entry
from quilt.arrivals.nodes import Visit, put_in_inbox
from quilt.arrivals.queries import describe_spread
from quilt.arrivals.service import record_arrival, record_not_counted
from quilt.contests.models import Contest
from quilt.database import db, transaction, write
from quilt.spread.counting import NotCounted
from tests.conftest import NOW
from tests.factories import make_contest, make_entry
from tests.web.site.browsing import hide_counts

CHANNELS = ("wa", "copy", "", "shout-abuse")
MIXED = [-1, -1, 0, 0, 2, 4, 4, 1, -1, 0, 9, 10]
VOTERS = (0, 2, 3, 4, 5, 7, 8)


def grow(entry, parents, voters=(), folds=4):
    """People arrive by one another's links (-1: the entry's own), an hour apart; some of them vote."""
    codes = []
    for index, parent in enumerate(parents):
        via = codes[parent] if parent >= 0 else f"own{entry.id:08}"
        at = NOW + timedelta(hours=index)
        visit = Visit(entry.id, index.to_bytes(8), via=via, channel=CHANNELS[index % 4])
        node = record_arrival(visit, None, now=at, entropy=secrets.token_bytes)
        codes.append(node.code)
        if index in voters:
            write(lambda connection, node=node: put_in_inbox(connection, entry.id, node.arrival_id, votes=1))
        if index % folds == folds - 1:
            fold_entry(entry.id, at)
    fold_entry(entry.id, NOW + timedelta(hours=len(parents)))
    db.session.rollback()


def open_spread(client, entry):
    page = client.get(f"/entries/{entry.id}/spread")
    assert page.status_code == 200
    return page


def read_tables(html):
    """Every table of the page by its caption: its rows as lists of texts, the header first."""
    tables = {}
    for table in re.findall(r"<table.*?</table>", html, re.DOTALL):
        caption = re.search(r"<caption>(.*?)</caption>", table)[1]
        rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
        tables[caption] = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
    return tables


def test_the_figures_are_the_stored_ones(client):
    entry = make_entry()
    grow(entry, MIXED, VOTERS)
    figures = describe_spread(entry.id)
    html = open_spread(client, entry).text
    sentence = re.sub("<.*?>", "", re.search(r'<p class="lead.*?</p>', html, re.DOTALL)[0])
    assert sentence == (
        f"It has reached at least {figures.reach} people; {figures.passed_on} of them passed it on; "
        f"the longest chain is {figures.longest_chain} people long; "
        "71 % of votes were cast by people whom another viewer brought."
    )
    assert (figures.reach, figures.shared_votes, figures.votes) == (12, 5, 7)
    assert f"<b>{figures.structural_virality:.2f}</b> steps apart" in html
    assert 'datetime="2026-05-10T23:00:00+00:00">19:00:00<' in html and "10 May 2026 (New York time)" in html


def test_every_picture_has_its_table(client):
    entry = make_entry()
    grow(entry, MIXED, VOTERS)
    html = open_spread(client, entry).text
    tables = read_tables(html)
    assert tables["The largest branches"] == [
        ["Came to the film by", "People", "Generations", "Votes"],
        ["WhatsApp", "9", "4", "5"],
    ]
    assert tables["People and votes in each generation"] == [
        ["Generation", "People", "Votes"], ["1", "3", "2"], ["2", "4", "3"], ["3", "2", "1"], ["4", "3", "1"],
    ]  # fmt: skip
    assert tables["How people came"][1:] == [
        ["A plain link", "3", "1"], ["Copied link", "3", "1"], ["Other links", "3", "2"], ["WhatsApp", "3", "3"],
    ]  # fmt: skip
    assert tables["How many people each of them brought"][1:] == [
        ["1 person", "4"],
        ["2 people", "1"],
        ["3 or 4", "1"],
    ]
    assert tables["People reached and votes by then"][-1][1:] == ["12", "7"]
    assert len(tables) == 5 and html.count('<svg class="stitched-plot"') == 2


def test_nothing_is_shown_below_five_people(client):
    entry = make_entry()
    for parents in ([], [-1, 0, 1, 2]):
        grow(entry, parents)
        html = open_spread(client, entry).text
        assert "The first people are just arriving" in html and "<table" not in html and "tree-" not in html
        assert "glance-tree" not in client.get(f"/entries/{entry.id}-{entry.slug}").text


def test_invented_channels_are_not_repeated(client):
    entry = make_entry()
    grow(entry, MIXED)
    html = open_spread(client, entry).text
    assert "shout" not in html and "Other links" in html


def test_votes_are_hidden_where_the_contest_hides_them(client):
    today = datetime.now(UTC)
    contest = make_contest(opens=today - timedelta(days=1), closes=today + timedelta(days=1))
    entry = make_entry(contest)
    grow(entry, MIXED, VOTERS)
    assert "</svg>votes<" in open_spread(client, entry).text
    hide_counts(contest)
    with transaction() as session:
        session.execute(update(Contest).values(version=Contest.version + 1))
    html = open_spread(client, entry).text
    assert "</svg>votes<" not in html and ">Votes<" not in html and "of votes" not in html
    assert "12 people" in html


def test_visits_of_machines_stand_apart(client):
    entry = make_entry()
    for reason in (NotCounted.ROBOT, NotCounted.ROBOT, NotCounted.NONCE_FORGED, NotCounted.NONCE_MISSING):
        record_not_counted(entry.id, reason, NOW)
    grow(entry, MIXED)
    html = open_spread(client, entry).text
    assert '<dt>Robots</dt><dd class="number">2</dd>' in html
    assert '<dt>Sent without having opened the page</dt><dd class="number">2</dd>' in html


def test_the_page_follows_the_fold_and_waits_for_it(client):
    entry = make_entry()
    grow(entry, MIXED)
    record_arrival(Visit(entry.id, b"late"), None, now=NOW, entropy=secrets.token_bytes)
    assert "12 people" in open_spread(client, entry).text
    fold_entry(entry.id, NOW + timedelta(days=1))
    assert "13 people" in open_spread(client, entry).text


@pytest.mark.parametrize("shape", ["star", "chain", "mixed"])
def test_markup_keeps_to_the_rules(client, shape):
    entry = make_entry(cause="Bees & <b>trees</b>")
    grow(entry, {"star": [-1] * 60, "chain": list(range(-1, 59)), "mixed": MIXED}[shape], folds=100)
    for path in (f"/entries/{entry.id}/spread", f"/entries/{entry.id}-{entry.slug}"):
        html = client.get(path).text
        assert " style=" not in html and "<style" not in html and "onclick" not in html
        label = re.search(r'<svg class="tree"[^>]* role="img" aria-label="([^"]+)"', html)[1]
        assert label.startswith("The tree of ")
        ids = re.findall(r' id="([^"]+)"', html)
        assert len(ids) == len(set(ids))


def test_the_picture_on_the_entry_page_is_small(client):
    entry = make_entry()
    grow(entry, [index // 3 - 1 for index in range(400)], folds=400)
    html = client.get(f"/entries/{entry.id}-{entry.slug}").text
    (picture,) = re.findall(r'<a class="glance-tree".*?</a>', html, re.DOTALL)
    assert f'href="/entries/{entry.id}/spread"' in picture
    assert 3_000 < len(picture) < 40_000
    assert picture.count("<circle") + picture.count("h0") <= 300


def test_as_many_queries_for_many_as_for_few(client, count_queries):
    counts = []
    for parents in (MIXED, [index // 3 - 1 for index in range(200)]):
        entry = make_entry()
        grow(entry, parents, folds=500)
        with count_queries() as queries:
            open_spread(client, entry)
        counts.append(len(queries))
    assert counts[0] == counts[1] and 5 < counts[0] < 25


@pytest.mark.parametrize("state", ["draft", "withdrawn"])
def test_only_published_entries_have_a_spread(client, state):
    assert client.get(f"/entries/{make_entry(state=state).id}/spread").status_code == 404
