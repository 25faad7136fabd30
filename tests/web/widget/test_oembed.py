"""The oEmbed provider."""

from xml.etree import ElementTree

import pytest

from quilt.web.widget.oembed import NARROWEST
from tests.embeds.brands import make_organisation
from tests.factories import make_contest, make_entry, make_user

TITLE = 'The "library" <bus> 🚌 & friends'


@pytest.fixture
def entry(app):
    return make_entry(make_contest("spring"), title=TITLE, slug="the-bus")


def ask(client, url, **query):
    return client.get("/oembed", query_string={"url": url, **query})


@pytest.mark.parametrize(
    "path",
    ["/entries/{id}-the-bus", "/entries/{id}", "/s/own{id:08}", "/embed/{id}", "/entries/{id}-the-bus?c=wa"],
)
def test_an_entry_is_a_frame(client, entry, path):
    answer = ask(client, "http://localhost" + path.format(id=entry.id))
    told = answer.json
    assert (answer.status_code, told["version"], told["type"], told["title"]) == (200, "1.0", "rich", TITLE)
    assert (told["width"], told["height"]) == (600, 500) and told["provider_url"] == "http://localhost"
    assert told["html"].startswith(f'<iframe src="http://localhost/embed/{entry.id}')
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_G13_titles_are_written_for_where_they_stand(client, entry):
    html = ask(client, f"http://localhost/entries/{entry.id}").json["html"]
    assert 'title="The &quot;library&quot; &lt;bus&gt; 🚌 &amp; friends"' in html
    xml = ask(client, f"http://localhost/entries/{entry.id}", format="xml")
    assert xml.mimetype == "text/xml" and ElementTree.fromstring(xml.data).findtext("title") == TITLE


def test_xml_and_json_say_the_same(client, entry):
    url = f"http://localhost/entries/{entry.id}"
    told = ElementTree.fromstring(ask(client, url, format="xml").data)
    assert {part.tag: part.text for part in told} == {
        name: str(value) for name, value in ask(client, url, format="json").json.items()
    }


def test_a_contest_is_a_frame_too(client, entry):
    assert "/embed/contests/spring" in ask(client, "http://localhost/contests/spring?view=grid").json["html"]


@pytest.mark.parametrize(("url", "status"), [
    ("https://elsewhere.example/entries/1", 404), ("javascript:alert(1)", 404), ("http://localhost.evil.example/entries/1", 404),
    ("http://localhost@evil.example/entries/1", 404), ("http://[::1", 404), ("http://localhost/" + "a" * 100_000, 414), ("", 400),
    ("http://localhost/entries/999", 404), ("http://localhost/", 404), ("http://localhost/s/nobody00000", 404),
    ("http://localhost/contests/none", 404), ("http://localhost/me", 401), ("http://localhost/brand/1", 401),
])  # fmt: skip
def test_G11_addresses_that_are_not_ours_or_not_public(client, entry, url, status):
    make_organisation(make_user())
    assert ask(client, url).status_code == status


def test_without_an_address(client):
    assert client.get("/oembed").status_code == 400


@pytest.mark.parametrize(("query", "status"), [
    ({"format": "../../x"}, 501), ({"format": "yaml"}, 501), ({"maxwidth": "-1"}, 400), ({"maxwidth": "abc"}, 400),
    ({"maxheight": "1e3"}, 400), ({"maxwidth": ""}, 400), ({"maxwidth": "0"}, 400), ({"maxwidth": "9" * 5_000}, 400),
])  # fmt: skip
def test_G12_wishes_that_cannot_be_met(client, entry, query, status):
    assert ask(client, f"http://localhost/entries/{entry.id}", **query).status_code == status


@pytest.mark.parametrize(("width", "told"), [(300, 300), (1_000_000_000, 1_920), (NARROWEST, NARROWEST)])
def test_the_frame_is_never_wider_than_the_page_allows(client, entry, width, told):
    answer = ask(client, f"http://localhost/entries/{entry.id}", maxwidth=width, maxheight=300).json
    assert (answer["width"], answer["height"]) == (told, 300)
    assert f'width="{told}" height="300"' in answer["html"]


def test_where_no_frame_fits_there_is_a_link(client, entry):
    answer = ask(client, f"http://localhost/entries/{entry.id}", maxwidth=100).json
    assert answer["type"] == "link" and "html" not in answer


@pytest.mark.parametrize("state", ["draft", "submitted", "withdrawn"])
def test_what_is_not_published_is_not_told(client, state):
    entry = make_entry(state=state, title="A secret")
    answer = ask(client, f"http://localhost/entries/{entry.id}")
    assert answer.status_code == 404 and "A secret" not in answer.text
