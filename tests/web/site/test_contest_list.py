"""The list of all contests."""

from tests.web.site.browsing import make_open_contest, open_page


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
