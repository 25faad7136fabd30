"""What others see of a shared link: as each network's fetcher asks for it, with HEAD, then GET, without a script."""

import json
import re
from html.parser import HTMLParser

import pytest
from sqlalchemy import func, select, update

from quilt.arrivals.models import Arrival
from quilt.database import db
from quilt.media.models import Video
from quilt.media.storage import results_of
from tests.factories import make_entry
from tests.web.site.browsing import make_open_contest

FETCHERS = {
    "Facebook": "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "X": "Twitterbot/1.0",
    "Slack": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "WhatsApp": "WhatsApp/2.24.20.89 A",
    "LinkedIn": "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "Mastodon": "http.rb/5.2.0 (Mastodon/4.3.1; +https://mastodon.social/) Bot",
    "Bluesky": "Mozilla/5.0 (compatible; Bluesky Cardyb/1.1; +mailto:support@bsky.app)",
}
CARD = f"cd/cd{'1' * 30}.jpg"
TITLE = 'Mateo’s "first" <steps> & more'


class Head(HTMLParser):
    """The metas, links and JSON of a page, as a fetcher reads them."""

    def __init__(self, text):
        super().__init__()
        self.metas, self.links, self.facts, self._in_json = {}, [], None, False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        facts = dict(attributes)
        if tag == "meta" and (name := facts.get("property") or facts.get("name")):
            assert name not in self.metas or name == "theme-color", f"{name} stands there twice"
            self.metas[name] = facts.get("content")
        if tag == "link":
            self.links.append(facts)
        self._in_json = tag == "script" and facts.get("type") == "application/ld+json"

    def handle_data(self, data):
        if self._in_json:
            self.facts, self._in_json = json.loads(data), False


@pytest.fixture
def entry(app, settings):
    made = make_entry(make_open_contest(), title=TITLE, story="He walked.\nFar. " * 40)
    db.session.execute(update(Video).where(Video.id == made.video_id).values(card_key=CARD, poster_key=CARD))
    db.session.commit()
    path = results_of(settings).path(CARD)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\xff\xd8\xff\xe0 a card \xff\xd9")
    return made


@pytest.mark.parametrize("name", FETCHERS)
def test_what_a_network_s_fetcher_gets(client, entry, name):
    agent = {"User-Agent": FETCHERS[name], "Accept": "*/*"}
    address = f"/s/own{entry.id:08}?c=fb"
    head = client.head(address, headers=agent)
    assert (head.status_code, head.data) == (200, b"")
    page = client.get(address, headers={**agent, "Range": "bytes=0-524288"} if name == "Facebook" else agent)
    assert page.status_code in (200, 206) and page.mimetype == "text/html"
    assert head.headers["Content-Type"] == page.headers["Content-Type"]
    seen = Head(page.text)
    assert seen.metas["og:title"] == seen.metas["twitter:title"] == TITLE
    assert seen.metas["og:image"] == seen.metas["twitter:image"] == f"http://localhost/media/{CARD}"
    assert (seen.metas["og:image:width"], seen.metas["og:image:height"]) == ("1200", "630")
    assert seen.metas["twitter:card"] == "summary_large_image" and seen.metas["og:image:alt"]
    assert 50 < len(seen.metas["og:description"]) <= 201 and "\n" not in seen.metas["og:description"]
    picture = client.get(f"/media/{CARD}", headers=agent, buffered=True)
    assert picture.status_code == 200 and picture.mimetype == "image/jpeg"
    assert picture.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    sized = client.head(f"/media/{CARD}", headers=agent, buffered=True)
    assert sized.headers["Content-Length"] == str(len(picture.data))
    sized.close()
    picture.close()
    assert db.session.scalar(select(func.count()).select_from(Arrival)) == 0, "nobody is counted by a look"


def test_the_shared_address_keeps_the_chain(client, entry):
    """Facebook leads people to what `og:url` names: without the code in it everybody behind it would be lost."""
    code, plain = f"own{entry.id:08}", f"http://localhost/entries/{entry.id}-{entry.slug}"
    cases = {
        f"/s/{code}": f"http://localhost/s/{code}",
        f"/s/{code}?c=fb": f"http://localhost/s/{code}?c=fb",
        f"/s/{code}?c=%22%3E%3Cb%3E": f"http://localhost/s/{code}?c=b",
        f"/entries/{entry.id}-{entry.slug}?c=fb": plain,
    }
    for path, address in cases.items():
        seen = Head(client.get(path).text)
        assert seen.metas["og:url"] == address
        assert next(link["href"] for link in seen.links if link["rel"] == "canonical") == plain


def test_where_the_embed_code_is_found(client, entry):
    seen = Head(client.get(f"/entries/{entry.id}-{entry.slug}").text)
    found = next(link for link in seen.links if link.get("type") == "application/json+oembed")
    assert found["rel"] == "alternate" and found["title"] == TITLE
    answer = client.get(found["href"].removeprefix("http://localhost"))
    assert answer.status_code == 200 and answer.json["title"] == TITLE
    assert answer.json["version"] == "1.0" and answer.json["html"]


def test_the_film_as_search_engines_read_it(client, entry):
    facts = Head(client.get(f"/entries/{entry.id}-{entry.slug}").text).facts
    assert facts["@type"] == "VideoObject" and facts["@context"] == "https://schema.org"
    assert facts["name"] == TITLE and facts["thumbnailUrl"] == [f"http://localhost/media/{CARD}"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", facts["uploadDate"])
    assert facts["embedUrl"].startswith("https://www.youtube-nocookie.com/embed/")


def test_a_film_without_a_card_yet(client):
    made = make_entry(make_open_contest())
    seen = Head(client.get(f"/entries/{made.id}-{made.slug}").text)
    assert "og:image" not in seen.metas and seen.metas["twitter:card"] == "summary" and seen.facts is None
