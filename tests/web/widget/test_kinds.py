"""The frames of contests and buttons, and of what a brand has set up under a code."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from quilt.database import transaction
from quilt.embeds.models import Placement
from quilt.votes.models import EntryTally
from tests.conftest import NOW
from tests.embeds.brands import make_organisation, make_placement, make_site
from tests.factories import make_contest, make_entry, make_user
from tests.web.widget.test_embed import make_open_entry, set_figures

ACCENT = re.compile(r'<link rel="stylesheet" href="(/widget/look\.css[^"]+)"')
from tests.web.site.browsing import make_open_contest


@pytest.fixture
def contest(app):
    today = datetime.now(UTC)
    return make_contest(
        "spring", opens=today - timedelta(days=1), closes=today + timedelta(days=2, minutes=5)
    )


def give_votes(entry, votes):
    with transaction() as session:
        session.get(EntryTally, entry.id).standing = votes


def test_the_vote_button_has_a_title_a_count_and_one_button(client):
    entry = make_open_entry(title="The library bus")
    set_figures(entry, votes=7, reach=9)
    frame = client.get(f"/embed/{entry.id}/vote")
    assert frame.status_code == 200 and "The library bus" in frame.text and "7 votes" in frame.text
    assert "Vote for it" in frame.text and len(re.findall(r'class="button', frame.text)) == 1
    assert "<form" not in frame.text


def test_a_contest_shows_its_leaders_with_places(client, contest):
    entries = [make_entry(contest, title=f"Story {number}", cause="Water") for number in range(3)]
    for entry, votes in zip(entries, (6, 90, 4), strict=True):
        give_votes(entry, votes)
    text = client.get("/embed/contests/spring?order=votes").text
    assert text.index("Story 1") < text.index("Story 0") < text.index("Story 2")
    assert "90 votes" in text and "Place 1" in text and "4 votes" not in text
    assert "3 stories" in text and "Voting closes in 2 days" in text


def test_votes_alone_make_no_place_where_judges_have_a_share(client):
    contest = make_open_contest("judged", judges_share=30)
    give_votes(make_entry(contest, title="Story"), 90)
    text = client.get("/embed/contests/judged?order=votes").text
    assert "90 votes" in text and "Place 1" not in text


@pytest.mark.parametrize(("query", "titles"), [
    ("?order=newest&top=2", ["C", "B"]), ("?cause=Water&order=newest", ["B"]), ("?cause=Nothing", []),
    ("?order=votes&top=1", ["A"]),
])  # fmt: skip
def test_which_entries(client, contest, query, titles):
    for title in "ABC":
        make_entry(contest, title=title, cause="Water" if title == "B" else "Soup")
    text = client.get(f"/embed/contests/spring{query}").text
    assert re.findall(r"<b dir=\"auto\">(\w)</b>", text) == titles


def test_fair_order_shows_all_of_a_small_contest(client, contest):
    for title in "ABC":
        make_entry(contest, title=title)
    assert sorted(re.findall(r"<b dir=\"auto\">(\w)</b>", client.get("/embed/contests/spring").text)) == [
        "A",
        "B",
        "C",
    ]


def test_counts_that_are_covered_are_in_no_frame(client):
    today = datetime.now(UTC)
    hidden = make_contest("covered", opens=today - timedelta(days=1), closes=today + timedelta(days=1))
    with transaction() as session:
        session.get(type(hidden), hidden.id).phases[0].shows_counts = False
    entry = make_entry(hidden)
    give_votes(entry, 50)
    for path in ("/embed/contests/covered?order=votes", f"/embed/{entry.id}", f"/embed/{entry.id}/vote"):
        assert "50 votes" not in client.get(path).text
    told = client.get("/widget/contests/covered.json").json
    assert (
        told["votes"] is None and told["entries"][0]["votes"] is None and told["entries"][0]["place"] is None
    )


def test_the_countdown_says_what_comes(client, contest):
    text = client.get("/embed/contests/spring/countdown").text
    assert "Voting closes in" in text and 'data-units="[[' in text and "<b>2</b>days" in text
    make_contest("over", opens=NOW.replace(year=2020), closes=NOW.replace(year=2021))
    assert "Voting has closed." in client.get("/embed/contests/over/countdown").text


def test_live_counts_are_the_same_bytes_for_everybody(client, contest):
    entry = make_entry(contest, title="A")
    give_votes(entry, 12)
    answer = client.get("/widget/contests/spring.json", headers={"Origin": "https://blog.example"})
    assert answer.json["entries"][0] == {
        "id": entry.id, "title": "A", "cause": "Pompe research", "url": f"http://localhost/entries/{entry.id}-{entry.slug}",
        "place": 1, "votes": 12, "reach": None,
    }  # fmt: skip
    assert answer.json["next_change"]["action"] == "vote" and answer.json["votes"] == 12
    assert answer.headers["Access-Control-Allow-Origin"] == "*" and "Set-Cookie" not in answer.headers
    again = client.get("/widget/contests/spring.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/embed/contests/{}", "/embed/contests/{}/countdown", "/widget/contests/{}.json"]
)
def test_a_contest_that_is_not_published_is_not_here(client, path):
    make_contest("secret", title="A secret", is_published=False)
    for slug in ("secret", "nothing", "a" * 500):
        answer = client.get(path.format(slug))
        assert answer.status_code == 404 and "A secret" not in answer.text


@pytest.mark.parametrize(("lang", "words", "html"), [
    ("de", "Ansehen und abstimmen", '<html lang="de"'), ("fr", "Regarder et voter", '<html lang="fr"'),
    ("es", "Ver y votar", '<html lang="es"'), ("ar", "شاهِد وصوِّت", '<html lang="ar" dir="rtl"'),
    ("xx", "Watch and vote", '<html lang="en"'),
])  # fmt: skip
def test_languages(client, lang, words, html):
    text = client.get(f"/embed/{make_open_entry().id}?lang={lang}").text
    assert words in text and html in text


def test_colours_come_as_a_sheet_of_our_own(client):
    entry = make_entry()
    address = ACCENT.search(client.get(f"/embed/{entry.id}?accent=d4a017&ground=1d2b3a&corners=round").text)[
        1
    ]
    sheet = client.get(address.replace("&amp;", "&"))
    assert sheet.mimetype == "text/css" and "--action:#d4a017" in sheet.text and "--ink:#fffcf5" in sheet.text
    assert "--radius-l:22px" in sheet.text
    plain = client.get(f"/embed/{entry.id}")
    assert not ACCENT.search(plain.text)


def test_colours_that_cannot_be_read_are_left_out_and_the_console_says_why(client):
    text = client.get(f"/embed/{make_entry().id}?accent=ffffff&ground=fefefe").text
    assert not ACCENT.search(text) and 'data-note="#ffffff on #fefefe' in text
    assert client.get("/widget/look.css?accent=ffffff&ground=fefefe").text == ":root:root:root{}\n"


@pytest.mark.parametrize("evil", ["red;}*{display:none", "</style>", "url(//x)", "%0a", "expression(1)"])
def test_nothing_else_gets_into_the_sheet(client, evil):
    sheet = client.get("/widget/look.css", query_string={"accent": evil, "ground": evil, "corners": evil})
    assert sheet.text == ":root:root:root{}\n"


@pytest.fixture
def placed(app, contest):
    """A brand's placement of an entry, with a verified site."""
    entry = make_entry(contest, title="Placed")
    organisation = make_organisation(make_user())
    make_site(organisation)
    make_site(organisation, "https://not-yet.example", verified_at=None)
    return entry, make_placement(organisation, entry, options='{"theme": "dark", "lang": "de"}')


def test_G01_only_the_brands_verified_sites_may_show_it(client, placed):
    entry, placement = placed
    for path in (f"/embed/by/{placement.code}", f"/embed/{entry.id}?via={placement.code}"):
        policy = client.get(path).headers["Content-Security-Policy"]
        assert "frame-ancestors 'self' https://www.example.org;" in policy
    assert "frame-ancestors *;" in client.get(f"/embed/{entry.id}").headers["Content-Security-Policy"]


def test_a_code_alone_stands_for_what_its_owner_has_set(client, placed):
    entry, placement = placed
    text = client.get(f"/embed/by/{placement.code}").text
    assert '<html lang="de" data-theme="dark">' in text and "Placed" in text
    assert f"/s/{placement.code}?c=embed" in text and f'data-code="{placement.code}"' in text
    assert 'data-origins="https://www.example.org"' in text
    own = f"own{entry.id:08}"
    assert f"/s/{own}?c=embed" in client.get(f"/embed/by/{own}").text


def test_a_contest_placement_leads_to_each_entry_by_its_own_code(client, contest):
    entry = make_entry(contest)
    placement = make_placement(make_organisation(make_user()), entry, kind="contest")
    text = client.get(f"/embed/by/{placement.code}").text
    link = f"/s/E{placement.code[1:]}?c=embed"
    assert link in text and client.get(link).status_code == 200


def test_G04_a_code_shows_nothing_but_its_own(client, placed):
    _, placement = placed
    other = make_open_entry(title="Of another brand")
    for path in (f"/embed/{other.id}", f"/embed/{other.id}/vote", "/embed/contests/spring"):
        frame = client.get(f"{path}?via={placement.code}")
        expected = 200 if path.endswith("spring") else 404
        assert frame.status_code == expected and "Of another brand" not in frame.text
    other_contest = make_contest("other")
    make_entry(other_contest)
    assert client.get(f"/embed/contests/other?via={placement.code}").status_code == 404


def test_what_was_taken_down_says_so(client, placed):
    _, placement = placed
    with transaction() as session:
        session.get(Placement, placement.id).ended_at = NOW
    frame = client.get(f"/embed/by/{placement.code}")
    assert frame.status_code == 404 and "This is no longer shown here" in frame.text
    assert client.get(f"/widget/why.json?via={placement.code}").json == {"reason": "ended"}


@pytest.mark.parametrize(("query", "origin", "reason"), [
    ("via={code}", "https://elsewhere.example", "site"), ("via={code}", "https://www.example.org", "frame"),
    ("via=Unknown0000&by=code", "https://x.example", "unknown"), ("via=", "https://x.example", "frame"),
    ("via={code}", "null", "site"),
])  # fmt: skip
def test_why_a_frame_keeps_silent(client, placed, query, origin, reason):
    path = f"/widget/why.json?{query.format(code=placed[1].code)}"
    answer = client.get(path, headers={"Origin": origin})
    assert answer.json == {"reason": reason}
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["null", "https://localhost.evil.example", "https://evil.example"])
def test_G10_no_origin_gets_credentials(client, placed, origin):
    entry, placement = placed
    paths = (f"/widget/entries/{entry.id}.json", "/widget/contests/spring.json", "/widget/v1.js", "/oembed?url=x",
             f"/widget/why.json?via={placement.code}", f"/embed/{entry.id}")  # fmt: skip
    for path in paths:
        answer = client.get(path, headers={"Origin": origin, "Cookie": "quilt_session=nonsense"})
        assert "Access-Control-Allow-Credentials" not in answer.headers and "Set-Cookie" not in answer.headers
        assert answer.headers.get("Access-Control-Allow-Origin") in ("*", None)
