"""The spreads of a contest's stories side by side."""

import re

import pytest

from quilt.arrivals.timekeeping import refresh_timing
from tests.arrivals.planting import plant
from tests.conftest import NOW
from tests.factories import make_contest, make_entry
from tests.web.site.browsing import make_open_contest
from tests.web.site.test_spread import read_tables as read_plain_tables

STAR = [-1] * 8
CHAIN = list(range(-1, 6))
YOUNG = [-1, 0, 1, 2]
PATH = "/contests/side-by-side/spread"


@pytest.fixture
def contest(app):
    return make_contest("side-by-side")


def plant_three(contest):
    star = make_entry(contest, title="The star")
    chain = make_entry(contest, title="The chain")
    young = make_entry(contest, title="The young one")
    plant(star, STAR, channels=("wa", "shout"))
    plant(chain, CHAIN, minutes=120)
    plant(young, YOUNG)
    return star, chain, young


def read_lines(page):
    """The table's rows as texts: number, title, figures."""
    table = re.search(r'<table class="table table-snug spread-table">.*?</table>', page.text, re.DOTALL)[0]
    body = table.partition("<tbody>")[2]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [[" ".join(re.sub("<.*?>", " ", cell).split()) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in rows]  # fmt: skip


def read_tables(page):
    return read_plain_tables(page.text.replace('<caption class="visually-hidden">', "<caption>"))


def test_every_story_has_its_figures(client, contest):
    plant_three(contest)
    page = client.get(PATH)
    assert page.status_code == 200
    assert read_lines(page) == [
        ["1", "The star Pompe research", "8", "0", "0 %", "1", "1.78"],
        ["2", "The chain Pompe research", "7", "6", "86 %", "7", "3.00"],
        ["–", "The young one Pompe research", "fewer than five people so far"],
    ]
    sentence = re.sub("<.*?>", "", re.search(r'<p class="lead.*?</p>', page.text, re.DOTALL)[0])
    assert sentence == (
        "Added up story by story they have reached 15 people; 6 of them came because another viewer passed a story on. "
        "The longest chain is 7 people long: The chain."
    )
    assert (
        "The chain goes most from person to person: any two of its people are 3.00 steps apart" in page.text
    )


@pytest.mark.parametrize(
    ("sort", "first"),
    [("reach", "star"), ("passed", "chain"), ("shared", "chain"), ("chain", "chain"), ("virality", "chain")],
)
def test_the_heads_of_the_table_sort_it(client, contest, sort, first):
    plant_three(contest)
    page = client.get(f"{PATH}?sort={sort}")
    lines = read_lines(page)
    assert lines[0][1].startswith(f"The {first}") and lines[-1][0] == "–"
    assert page.text.count('aria-sort="descending"') == 1
    assert f'aria-sort="descending"><a href="{PATH}?sort={sort}#stories">' in page.text


def test_marks_stand_where_size_and_shape_say(client, contest):
    plant_three(contest)
    marks = re.findall(r'scatter-ring" cx="([\d.]+)" cy="([\d.]+)" r="([\d.]+)"', client.get(PATH).text)
    assert len(marks) == 2
    (chain_x, chain_y, chain_ring), (star_x, star_y, star_ring) = [tuple(map(float, mark)) for mark in marks]
    assert chain_x < star_x and chain_y < star_y and chain_ring > star_ring


def test_channels_and_hours(client, contest):
    star, chain, young = plant_three(contest)
    for entry in (star, chain, young):
        refresh_timing(entry.id, NOW)
    tables = read_tables(client.get(PATH))
    assert tables["How people came"][1:] == [["WhatsApp", "15"]]  # 4 of other links stay untold
    # 12:00 UTC is 8:00 in New York: all of the star, four young ones, the chain's first.
    assert tables["People who came in each hour of the day"] == [
        ["Hour in New York", "People"],
        ["8:00 to 9:00", "13"],
    ]
    assert "The best was from 8:00 to 9:00 (New York time)." in client.get(PATH).text


def test_nothing_is_shown_below_five_people(client, contest):
    plant(make_entry(contest, title="The young one"), YOUNG)
    page = client.get(PATH)
    assert page.status_code == 200 and "The first threads are just being drawn." in page.text
    assert "<table" not in page.text and "scatter" not in page.text and "The young one" not in page.text


def test_hidden_entries_and_other_contests_stay_away(client, contest):
    plant(make_entry(contest, title="Shown"), STAR)
    plant(make_entry(contest, title="Withdrawn", state="withdrawn"), STAR)
    plant(make_entry(make_open_contest("another"), title="Elsewhere"), STAR)
    page = client.get(PATH)
    assert [line[1] for line in read_lines(page)] == ["Shown Pompe research"]
    assert read_tables(page)["How people came"][1:] == [["WhatsApp", "8"]]


@pytest.mark.parametrize(
    ("query", "status"),
    [("?sort=votes", 422), ("?page=0", 404), ("?page=2", 404), ("?page=x", 422), ("?page=%C2%B2", 422)],
)
def test_what_is_not_there(client, contest, query, status):
    assert client.get(PATH + query).status_code == status


def test_as_many_queries_for_three_as_for_one(client, contest, count_queries):
    counts = []
    for title in ("first", "second"):
        plant(make_entry(contest, title=title), STAR)
        with count_queries() as queries:
            assert len(read_lines(client.get(f"{PATH}?sort=chain"))) == 2 * len(counts) + 1
        counts.append(len(queries))
        plant(make_entry(contest, title=f"{title} and a half"), STAR)
    assert counts[0] == counts[1] > 0


def test_ways_lead_there_and_the_borders_follow(client, contest):
    plant(make_entry(contest, title="Wide"), [-1] * 40)
    plant(make_entry(contest, title="Narrow"), YOUNG)
    quilt = client.get("/contests/side-by-side?view=quilt").text
    assert f'href="{PATH}"' in quilt
    steps = dict(re.findall(r'class="spread-(\d)"><a class="quilt-patch".*?quilt-name">(\w+)<', quilt)[::1])
    assert steps == {"3": "Wide", "0": "Narrow"}
