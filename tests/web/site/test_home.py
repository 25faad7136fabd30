"""The first page."""

import pytest

from tests.factories import make_contest, make_entry, make_user
from tests.web.site.browsing import hide_counts, make_open_contest, open_page, set_figures, sign_in


def test_before_the_first_contest_a_kind_word(client):
    page = open_page(client, "/")
    assert page.status_code == 200
    assert "The first contest is being prepared" in page.text


def test_the_contest_its_quilt_and_the_next_step(client):
    contest = make_open_contest(title="For the harbour", prize_text="$10,000", prize_from="the Harbour Fund")
    for number in range(3):
        make_entry(contest, title=f"Story {number}", slug=f"story-{number}")
    page = open_page(client, "/")
    for words in (
        "For the harbour",
        "$10,000",
        "the Harbour Fund",
        "Voting closes",
        "(New York)",
        "Watch 3 stories",
    ):
        assert words in page.text
    assert page.text.count('class="quilt-patch" href="/entries/') == 3
    assert page.text.index("Story 0") < page.text.index("Story 2")
    assert "Set-Cookie" not in page.headers and "\x02" not in page.text


def test_true_totals_without_small_figures(client):
    contest = make_open_contest()
    first, second = make_entry(contest, cause="Oceans"), make_entry(contest, cause="Bees")
    set_figures(first, votes=1200, reach=3000, chain=7)
    set_figures(second, votes=3, reach=4, chain=1)
    page = open_page(client, "/")
    for figure in ("<dd>1,203</dd>", "<dd>3,000</dd>", "<dd>2</dd>", "<dd>7</dd>"):
        assert figure in page.text
    set_figures(first, votes=1, reach=0, chain=2)
    page = open_page(client, "/")
    assert page.text.count("<dd>") == 1 and "<dd>2</dd>" in page.text  # the causes


def test_votes_that_are_covered_are_in_no_total(client):
    contest = make_open_contest()
    set_figures(make_entry(contest), votes=1200, reach=3000)
    hide_counts(contest)
    page = open_page(client, "/")
    assert "<dd>3,000</dd>" in page.text and "1,200" not in page.text


def test_after_the_close_the_result_stands_there(client):
    contest = make_open_contest(days=(-5, -1))
    for number, votes in enumerate((9, 30, 2, 30), 1):
        set_figures(make_entry(contest, title=f"Story {number}"), votes=votes)
    page = open_page(client, "/")
    assert "The count is in" in page.text and "Voting closes" not in page.text
    winners = page.text[page.text.index("The count is in") : page.text.index("See every place")]
    assert [f"Story {number}" in winners for number in (1, 2, 3, 4)] == [True, True, False, True]
    assert winners.count("place-1") == 2


def test_other_contests_are_listed(client):
    make_open_contest("soon", days=(-1, 1), title="Ends first")
    make_open_contest("late", days=(-1, 9), title="Ends last")
    make_open_contest("done", days=(-9, -8), title="Is over")
    make_contest("hidden", title="Not published", is_published=False)
    page = open_page(client, "/")
    assert '<h1 id="contest">Ends first</h1>' in page.text
    assert '<a href="/contests/late">Ends last</a>' in page.text
    assert '<a href="/contests/done">Is over</a>' in page.text
    assert "Not published" not in page.text


def test_a_new_entry_is_there_at_once(client):
    contest = make_open_contest()
    make_entry(contest, title="The first")
    assert "The second" not in open_page(client, "/").text
    make_entry(contest, title="The second")
    assert "The second" in open_page(client, "/").text


@pytest.mark.parametrize("path", ["/", "/contests/open", "/contests/open?view=standings"])
def test_who_is_signed_in_gets_their_own_menu_and_nobody_else_does(client, path):
    make_entry(make_open_contest())
    sign_in(client, make_user())
    assert 'href="/me"' in open_page(client, path).text
    client.delete_cookie("quilt_session")
    page = open_page(client, path)
    assert 'href="/me"' not in page.text and 'href="/sign-in"' in page.text


@pytest.mark.parametrize("path", ["/", "/contests/open"])
def test_every_page_has_its_own_nonce(client, path):
    make_entry(make_open_contest())
    first, second = open_page(client, path), open_page(client, path)
    nonces = {
        page.headers["Content-Security-Policy"].split("'nonce-")[1].split("'")[0] for page in (first, second)
    }
    assert len(nonces) == 2
    for page in (first, second):
        assert sum(f'nonce="{nonce}"' in page.text for nonce in nonces) == 1


def test_the_same_number_of_queries_for_one_entry_and_three(client, count_queries):
    counts = []
    for size in (1, 3):
        contest = make_open_contest(f"contest-{size}", days=(-5, 5 - size))
        for _ in range(size):
            make_entry(contest)
        with count_queries() as queries:
            assert open_page(client, "/").status_code == 200
        counts.append(len(queries))
    assert 0 < counts[0] <= 8
    assert counts[1] <= counts[0]


def test_robots_are_told_what_is_public(client):
    make_entry(make_open_contest(), title="Bees", slug="bees")
    text = open_page(client, "/robots.txt").text
    assert "Disallow: /me" in text and "Sitemap: http://localhost/sitemap.xml" in text
    page = open_page(client, "/sitemap.xml")
    assert page.mimetype == "application/xml"
    assert "/contests/open</loc>" in page.text and "-bees</loc>" in page.text


def test_who_asks_for_an_icon_by_its_old_name_gets_it(client):
    answer = client.get("/favicon.ico")
    assert answer.status_code == 302 and "/static/img/icon.svg" in answer.location
