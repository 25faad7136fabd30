"""A contest in other programs: Atom for its newest entries (RFC 4287), iCalendar for its phases (RFC 5545)."""

from datetime import UTC, datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree

from flask import Response

from quilt.contests.queries import ContestFacts
from quilt.entries.queries import EntryCard, list_cards
from quilt.web.clock import now
from quilt.web.settings import get_settings
from quilt.web.widget import widget
from quilt.web.widget.lines import get_contest_or_404

ATOM = "http://www.w3.org/2005/Atom"
MOST_ITEMS = 50
FRESH = "public, max-age=300"
LONGEST_LINE = 73  # bytes before a line of a calendar is folded: 75 with the space and what a decoder may add


@widget.get("/contests/<slug>/feed.atom")
def show_feed(slug: str) -> Response:
    """The newest entries of a contest, for feed readers."""
    contest = get_contest_or_404(slug)
    cards = sorted(list_cards(contest.id), key=lambda card: (card.published_at, card.id), reverse=True)
    response = Response(write_feed(contest, cards[:MOST_ITEMS]), mimetype="application/atom+xml")
    response.headers["Cache-Control"] = FRESH
    return response


@widget.get("/contests/<slug>/phases.ics")
def show_calendar(slug: str) -> Response:
    """The phases of a contest, for calendars."""
    contest = get_contest_or_404(slug)
    response = Response(write_calendar(contest, now()), mimetype="text/calendar")
    response.headers["Cache-Control"] = FRESH
    response.headers["Content-Disposition"] = f'inline; filename="{contest.slug}.ics"'
    return response


def write_feed(contest: ContestFacts, cards: list[EntryCard]) -> bytes:
    """The feed: ids are tags that never change (RFC 4151), dates those of publication."""
    base_url = get_settings().base_url
    host = urlsplit(base_url).hostname
    feed = ElementTree.Element("feed", {"xmlns": ATOM})
    address = f"{base_url}/contests/{contest.slug}"
    _add(feed, "id", f"tag:{host},2026:contest:{contest.id}")
    _add(feed, "title", contest.title)
    _add(
        feed,
        "updated",
        _stamp(max((card.published_at for card in cards), default=datetime(2026, 1, 1, tzinfo=UTC))),
    )
    ElementTree.SubElement(feed, "link", {"rel": "alternate", "type": "text/html", "href": address})
    ElementTree.SubElement(
        feed, "link", {"rel": "self", "type": "application/atom+xml", "href": f"{address}/feed.atom"}
    )
    author = ElementTree.SubElement(feed, "author")
    _add(author, "name", get_settings().site_name)
    for card in cards:
        entry = ElementTree.SubElement(feed, "entry")
        _add(entry, "id", f"tag:{host},2026:entry:{card.id}")
        _add(entry, "title", card.title)
        _add(entry, "published", _stamp(card.published_at))
        _add(entry, "updated", _stamp(card.published_at))
        _add(entry, "summary", card.cause)
        link = {"rel": "alternate", "type": "text/html", "href": f"{base_url}/entries/{card.id}-{card.slug}"}
        ElementTree.SubElement(entry, "link", link)
    body: bytes = ElementTree.tostring(feed, "utf-8", xml_declaration=True)
    return body


def write_calendar(contest: ContestFacts, stamped_at: datetime) -> bytes:
    """One event a phase, in UTC; calendars show it in their reader's own zone."""
    base_url = get_settings().base_url
    host = urlsplit(base_url).hostname
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//{host}//Quilt//EN",
        f"X-WR-CALNAME:{_escape(contest.title)}",
    ]
    for number, phase in enumerate(contest.phases, 1):
        lines += [
            "BEGIN:VEVENT",
            f"UID:contest-{contest.id}-phase-{number}@{host}",
            f"DTSTAMP:{_basic(stamped_at)}",
            f"DTSTART:{_basic(phase.starts_at)}",
            f"DTEND:{_basic(phase.ends_at)}",
            f"SUMMARY:{_escape(f'{phase.name}: {contest.title}')}",
            f"URL:{base_url}/contests/{contest.slug}",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return b"".join(_fold(line) + b"\r\n" for line in lines)


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = "".join(sign for sign in text if sign.isprintable())


def _stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds")


def _basic(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escape(text: str) -> str:
    """A TEXT value: RFC 5545, 3.3.11."""
    plain = "".join(sign for sign in " ".join(text.split()) if sign.isprintable())
    return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _fold(line: str) -> bytes:
    """Lines of at most 75 bytes, broken between characters: RFC 5545, 3.1."""
    pieces, current = [], b""
    for sign in line:
        encoded = sign.encode()
        if len(current) + len(encoded) > LONGEST_LINE:
            pieces.append(current)
            current = b""
        current += encoded
    return b"\r\n ".join([*pieces, current])
