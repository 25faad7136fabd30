"""The contest's page: quilt, grid, search, standings, rules."""

import pytest
from sqlalchemy import update

from quilt.contests.models import Contest, ContestRules
from quilt.database import db, transaction
from quilt.entries.exposure import list_exposures, refresh_exposure_order
from quilt.entries.models import Entry
from quilt.web.clock import now
from quilt.web.site.galleries import PAGE_SIZE
from tests.factories import make_contest, make_entry, make_user
from tests.web.site.browsing import (
    hide_counts,
    make_open_contest,
    next_path,
    open_page,
    set_figures,
    titles_of,
)

GRID = "/contests/open?view=grid"


def make_story(contest, title, cause="Pompe research", entrant=None):
    return make_entry(contest, entrant, title=title, cause=cause)


def make_many(contest, count):
    entrant = make_user()
    return [make_story(contest, f"Story {number:02}", entrant=entrant) for number in range(count)]


def shown_counts(contest_id):
    db.session.rollback()
    return {exposure.entry_id: exposure.shown_count for exposure in list_exposures(contest_id)}


def walk(client, path):
    """The titles of all the pages from this one on."""
    titles = []
    while path:
        page = open_page(client, path)
        assert page.status_code == 200
        titles.append(titles_of(page))
        path = next_path(page)
    return titles


def test_what_is_not_published_is_not_there(client):
    make_contest("draft", is_published=False)
    for path in ("", "?view=quilt", "?view=standings", "/rules", "/standings.json"):
        assert open_page(client, f"/contests/draft{path}").status_code == 404
        assert open_page(client, f"/contests/none{path}").status_code == 404


@pytest.mark.parametrize("view", ["quilt", "grid", "standings"])
def test_an_empty_contest_is_kind(client, view):
    make_open_contest()
    page = open_page(client, f"/contests/open?view={view}")
    assert page.status_code == 200
    assert "The linen is still white." in page.text


@pytest.mark.parametrize("view", ["quilt", "grid", "standings"])
def test_only_published_entries_are_shown(client, view):
    contest = make_open_contest()
    make_entry(contest, title="Seen")
    for state in ("draft", "submitted", "needs_changes", "rejected", "withdrawn", "removed", "disqualified"):
        make_entry(contest, title="Not to be seen", state=state)
    make_entry(make_open_contest("other"), title="Not to be seen")
    page = open_page(client, f"/contests/open?view={view}")
    assert "Seen" in page.text and "Not to be seen" not in page.text


def test_titles_are_text(client):
    contest = make_open_contest()
    make_entry(contest, title="<script>alert(1)</script>", cause='"><svg onload=x>')
    for view in ("quilt", "grid", "standings"):
        page = open_page(client, f"/contests/open?view={view}")
        assert "<script>alert" not in page.text and "<svg onload" not in page.text


class TestGrid:
    def test_pages_neither_repeat_nor_skip(self, client):
        contest = make_open_contest()
        make_many(contest, 2 * PAGE_SIZE + 3)
        pages = walk(client, GRID)
        assert [len(page) for page in pages] == [PAGE_SIZE, PAGE_SIZE, 3]
        assert len({title for page in pages for title in page}) == 2 * PAGE_SIZE + 3

    def test_pages_stay_when_entries_come_and_go_and_epochs_pass(self, client):
        contest = make_open_contest()
        contest_id = contest.id
        entries = make_many(contest, 2 * PAGE_SIZE + 3)
        refresh_exposure_order(contest_id, 1, now())
        first = open_page(client, GRID)
        expected = walk(client, GRID)
        make_story(contest, "Came late")
        gone = next(entry for entry in entries if entry.title == expected[0][3])
        db.session.execute(update(Entry).where(Entry.id == gone.id).values(state="withdrawn"))
        db.session.commit()
        refresh_exposure_order(contest_id, 2, now())
        assert [titles_of(first), *walk(client, next_path(first))] == expected
        assert "Came late" in walk(client, GRID)[0]

    def test_pages_stay_when_an_entry_comes_that_no_epoch_knows(self, client):
        contest = make_open_contest()
        make_many(contest, PAGE_SIZE + 3)
        refresh_exposure_order(contest.id, 1, now())
        expected = walk(client, GRID)
        first = open_page(client, GRID)
        late = make_story(contest, "Came late")
        late.published_at = now()
        db.session.commit()
        assert walk(client, next_path(first)) == expected[1:]
        assert titles_of(open_page(client, GRID))[0] == "Came late"

    def test_an_epoch_that_is_gone_falls_back_to_the_newest(self, client):
        contest = make_open_contest()
        make_many(contest, PAGE_SIZE + 3)
        refresh_exposure_order(contest.id, 7, now())
        page = open_page(client, f"{GRID}&page=2&epoch=3&seed=9&at=5")
        assert page.status_code == 200 and len(titles_of(page)) == 3

    def test_visitors_have_orders_of_their_own_and_keep_them(self, client):
        contest = make_open_contest()
        make_many(contest, 12)
        orders = {}
        for agent in ("Firefox a", "Firefox b", "Firefox c", "Firefox d"):
            headers = {"User-Agent": agent}
            orders[agent] = titles_of(open_page(client, GRID, **headers))
            assert titles_of(open_page(client, GRID, **headers)) == orders[agent]
        assert len(set(map(tuple, orders.values()))) >= 2

    def test_the_least_shown_come_first(self, client):
        contest = make_open_contest()
        contest_id = contest.id
        make_many(contest, PAGE_SIZE + 6)
        for number in range(1, 4):
            open_page(client, GRID)
            refresh_exposure_order(contest_id, number, now())
        counts = shown_counts(contest_id)
        fewest = {entry_id for entry_id, count in counts.items() if count == min(counts.values())}
        page = open_page(client, GRID)
        on_page = {int(part.split("-")[0]) for part in page.text.split('title"><a href="/entries/')[1:]}
        assert fewest <= on_page

    def test_the_order_says_why(self, client):
        make_entry(make_open_contest())
        assert "Least shown first, so that every story gets a fair chance" in open_page(client, GRID).text
        assert "Newest first." in open_page(client, f"{GRID}&sort=newest").text

    def test_after_the_close_the_standings_are_the_page_and_the_grid_goes_by_votes(self, client):
        contest = make_open_contest(days=(-5, -1))
        few, many = make_story(contest, "Few"), make_story(contest, "Many")
        set_figures(few, votes=2)
        set_figures(many, votes=9)
        assert "The count is in" in open_page(client, "/contests/open").text
        page = open_page(client, GRID)
        assert titles_of(page) == ["Many", "Few"]
        assert "2 votes" in page.text

    def test_figures_below_five_are_new(self, client):
        contest = make_open_contest()
        set_figures(make_story(contest, "Small"), votes=4, reach=4)
        page = open_page(client, GRID)
        assert '<p class="patch-numbers">New</p>' in page.text
        set_figures(make_story(contest, "Large"), votes=412, reach=1240)
        page = open_page(client, GRID)
        assert "412 votes · reached 1,240" in page.text and "spread-6" in page.text

    def test_covered_votes_are_on_no_card(self, client):
        contest = make_open_contest()
        set_figures(make_story(contest, "Large"), votes=412, reach=1240)
        hide_counts(contest)
        page = open_page(client, GRID)
        assert "412" not in page.text and "reached 1,240" in page.text

    def test_a_card_is_new_when_its_entry_is(self, client):
        contest = make_open_contest()
        entry = make_story(contest, "Before")
        assert titles_of(open_page(client, GRID)) == ["Before"]
        entry.title = "After"
        db.session.commit()
        assert titles_of(open_page(client, GRID)) == ["After"]

    def test_the_same_number_of_queries_for_one_entry_and_three(self, client, count_queries):
        counts = []
        for size in (1, 3):
            make_many(make_open_contest(f"contest-{size}"), size)
            with count_queries() as queries:
                open_page(client, f"/contests/contest-{size}?view=grid")
            counts.append(len(queries))
        assert counts[0] == counts[1] and 0 < counts[0] <= 8


class TestImpressions:
    def test_every_page_shown_counts_each_of_its_entries_once(self, client):
        contest = make_open_contest()
        contest_id = contest.id
        make_many(contest, PAGE_SIZE + 2)
        for _ in range(3):
            walk(client, GRID)
        expected = dict.fromkeys(shown_counts(contest_id), 3)
        assert shown_counts(contest_id) == expected

    @pytest.mark.parametrize(
        "headers",
        [
            {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
            {"Sec-Purpose": "prefetch;prerender"},
            {"Purpose": "prefetch"},
        ],
    )
    def test_robots_and_pages_fetched_ahead_do_not_count(self, client, headers):
        contest = make_open_contest()
        contest_id = contest.id
        make_many(contest, 2)
        assert open_page(client, GRID, **headers).status_code == 200
        assert set(shown_counts(contest_id).values()) == {0}

    def test_a_head_and_the_other_views_do_not_count(self, client):
        contest = make_open_contest()
        contest_id = contest.id
        make_many(contest, 2)
        client.head(GRID)
        open_page(client, "/contests/open?view=quilt")
        open_page(client, "/contests/open?view=standings")
        assert set(shown_counts(contest_id).values()) == {0}


class TestSearch:
    @pytest.fixture
    def contest(self, app):
        contest = make_open_contest()
        make_story(contest, "İstanbul ferry, straße café")
        make_story(contest, "Harbour clean-up", cause="Oceans")
        make_story(contest, "50% of nothing_at all", cause="Oceans")
        return contest

    @pytest.mark.parametrize(
        "query, found",
        [
            ("harbour", 1),
            ("HARBOUR", 1),
            ("clean up harbour", 1),
            ("harbour ferry", 0),
            ("istanbul", 1),
            ("ISTANBUL", 1),
            ("%C4%B1stanbul", 1),  # ı
            ("strasse", 1),
            ("cafe%CC%81", 1),  # e and a combining accent
            ("caf%C3%A9", 1),
            ("%EF%BD%88arbour", 1),  # full-width h
            ("h%D0%B0rb%D0%BEur", 1),  # Cyrillic a and o
            ("the", 0),
            ("of", 1),
            ("ocean", 2),
            ("%2525", 0),
            ("walked", 3),
            ("zz" * 90, 0),
        ],
    )
    def test_hits(self, client, contest, query, found):
        page = open_page(client, f"{GRID}&q={query}")
        assert page.status_code == 200
        assert len(titles_of(page)) == found
        assert ("No story" in page.text) == (found == 0)

    @pytest.mark.parametrize("query", ["a", "%25_%5C", "%20%20x", "%F0%9F%8E%97"])
    def test_too_little_to_search_for_gets_help_and_everything(self, client, contest, query):
        page = open_page(client, f"{GRID}&q={query}")
        assert page.status_code == 200
        assert "Type at least 2 letters" in page.text
        assert len(titles_of(page)) == 3

    @pytest.mark.parametrize(
        "query, status", [("%00", 400), ("%ff", 200), ("%u0041", 200), ("%2500", 200), ("%ed%a0%80", 200)]
    )
    def test_bytes_that_are_no_text(self, client, contest, query, status):
        assert open_page(client, f"{GRID}&q={query}").status_code == status

    @pytest.mark.parametrize("query", ["", "%20", "%0A"])
    def test_an_empty_query_is_none(self, client, contest, query):
        page = open_page(client, f"{GRID}&q={query}")
        assert len(titles_of(page)) == 3 and "Type at least" not in page.text

    @pytest.mark.parametrize(
        "query", ["%3Cscript%3Ealert(1)%3C/script%3E", "%22%3E%3Csvg%20onload=x%3E", "%02csp_nonce%03"]
    )
    def test_what_was_typed_comes_back_as_text(self, client, contest, query):
        page = open_page(client, f"{GRID}&q={query}")
        assert page.status_code == 200
        assert "<script>alert" not in page.text and "<svg onload" not in page.text and "\x02" not in page.text

    def test_a_very_long_query_is_refused(self, client, contest):
        assert open_page(client, f"{GRID}&q={'x' * 10_000}").status_code == 414
        assert open_page(client, f"{GRID}&q={'x' * 4_000}").status_code == 200

    def test_by_cause(self, client, contest):
        assert len(titles_of(open_page(client, f"{GRID}&cause=Oceans"))) == 2
        assert len(titles_of(open_page(client, f"{GRID}&cause=oceans&q=harbour"))) == 1
        page = open_page(client, f"{GRID}&cause=Nothing")
        assert page.status_code == 200 and "No story" in page.text

    def test_pages_of_a_search_keep_it(self, client):
        make_many(make_open_contest("many"), PAGE_SIZE + 2)
        pages = walk(client, "/contests/many?view=grid&q=story")
        assert [len(page) for page in pages] == [PAGE_SIZE, 2]
        assert len(set(pages[0]) | set(pages[1])) == PAGE_SIZE + 2

    @pytest.mark.parametrize(
        "query, status",
        [
            ("sort=password", 422),
            ("sort=1;--", 422),
            ("order=sideways", 422),
            ("view=list", 422),
            ("page=one", 422),
            ("page=-1", 422),
            ("page=%D9%A1", 422),
            ("page=0", 404),
            ("page=99999999", 404),
            ("page=9999999999999999999999", 422),
            ("sort=votes", 422),
            ("sort=fair", 200),
            ("sort=newest", 200),
            ("seed=999&epoch=-4&at=x", 200),
            ("seed=99999999999999999999&page=1", 200),
            ("view=standings&page=2", 404),
            ("nothing=known", 200),
        ],
    )
    def test_wishes(self, client, contest, query, status):
        assert open_page(client, f"/contests/open?{query}").status_code == status


class TestStandings:
    def test_places_votes_and_reach(self, client):
        contest = make_open_contest()
        for title, votes, reach in (
            ("Second", 20, 300),
            ("First", 40, 50),
            ("Also second", 20, 9),
            ("New", 2, 1),
        ):
            set_figures(make_entry(contest, title=title), votes=votes, reach=reach)
        page = open_page(client, "/contests/open?view=standings")
        rows = page.text.split("<tr>")[2:]
        assert [
            ("First" in rows[0]),
            ("Second" in rows[1]),
            ("Also second" in rows[2]),
            ("New" in rows[3]),
        ] == [True] * 4
        assert [row.count('">2</span>') for row in rows] == [0, 1, 1, 0]
        assert "under 5" in rows[3]
        assert "outside the prize" not in page.text

    def test_shown_only_is_explained_where_it_stands(self, client):
        entry = make_entry(make_open_contest(), title="A guest")
        set_figures(entry, votes=40)
        entry.is_eligible = False
        db.session.commit()
        page = open_page(client, "/contests/open?view=standings").text
        assert page.count("Shown only") == 2 and "is a story outside the prize" in page

    def test_covered_counts_say_why_and_until_when(self, client):
        contest = make_open_contest()
        set_figures(make_entry(contest, title="First"), votes=412)
        hide_counts(contest)
        page = open_page(client, "/contests/open?view=standings")
        assert "The count is covered for now." in page.text and "They are shown from" in page.text
        assert "412" not in page.text and "<table" not in page.text

    def test_the_same_number_of_queries_for_one_entry_and_three(self, client, count_queries):
        counts = []
        for size in (1, 3):
            make_many(make_open_contest(f"contest-{size}"), size)
            with count_queries() as queries:
                open_page(client, f"/contests/contest-{size}?view=standings")
            counts.append(len(queries))
        assert counts[0] == counts[1] and 0 < counts[0] <= 8


class TestStandingsAsData:
    def test_the_document(self, client):
        contest = make_open_contest()
        first, second = make_entry(contest, title="First"), make_entry(contest, title="Second")
        set_figures(first, votes=3, reach=2)
        set_figures(second, votes=40, reach=70)
        answer = open_page(client, "/contests/open/standings.json")
        assert answer.mimetype == "application/json"
        assert answer.json["shows_counts"] and not answer.json["is_final"]
        assert [(e["place"], e["title"], e["votes"], e["reach"]) for e in answer.json["entries"]] == [
            (1, "Second", 40, 70),
            (None, "First", None, None),
        ]

    def test_it_is_sent_once_until_a_figure_changes(self, client):
        contest = make_open_contest()
        entry = make_entry(contest)
        set_figures(entry, votes=10)
        answer = open_page(client, "/contests/open/standings.json")
        tag = answer.headers["ETag"]
        again = open_page(client, "/contests/open/standings.json", **{"If-None-Match": tag})
        assert again.status_code == 304 and again.data == b""
        set_figures(entry, votes=11)
        changed = open_page(client, "/contests/open/standings.json", **{"If-None-Match": tag})
        assert changed.status_code == 200 and changed.json["entries"][0]["votes"] == 11

    def test_covered_counts_are_not_in_it_nor_in_its_order(self, client):
        contest = make_open_contest()
        make_entry(contest, title="Few")
        set_figures(make_entry(contest, title="Many"), votes=412)
        hide_counts(contest)
        document = open_page(client, "/contests/open/standings.json").json
        assert [(e["title"], e["place"], e["votes"]) for e in document["entries"]] == [
            ("Few", None, None),
            ("Many", None, None),
        ]
        assert not document["shows_counts"]


def test_a_version_of_the_rules_without_a_text_is_not_shown(client):
    contest = make_open_contest(rules_text="")
    assert "Version 1" not in open_page(client, "/contests/open/rules").text
    with transaction() as session:
        session.get_one(Contest, contest.id).rules_text = "Be kind."
        for version, text in ((1, ""), (2, "Be good."), (3, "Be kind.")):
            session.add(
                ContestRules(
                    contest_id=contest.id, version=version, text=text, digest="0" * 64, written_at=now()
                )
            )
    page = open_page(client, "/contests/open/rules").text
    assert "<summary>Version 2" in page and "<summary>Version 1" not in page


def test_the_rules_in_words_with_text_version_and_hash(client):
    make_open_contest(
        rules_text="Be kind.\n\nBe <b>honest</b>.", rules_version=3, period="day", limit_count=1
    )
    page = open_page(client, "/contests/open/rules")
    assert page.status_code == 200
    for words in (
        "You may vote for one entry a day",
        "Be kind.",
        "&lt;b&gt;honest",
        "Version 3",
        "When, in New York’s time",
    ):
        assert words in page.text
    import hashlib

    assert hashlib.sha256(b"Be kind.\n\nBe <b>honest</b>.").hexdigest() in page.text
