"""The page of an entry's spread, and the small tree on the entry's own page."""

import csv
import io
import re
import secrets
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from xml.dom import minidom

import pytest
from PIL import Image
from sqlalchemy import update

from quilt.arrivals.fold import fold_entry, fold_waiting
from quilt.arrivals.nodes import Visit, describe_event, put_in_inbox
from quilt.arrivals.queries import describe_spread
from quilt.arrivals.service import record_arrival, record_not_counted
from quilt.arrivals.timekeeping import refresh_timing
from quilt.contests.models import Contest
from quilt.database import db, transaction, write
from quilt.spread.counting import NotCounted
from quilt.votes.queries import build_policy
from quilt.votes.service import Ballot, cast_vote
from quilt.web.site.spread import PICTURES, TYPES
from quilt.web.site.spread_facts import list_frames
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user
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
            write(
                lambda connection, node=node: put_in_inbox(
                    connection, [describe_event(entry.id, node.arrival_id, votes=1)]
                )
            )
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
    assert tables["People and votes in each generation"] == [
        ["Generation", "People", "Votes"],
        *([generation, people, "under 5"] for generation, people in (("1", "3"), ("2", "4"), ("3", "2"), ("4", "3"))),
    ]  # fmt: skip
    assert tables["From broadcast to chain"][1] == [
        "Structural virality",
        f"{describe_spread(entry.id).structural_virality:.2f}",
    ]
    assert tables["From broadcast to chain"][-1] == ["People in the longest chain", "4"]
    assert tables["The people through whom the most others came"] == [
        ["Who", "People through them", "Directly", "Votes among them"],
        ['Someone in generation 1 <span class="table-note">by WhatsApp</span>', "8", "3", "5"],
    ]
    pictures = html.count('<svg class="stitched-plot')
    assert pictures >= 5 and len(tables) >= 5


def test_the_funnel_tells_of_nobody_alone(client):
    entry = make_entry()
    grow(entry, MIXED, VOTERS)
    rows = read_tables(open_spread(client, entry).text)["What became of them, by the way they came"]
    assert rows == [
        ["Way", "Came", "Voted", "Pressed share", "Brought others"],
        ["Other ways", "12", "7", "0", "6"],
    ]
    star = make_entry()
    grow(star, [-1] * 24, range(8), folds=30)
    rows = read_tables(open_spread(client, star).text)["What became of them, by the way they came"]
    assert [row[:3] for row in rows[1:]] == [
        [way, "6", "under 5"] for way in ("A plain link", "Copied link", "Other links", "WhatsApp")
    ]


def test_votes_are_told_by_the_first_link_and_by_the_last(client):
    entry = make_entry()
    policy = build_policy(db.session.get_one(Contest, entry.contest_id))
    for number in range(6):
        key, entropy = bytes([number]) * 8, secrets.token_bytes
        record_arrival(Visit(entry.id, key, channel="wa"), None, now=NOW, entropy=entropy)
        visit = Visit(entry.id, key, channel="qr" if number else "wa")
        cast_vote(Ballot(make_user().id, "email", visit), policy, secret="s", now=NOW, entropy=entropy)
    db.session.rollback()
    fold_waiting(NOW)
    table = read_tables(open_spread(client, entry).text)["Votes by the first link and by the last"]
    assert table[0] == ["Way", "First came by it", "Voted by it"]
    assert table[1][:2] == ["WhatsApp", "6"]


def test_branches_are_told_in_words(client):
    entry = make_entry()
    grow(entry, MIXED)
    assert "<p>Generation 1, by WhatsApp: <b>9 people</b></p>" in open_spread(client, entry).text
    chain = make_entry()
    grow(chain, list(range(-1, 11)), folds=20)
    html = open_spread(client, chain).text
    assert "<summary>Generation 1, by WhatsApp: <b>12 people</b></summary>" in html
    assert "<p>Generations 2 to 11, each brought one other, by a copied link: <b>11 people</b></p>" in html


def test_the_page_as_it_was_when_fewer_had_come(client):
    entry = make_entry()
    grow(entry, MIXED, VOTERS)
    seven = NOW + timedelta(hours=7)
    by_count = client.get(f"/entries/{entry.id}/spread?at=8")
    by_moment = client.get(f"/entries/{entry.id}/spread", query_string={"at": seven.isoformat()})
    for page in (by_count, by_moment):
        assert page.status_code == 200
        sentence = re.sub("<.*?>", "", re.search(r'<p class="lead.*?</p>', page.text, re.DOTALL)[0])
        assert sentence == (
            "As it was then, it had reached at least 8 people; 4 of them had passed it on; "
            "the longest chain was 4 people long."
        )
        assert f'<time datetime="{seven.isoformat()}"' in page.text and "noindex" in page.text
        assert read_tables(page.text)["People in each generation"][1:] == [
            ["1", "2"], ["2", "3"], ["3", "1"], ["4", "2"],
        ]  # fmt: skip
        assert "Votes" not in page.text and "?at=8" in page.text


@pytest.mark.parametrize(
    ("asked", "people"), [("3", 5), ("5", 5), ("0", 5), ("12", 12), ("9999", 12), ("", 12)]
)
def test_the_replay_stays_between_five_and_all(client, asked, people):
    entry = make_entry()
    grow(entry, MIXED)
    html = client.get(f"/entries/{entry.id}/spread?at={asked}").text
    assert f"at least <b>{people} people</b>" in html
    assert ("As it was then" in html) == (people < 12)
    assert re.search(r'id="at" name="at" type="range" min="5" max="12" step="1" value="(\d+)"', html)[
        1
    ] == str(people)


@pytest.mark.parametrize("asked", ["soon", "-4", "2026-05-10", "2026-05-10T12:00:00", "1e9"])
def test_a_moment_that_is_none_is_refused(client, asked):
    entry = make_entry()
    grow(entry, MIXED)
    page = client.get(f"/entries/{entry.id}/spread", query_string={"at": asked})
    assert page.status_code == 400 and "could not read that moment" in page.text


def test_the_page_tells_first_what_is_asked_first(client):
    entry = make_entry()
    grow(entry, MIXED, VOTERS)
    main = client.get(f"/entries/{entry.id}/spread").text.partition("<main")[2]
    marks = ("spread-sentence", *(f'id="{part}"' for part in (
        "tree", "icicle", "curve", "generations", "rate", "dial", "funnel", "spreaders", "refused",
    )))  # fmt: skip
    places = [main.index(mark) for mark in marks]
    assert places == sorted(places)
    assert re.search(r"<time[^>]*>\d\d:\d\d:\d\d</time>", main[places[-1] :])


def test_a_large_replay_has_a_hundred_frames():
    assert list_frames(40) == (5, 1, 40)
    assert list_frames(100_005) == (5, 1000, 100_005)
    assert list_frames(10_000) == (100, 99, 10_000)  # 100 steps of 99 to the very end
    assert list_frames(5_000_000) == (100, 1999, 200_000)


@pytest.mark.parametrize("picture", PICTURES)
def test_pictures_can_be_taken_away(client, picture):
    entry = make_entry(title="Bees & <trees>")
    grow(entry, [max(-1, index // 3 - 2) for index in range(45)], VOTERS, folds=15)
    refresh_timing(entry.id, NOW + timedelta(days=5))
    assert f'/entries/{entry.id}/spread/{picture}.svg"' in open_spread(client, entry).text
    answers = {kind: client.get(f"/entries/{entry.id}/spread/{picture}.{kind}") for kind in TYPES}
    for kind, answer in answers.items():
        assert answer.status_code == 200 and answer.mimetype == TYPES[kind]
        assert answer.headers["Content-Disposition"].endswith(f'{picture}.{kind}"')
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'"
    drawing = minidom.parseString(answers["svg"].data)
    assert "Bees & <trees>" in drawing.getElementsByTagName("title")[0].firstChild.data
    assert not [node for node in drawing.getElementsByTagName("*") if node.hasAttribute("class")]
    pixels = Image.open(io.BytesIO(answers["png"].data))
    assert pixels.width == 1600 and len(pixels.convert("RGB").getcolors(1 << 24)) > 8
    rows = list(csv.reader(io.StringIO(answers["csv"].text)))
    assert len(rows) > 1 and {len(row) for row in rows} == {len(rows[0])}
    path = f"/entries/{entry.id}/spread/{picture}.svg"
    tag = client.get(path).headers["ETag"]  # asked for anew: it changes with the minutes
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_the_tree_and_its_blocks_have_numbers_of_their_own(client):
    """The tree's rows say which mark each hangs below, those of the blocks where each lies in its row."""
    entry = make_entry()
    grow(entry, MIXED)
    tree, blocks = (
        list(csv.DictReader(io.StringIO(client.get(f"/entries/{entry.id}/spread/{picture}.csv").text)))
        for picture in ("tree", "icicle")
    )
    assert [row["Below mark"] for row in tree if row["Mark"] == "0"] == [""]
    assert {row["Below mark"] for row in tree[1:]} <= {row["Mark"] for row in tree}
    assert (
        sum(int(row["People"]) for row in tree) == sum(int(row["People"]) for row in blocks) == len(MIXED) + 1
    )
    assert (blocks[0]["From %"], blocks[0]["To %"], blocks[0]["With everybody below"]) == (
        "0.0",
        "100.0",
        f"{len(MIXED) + 1}",
    )
    for before, after in pairwise(row for row in blocks if row["Row"] == "1"):
        assert float(before["To %"]) <= float(after["From %"]) + 0.01


def test_times_and_rates_follow_in_the_background(client):
    entry = make_entry()
    grow(entry, [max(-1, index // 3 - 2) for index in range(45)], VOTERS, folds=15)
    assert "counted in the background" in open_spread(client, entry).text
    refresh_timing(entry.id, NOW + timedelta(days=5))
    page = client.get(f"/entries/{entry.id}/spread?scale=log")
    assert "Each person who came brought" in page.text and "logarithmic" in page.text
    tables = read_tables(page.text)
    assert len(tables["How many each one brought, by when they came"]) > 1
    assert [row[0] for row in tables["When each generation was first reached"][1:]] == ["1", "2", "3"]


def test_a_picture_of_earlier_is_of_earlier(client):
    entry = make_entry()
    grow(entry, MIXED, VOTERS)
    address = f"/entries/{entry.id}/spread/generations.csv"
    assert client.get(address).text.splitlines()[0] == "Generation,People,Votes"
    assert client.get(f"{address}?at=5").text.splitlines() == ["Generation,People", "1,2", "2,2", "3,1"]
    assert client.get(f"/entries/{entry.id}/spread/funnel.csv?at=5").status_code == 404


def test_young_spreads_have_no_pictures(client):
    entry = make_entry()
    grow(entry, [-1, 0, 1, 2])
    assert {client.get(f"/entries/{entry.id}/spread/tree.{kind}").status_code for kind in TYPES} == {404}
    assert client.get(f"/entries/{entry.id}/spread/forest.svg").status_code == 404


def test_nothing_is_shown_below_five_people(client):
    entry = make_entry()
    for parents in ([], [-1, 0, 1, 2]):
        grow(entry, parents)
        html = open_spread(client, entry).text
        assert "The first people are just arriving" in html and "<table" not in html and "tree-" not in html
        assert "glance-tree" not in client.get(f"/entries/{entry.id}-{entry.slug}").text


def test_invented_channels_are_not_repeated(client):
    entry = make_entry()
    grow(entry, [-1] * 24, folds=30)
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
    day = f"{NOW.day} {NOW:%B %Y}"
    assert sorted(read_tables(html)["What was not counted, by day"][1:]) == [
        [day, "Robots", "2"], [day, "Sent without having opened the page", "2"],
    ]  # fmt: skip


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
        label = re.search(r'<svg class="tree[^"]*"[^>]* role="img" aria-label="([^"]+)"', html)[1]
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
