"""The list of all contests."""

from datetime import timedelta

from quilt.contests.dates import pause_contest
from quilt.web.clock import now
from tests.factories import make_user
from tests.web.site.browsing import make_open_contest, open_page

PAUSED_AT = now() - timedelta(minutes=1)


def test_every_published_contest_is_listed_and_those_that_are_open_come_first(client):
    make_open_contest("over", (-40, -30), title="Long over")
    make_open_contest("later", (10, 20), title="Yet to come")
    make_open_contest("on", title="Open now", prize_text="A thousand crowns")
    make_open_contest("secret", title="Not to be seen", is_published=False)
    page = open_page(client, "/contests")
    assert page.status_code == 200 and "Not to be seen" not in page.text
    places = [page.text.index(f'<a href="/contests/{slug}">') for slug in ("on", "later", "over")]
    assert places == sorted(places)
    for words in ("A thousand crowns", "Not yet open", "Closed", "3 contests"):
        assert words in page.text


def test_the_list_is_found_from_the_first_page_and_by_robots(client):
    make_open_contest("on")
    make_open_contest("later", (10, 20))
    assert open_page(client, "/").text.count('href="/contests">All contests</a>') == 2
    assert "<loc>http://localhost/contests</loc>" in open_page(client, "/sitemap.xml").text


def test_before_the_first_contest_a_kind_word(client):
    page = open_page(client, "/contests")
    assert page.status_code == 200 and "No contest yet" in page.text


def test_a_paused_contest_says_so_and_why_wherever_it_is_named(client):
    """It keeps the first page from one that is over, and the countdown to what is stopped goes."""
    contest = make_open_contest("still", title="Held up")
    make_open_contest("over", (-40, -1), title="Just over")
    open_page(client, "/")
    pause_contest(contest.id, "A flood of bots.", actor_id=make_user(role="admin").id, now=PAUSED_AT)
    for path in ("/", "/contests", "/contests/still", "/submit"):
        page = open_page(client, path).text
        assert "Paused" in page and page.count("A flood of bots.") == 1, path
        assert "Not yet open" not in page and "data-countdown" not in page, path
    for path in ("/", "/contests", "/contests/still"):
        assert "nobody can vote or send in an entry" in open_page(client, path).text
    assert '<h1 id="contest">Held up</h1>' in open_page(client, "/").text
    assert "Voting closes" in open_page(client, "/contests/still").text
    assert (
        "Nothing can be sent in" in page and "Start your entry" not in page and "Prepare your entry" in page
    )
    assert "This contest is paused." in client.get("/embed/contests/still/countdown").text
