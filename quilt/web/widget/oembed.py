"""The oEmbed provider (oembed.com, version 1.0): pasting an address of ours into an editor shows the frame."""

from collections.abc import Mapping
from html import escape
from urllib.parse import SplitResult, urlencode, urlsplit
from xml.etree import ElementTree

from flask import Response, abort, jsonify, request

from quilt.arrivals.heads import EntryHead
from quilt.embeds.queries import find_embed_code
from quilt.web.lookups import find_followed, get_head_or_404
from quilt.web.settings import get_settings
from quilt.web.widget import widget
from quilt.web.widget.entries import read_facts
from quilt.web.widget.lines import get_contest_or_404

FORMATS = ("json", "xml")
MOST_ADDRESS = 2_000
NARROWEST, WIDEST, USUAL_WIDTH = 200, 1_920, 600
ENTRY_HEIGHT, CONTEST_HEIGHT = 500, 640  # px: enough for every width from NARROWEST on
PRIVATE = ("me", "admin", "brand", "submit", "outbox")
AN_HOUR = 3_600
CARD_SIZE = (1_200, 630)
Facts = dict[str, str | int]


@widget.get("/oembed")
def show_oembed() -> Response:
    """The frame of an address of ours: 404 for what is not here, 401 for what is not public, 501 for other formats."""
    form = request.args.get("format", "json")
    if form not in FORMATS:
        abort(501, "This provider speaks json and xml.")
    width, height = _read_most("maxwidth"), _read_most("maxheight")
    address = request.args.get("url", "")
    if not address:
        abort(400, "Which address? Give it as url=…")
    if len(address) > MOST_ADDRESS:
        abort(414, "That address is too long to be one of ours.")
    facts = _describe(_own_parts(address), width, height)
    response = jsonify(facts) if form == "json" else Response(write_xml(facts), mimetype="text/xml")
    response.headers["Cache-Control"] = f"public, max-age={AN_HOUR // 12}"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def write_xml(facts: Mapping[str, str | int]) -> bytes:
    """The facts as the XML of the specification."""
    root = ElementTree.Element("oembed")
    for name, value in facts.items():
        ElementTree.SubElement(root, name).text = str(value)
    body: bytes = ElementTree.tostring(root, "utf-8")
    return b'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n' + body


def _own_parts(address: str) -> list[str]:
    """The steps of the path of an address of ours; 404 for anybody else's."""
    own = urlsplit(get_settings().base_url)
    try:
        parts: SplitResult = urlsplit(address)
    except ValueError:
        abort(404)
    if parts.scheme not in ("http", "https") or parts.netloc.lower() != own.netloc:
        abort(404, "That address is not one of ours.")
    return [step for step in parts.path.split("/") if step]


def _describe(steps: list[str], width: int | None, height: int | None) -> Facts:
    match steps:
        case ["entries" | "embed", number, *_] if number.partition("-")[0].isdecimal():
            head = get_head_or_404(int(number.partition("-")[0][:18]))
            return _describe_entry(head, find_embed_code(head.id), width, height)
        case ["s", code]:
            entry_id = find_followed(code)
            if entry_id is None:
                abort(404)
            return _describe_entry(get_head_or_404(entry_id), code, width, height)
        case ["contests", slug, *_]:
            return _describe_contest(slug, width, height)
        case [first, *_] if first in PRIVATE:
            abort(401, "That page is not public, so it cannot be embedded.")
    abort(404, "There is nothing to embed at that address.")


def _describe_entry(head: EntryHead, code: str, width: int | None, height: int | None) -> Facts:
    facts = read_facts(head)
    base_url = get_settings().base_url
    frame = f"{base_url}/embed/{head.id}" + (f"?{urlencode({'via': code})}" if code else "")
    told = _frame(facts.title, frame, ENTRY_HEIGHT, width, height)
    if facts.card_path:
        told |= {
            "thumbnail_url": f"{base_url}{facts.card_path}",
            "thumbnail_width": CARD_SIZE[0],
            "thumbnail_height": CARD_SIZE[1],
        }
    return told


def _describe_contest(slug: str, width: int | None, height: int | None) -> Facts:
    contest = get_contest_or_404(slug)
    frame = f"{get_settings().base_url}/embed/contests/{contest.slug}"
    return _frame(contest.title, frame, CONTEST_HEIGHT, width, height)


def _frame(
    title: str, frame: str, usual_height: int, most_width: int | None, most_height: int | None
) -> Facts:
    """The answer of type `rich`; a page too narrow for a frame gets a `link`, never a frame that is too wide."""
    settings = get_settings()
    told: Facts = {
        "version": "1.0",
        "type": "rich",
        "title": title,
        "provider_name": settings.site_name,
        "provider_url": settings.base_url,
        "cache_age": AN_HOUR,
    }
    width = min(most_width or USUAL_WIDTH, WIDEST)
    height = min(most_height or usual_height, usual_height)
    if width < NARROWEST or height < NARROWEST // 2:
        return {**told, "type": "link"}
    html = (
        f'<iframe src="{escape(frame)}" width="{width}" height="{height}" title="{escape(title)}" loading="lazy" '
        f'frameborder="0"></iframe>'
    )
    return {**told, "html": html, "width": width, "height": height}


def _read_most(name: str) -> int | None:
    """`maxwidth` or `maxheight`: a positive whole number, or nothing; 400 for everything else."""
    text = request.args.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:9]) and len(text) <= 20):
        abort(400, f"{name} is a number of pixels.")
    return min(int(text), 10**9)
