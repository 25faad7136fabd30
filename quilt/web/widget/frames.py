"""The frames that stand on other people's pages: one look at an entry, one button that opens our own page."""

from flask import Response, abort, current_app, g, request
from markupsafe import Markup

from quilt.arrivals.heads import EntryHead
from quilt.database import database_key
from quilt.web.context import format_duration, patch
from quilt.web.headers import ANCESTORS
from quilt.web.lookups import find_followed, get_head_or_404
from quilt.web.pages import Page, VersionedCache, slot
from quilt.web.repeats import repeat_for_all
from quilt.web.scripts import find_frame_part
from quilt.web.settings import get_settings
from quilt.web.widget import widget
from quilt.web.widget.entries import FRESH, EntryFacts, read_facts, version_of
from quilt.web.widget.wishes import Wish, find_known, get_wish

# No nonce: the page is the same for everybody. Its one script talks to the page around it and asks for new figures.
# Our address stands beside 'self': in a sandbox without an origin, as WordPress makes it, 'self' is nobody.
POLICY = (
    "default-src 'none'; script-src 'self' {own}; style-src 'self' {own}; img-src 'self' {own} data:; "
    "media-src 'self' {own}; font-src 'self' {own}; connect-src 'self' {own}; form-action 'none'; base-uri 'none'; frame-ancestors {ancestors}; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

TEMPLATES = {"entry": "widget/entry.html", "vote": "widget/vote.html"}

_pages: VersionedCache[Page] = VersionedCache(most=2_000)


@widget.get("/embed/<int:entry_id>")
def show_embed(entry_id: int) -> Response:
    """The entry's frame; its button leads to our page by the embed's own link."""
    return answer_entry(entry_id, "entry", request.args.get("via", ""))


@widget.get("/embed/<int:entry_id>/vote")
def show_vote_button(entry_id: int) -> Response:
    """A small frame: the title, the count, and the button."""
    return answer_entry(entry_id, "vote", request.args.get("via", ""))


def answer_entry(entry_id: int, kind: str, via: str) -> Response:
    """An entry's frame of a kind, kept by version and look; its links are filled in for this embed."""
    head = get_head_or_404(entry_id)
    wish = get_wish(via, entry_id=head.id)
    page = _pages.get(
        (database_key(), entry_id, kind, wish),
        version_of(head),
        lambda: Page(_render(read_facts(head), kind, wish)),
    )
    body = page.fill({"target": find_target(head, via).encode()})
    if not request.query_string:
        repeat_for_all()
    return answer_frame(body, cache_control=FRESH)


def answer_frame(body: bytes | str, status: int = 200, *, cache_control: str) -> Response:
    """An answer that other sites may show in a frame, those that isolate themselves (COEP) too."""
    return Response(
        body,
        status,
        mimetype="text/html",
        headers={
            "Content-Security-Policy": POLICY.format(
                own=get_settings().base_url, ancestors=g.get(ANCESTORS, "*")
            ),
            "Cache-Control": cache_control,
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Cross-Origin-Embedder-Policy": "require-corp",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
        },
    )


def render_frame(name: str, wish: Wish, **values: object) -> str:
    """A template without what pages usually get: looking for the current user would open the session."""
    placement = wish.placement
    return current_app.jinja_env.get_template(name).render(
        find_frame_part=find_frame_part,
        t=wish.phrases,
        lang=wish.options.lang,
        direction=wish.phrases.direction,
        theme=wish.options.theme,
        look_query=wish.look_query,
        options=wish.options,
        note=wish.note,
        placement_code=placement.code if placement else "",
        origins=placement.origins if placement else (),
        sponsor=placement.sponsor if placement else None,
        **values,
    )


def find_target(head: EntryHead, via: str) -> str:
    """Our page by the given code where it is one of this entry's, else the entry's own page."""
    if find_followed(via) == head.id:
        return f"/s/{via}?c=embed"
    return f"/entries/{head.id}-{head.slug}?c=embed"


def answer_code(code: str) -> Response:
    """The frame that a code alone stands for: a placement as it is stored, or the entry of any other code."""
    placement = find_known(code)
    if placement is not None and placement.entry_id is not None:
        return answer_entry(placement.entry_id, placement.kind, code)
    entry_id = find_followed(code)
    if entry_id is None:
        abort(404)
    return answer_entry(entry_id, "entry", code)


def _render(facts: EntryFacts, kind: str, wish: Wish) -> str:
    t = wish.phrases
    return render_frame(
        TEMPLATES[kind],
        wish,
        entry=facts,
        votes_text=t.count("vote", facts.votes) if facts.votes is not None and wish.options.counts else "",
        reach_text=t.count("reach", facts.reach) if facts.reach is not None and wish.options.counts else "",
        duration=format_duration(facts.duration_seconds),
        patch_svg=patch(facts.cause),
        target=Markup(slot("target")),
        figures_path=f"/widget/entries/{facts.id}.json" if wish.options.counts else "",
    )
