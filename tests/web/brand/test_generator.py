"""The generator: choose, look, copy."""

import html
import re
from html.parser import HTMLParser

import pytest

from quilt.database import db
from quilt.embeds.models import Embed, Placement, PlacementEmbed
from quilt.embeds.placements import fill_codes
from tests.conftest import NOW
from tests.embeds.brands import make_organisation
from tests.factories import make_contest, make_entry, make_user, save
from tests.web.brand.test_desk import sign_in


@pytest.fixture
def entry(app):
    entry = make_entry(make_contest("spring"), title='The "library" <bus>')
    save(Embed(entry_id=entry.id, code="Embed000001", created_at=NOW))
    return entry


def snippets(client, query=""):
    told = client.get(f"/brand/embeds/new.json{query}").json
    return {snippet["key"]: snippet["text"] for snippet in told["snippets"]}, told


class Tags(HTMLParser):
    """The start tags of a snippet."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def test_a_stranger_gets_a_snippet(client, entry):
    page = client.get("/brand/embeds/new")
    assert page.status_code == 200 and "frame-src 'self'" in page.headers["Content-Security-Policy"]
    assert html.escape("<quilt-entry", quote=False) in page.text and "Make a desk for your brand" in page.text
    texts, told = snippets(client)
    tags = Tags(texts["html"]).found
    assert tags[0] == ("script", {"async": None, "src": "http://localhost/widget/v1.js"})
    assert (tags[1][0], tags[1][1]["entry"], tags[1][1]["via"]) == (
        "quilt-entry",
        str(entry.id),
        "Embed000001",
    )
    assert tags[2] == ("a", {"href": "http://localhost/s/Embed000001?c=embed"})
    assert 'The "library" &lt;bus&gt;' in html.unescape(texts["html"]).replace("<bus>", "&lt;bus&gt;")
    assert client.get(told["frame"]).status_code == 200
    assert set(texts) == {"html", "wordpress", "squarespace", "react", "iframe", "markdown", "pinned"}


def test_the_forms_for_editors_say_the_same(client, entry):
    texts, _ = snippets(client, "?theme=dark&accent=%23b3c7ef&lang=ar&kind=vote")
    div = Tags(texts["wordpress"]).found[1]
    assert div[0] == "div" and (div[1]["data-quilt"], div[1]["data-theme"], div[1]["data-accent"]) == (
        "vote",
        "dark",
        "b3c7ef",
    )
    assert "quilt-vote" in texts["react"] and texts["react"].count("useEffect") == 2
    assert re.fullmatch(r"\[.*\]\(http://localhost/s/Embed000001\?c=embed\)", texts["markdown"])
    assert r"\<bus\>" in texts["markdown"]
    frame = dict(Tags(texts["iframe"]).found)["iframe"]["src"]
    assert frame.startswith(f"http://localhost/embed/{entry.id}/vote?") and "theme=dark" in frame
    integrity = re.search(r'integrity="(sha384-[\w+/=]+)"', texts["pinned"])[1]
    assert integrity in client.get("/brand/embeds/new").text


def test_the_pinned_release_is_the_one_that_its_hash_names(client, entry):
    import base64
    import hashlib

    texts, _ = snippets(client)
    script = Tags(texts["pinned"]).found[0][1]
    served = client.get(script["src"].removeprefix("http://localhost"))
    assert script["integrity"] == "sha384-" + base64.b64encode(hashlib.sha384(served.data).digest()).decode()
    assert script["crossorigin"] == "anonymous" and "immutable" in served.headers["Cache-Control"]


def test_faint_colours_are_refused_and_stay_in_the_form(client, entry):
    page = client.get("/brand/embeds/new?accent=%23ffff00&ground=%23ffffff")
    assert "to 1" in page.text and 'value="#ffff00"' in page.text
    texts, told = snippets(client, "?accent=%23ffff00&ground=%23ffffff")
    assert "to 1" in told["problem"] and "ffff00" not in texts["html"]
    assert snippets(client, "?accent=reddish")[1]["problem"] == "Write a colour like #27406b."


@pytest.mark.parametrize("text", ["999", "https://elsewhere.example/", "abc", "0"])
def test_a_story_that_is_not_there(client, entry, text):
    page = client.get("/brand/embeds/new", query_string={"entry": text})
    assert page.status_code == 200 and "There is no such story" in page.text and text in page.text


def test_the_address_of_a_story_will_do(client, entry):
    told = client.get(
        "/brand/embeds/new.json", query_string={"entry": f"http://localhost/entries/{entry.id}-the-bus?c=wa"}
    )
    assert f"/embed/{entry.id}" in told.json["frame"]


def test_a_site_without_a_contest(client):
    assert client.get("/brand/embeds/new").status_code == 200
    assert client.get("/brand/embeds/new?kind=contest").status_code == 200


@pytest.mark.parametrize("kind", ["entry", "contest", "vote", "countdown"])
def test_a_brand_keeps_what_was_chosen(app, monkeypatch, entry, kind):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", False)
    owner = make_user()
    brand, client = make_organisation(owner), None
    client = sign_in(app, owner)
    form = {
        "organisation_id": brand.id,
        "kind": kind,
        "entry": entry.id,
        "contest": "spring",
        "theme": "dark",
        "label": "Home",
    }
    made = client.post("/brand/embeds", data=form)
    assert made.status_code == 303
    placement = db.session.query(Placement).one()
    assert client.get(made.location).status_code == 200
    frame = client.get(f"/embed/by/{placement.code}")
    assert frame.status_code == 200 and 'data-theme="dark"' in frame.text
    refused = client.post("/brand/embeds", data={**form, "label": ""})
    assert refused.status_code == 422 and "Write a name." in refused.text
    assert client.post("/brand/embeds", data={**form, "organisation_id": "999"}).status_code == 404


def test_entries_that_come_later_get_their_codes(app, monkeypatch, entry):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", False)
    owner = make_user()
    brand = make_organisation(owner)
    sign_in(app, owner).post(
        "/brand/embeds",
        data={"organisation_id": brand.id, "kind": "contest", "contest": "spring", "label": "x"},
    )
    make_entry(db.session.get(type(make_contest()), entry.contest_id))
    numbers = iter(range(1, 99))
    assert fill_codes(NOW, lambda count: next(numbers).to_bytes(count)) == 1
    assert fill_codes(NOW, lambda count: next(numbers).to_bytes(count)) == 0
    db.session.rollback()
    assert db.session.query(PlacementEmbed).count() == 2
