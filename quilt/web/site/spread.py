"""How far an entry has travelled: its page, as it is now and as it was, and its pictures to take away."""

from typing import Any

from flask import Response, abort, render_template, request
from markupsafe import Markup

from quilt.arrivals.heads import EntryHead
from quilt.arrivals.queries import describe_spread
from quilt.database import database_key
from quilt.extensions import limiter
from quilt.standings.rules import LEAST_SHOWN
from quilt.web.clock import now
from quilt.web.lookups import get_head_or_404, phase_mark
from quilt.web.pages import VersionedCache, slot
from quilt.web.site import site
from quilt.web.site.kept import answer_fresh, answer_kept, this_minute
from quilt.web.site.spread_facts import choose_frame, describe_now, describe_then
from quilt.web.standalone import Download, list_downloads, write_csv, write_png, write_svg

FRESH_MINUTES = 5  # visits that were no people's raise no version, so the page is built anew this often
LOCKED = "default-src 'none'"  # a picture opened by itself loads and runs nothing
PICTURES = ("tree", "icicle", "curve", "rate", "generations", "dial", "funnel")
TYPES = {"svg": "image/svg+xml", "png": "image/png", "csv": "text/csv"}

_files: VersionedCache[str | bytes] = VersionedCache(most=100)


@site.get("/entries/<int:entry_id>/spread")
def show_spread(entry_id: int) -> Response:
    """The page of an entry's spread; below five people a kind sentence. `at` asks for how it was, `scale` for powers of ten."""
    head = get_head_or_404(entry_id)
    frame = _find_frame(head)
    if frame is not None:
        return answer_fresh(lambda: _show(describe_then(head, frame)))
    is_log = request.args.get("scale") == "log"
    return answer_kept(("spread", entry_id, is_log), _version_of(head), lambda: _render(head, is_log))


@site.get(
    f"/entries/<int:entry_id>/spread/<any({', '.join(PICTURES)}):picture>.<any({', '.join(TYPES)}):kind>"
)
@limiter.limit("120 per minute")
def show_spread_picture(entry_id: int, picture: str, kind: str) -> Response:
    """One picture of the page to take away: drawn with its own colours, or its numbers."""
    head = get_head_or_404(entry_id)
    frame = _find_frame(head)
    is_log = request.args.get("scale") == "log"
    page = describe_now(head, is_log) if frame is None else describe_then(head, frame)
    download = None if page["figures"].reach < LEAST_SHOWN else list_downloads(page).get(picture)
    if download is None:
        abort(404, "There is no such picture yet. It comes with the first five people.")
    version = (*_version_of(head), frame or 0, int(is_log))
    key = (database_key(), entry_id, picture, kind)
    response = Response(_files.get(key, version, lambda: _write(download, kind, page)), mimetype=TYPES[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="spread-{entry_id}-{picture}.{kind}"'
    response.headers["Content-Security-Policy"] = LOCKED
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag("-".join(map(str, (*version, kind))))
    response.make_conditional(request)
    return response


def _version_of(head: EntryHead) -> tuple[int, ...]:
    """What the page and its pictures depend on; the minutes stand for times and rates, which follow later."""
    minutes = this_minute() // FRESH_MINUTES
    return head.version, head.spread_version, head.contest_version, phase_mark(head, now()), minutes


def _render(head: EntryHead, is_log: bool) -> str:
    page = describe_now(head, is_log)
    if "tree" not in page:
        return render_template("site/spread_young.html", **page)
    return _show(page)


def _show(page: dict[str, Any]) -> str:
    return render_template("site/spread.html", csp_nonce=Markup(slot("csp_nonce")), **page)


def _find_frame(head: EntryHead) -> int | None:
    """The number of people that the replay asks for; None is now."""
    asked = request.args.get("at", "").strip()
    reach = describe_spread(head.id).reach if asked else 0
    if reach < LEAST_SHOWN:
        return None
    try:
        return choose_frame(asked, head, reach)
    except ValueError:
        abort(
            400, "We could not read that moment. Give a number of people, or a date and time with its zone."
        )


def _write(download: Download, kind: str, page: dict[str, Any]) -> str | bytes:
    if kind == "csv":
        return write_csv(download)
    svg = write_svg(download, page)
    return write_png(svg) if kind == "png" else svg
