"""The frame that stands on other people's pages: one look at an entry, one button that opens our own page."""

from flask import Response, current_app, request
from markupsafe import Markup

from quilt.arrivals.heads import EntryHead
from quilt.database import db
from quilt.web.context import format_duration, patch, plural
from quilt.web.lookups import find_followed, get_head_or_404
from quilt.web.pages import Page, VersionedCache, slot
from quilt.web.widget import widget
from quilt.web.widget.entries import FRESH, EntryFacts, read_facts, version_of

THEMES = ("auto", "light", "dark")
# No nonce: the page is the same for everybody. Its one script tells its height to the page around it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors *; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

_pages: VersionedCache[Page] = VersionedCache(most=2_000)


@widget.get("/embed/<int:entry_id>")
def show_embed(entry_id: int) -> Response:
    """The entry's frame; its button leads to our page by the embed's own link."""
    head = get_head_or_404(entry_id)
    theme = find_theme(request.args.get("theme", ""))
    page = _pages.get(
        (id(db.engine), entry_id, theme), version_of(head), lambda: Page(_render(read_facts(head), theme))
    )
    body = page.fill({"target": _find_target(head, request.args.get("via", "")).encode()})
    return answer_frame(body, cache_control=FRESH)


def answer_frame(body: bytes | str, status: int = 200, *, cache_control: str) -> Response:
    """An answer that any site may show in a frame, one that isolates itself (COEP) too."""
    return Response(
        body,
        status,
        mimetype="text/html",
        headers={
            "Content-Security-Policy": POLICY,
            "Cache-Control": cache_control,
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Cross-Origin-Embedder-Policy": "require-corp",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
        },
    )


def render_frame(name: str, **values: object) -> str:
    """A template without what pages usually get: looking for the current user would open the session."""
    return current_app.jinja_env.get_template(name).render(**values)


def find_theme(wish: str) -> str:
    """One of our themes; the reader's own where the wish is none of them."""
    return wish if wish in THEMES else "auto"


def _find_target(head: EntryHead, via: str) -> str:
    """Our page by the given code where it is one of this entry's, else the entry's own page."""
    link = find_followed(via)
    if link is not None and link.entry_id == head.id:
        return f"/s/{link.code}?c=embed"
    return f"/entries/{head.id}-{head.slug}?c=embed"


def _render(facts: EntryFacts, theme: str) -> str:
    figures = [
        plural(facts.votes, "vote") if facts.votes is not None else "",
        f"reached {plural(facts.reach, 'person', 'people')}" if facts.reach is not None else "",
    ]
    return render_frame(
        "widget/entry.html",
        entry=facts,
        figures=[figure for figure in figures if figure],
        duration=format_duration(facts.duration_seconds),
        patch_svg=patch(facts.cause),
        target=Markup(slot("target")),
        theme=theme,
    )
