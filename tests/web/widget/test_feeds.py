"""A contest in feed readers and calendars."""

from datetime import UTC, datetime
from xml.etree import ElementTree

from tests.factories import make_contest, make_entry

ATOM = "{http://www.w3.org/2005/Atom}"


def test_the_feed_has_the_newest_first_and_ids_that_stay(client):
    contest = make_contest("spring", title="Spring & <summer>")
    entries = [make_entry(contest, title=f"Story {number} <&> \u202e") for number in range(3)]
    make_entry(contest, state="draft", title="A secret")
    answer = client.get("/contests/spring/feed.atom")
    feed = ElementTree.fromstring(answer.data)
    assert answer.mimetype == "application/atom+xml" and feed.findtext(f"{ATOM}title") == "Spring & <summer>"
    shown = feed.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}id") for entry in shown] == [
        f"tag:localhost,2026:entry:{entry.id}" for entry in reversed(entries)
    ]
    assert shown[0].findtext(f"{ATOM}title") == "Story 2 <&> " and "A secret" not in answer.text
    assert {link.get("rel") for link in feed.findall(f"{ATOM}link")} == {"alternate", "self"}


def test_an_empty_contest_has_a_feed(client):
    make_contest("new")
    assert client.get("/contests/new/feed.atom").status_code == 200


def test_the_calendar_has_an_event_a_phase(client):
    contest = make_contest(
        "spring",
        title="Bread, soup; \\ and a title that is so long that its line must be folded für alle Menschen 🚌🚌🚌🚌🚌",
        opens=datetime(2026, 5, 1, 4, tzinfo=UTC),
        closes=datetime(2026, 5, 20, 4, tzinfo=UTC),
    )
    answer = client.get("/contests/spring/phases.ics")
    assert answer.mimetype == "text/calendar"
    lines = answer.data.split(b"\r\n")
    assert max(map(len, lines)) <= 75 and lines[-1] == b""
    whole = answer.data.decode().replace("\r\n ", "")
    assert "DTSTART:20260501T040000Z" in whole and "DTEND:20260520T040000Z" in whole
    assert (
        f"UID:contest-{contest.id}-phase-1@localhost" in whole
        and "Voting: Bread\\, soup\\; \\\\ and" in whole
    )


def test_no_feed_of_what_is_not_published(client):
    make_contest("secret", is_published=False)
    assert client.get("/contests/secret/feed.atom").status_code == 404
    assert client.get("/contests/secret/phases.ics").status_code == 404
