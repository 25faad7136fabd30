"""The entry page: kept as bytes for everybody who is not signed in, filled with the visitor's own link."""

from collections.abc import Callable

import orjson
from flask import Response, redirect, render_template, request, url_for
from markupsafe import Markup

from quilt.accounts.models import User
from quilt.arrivals.heads import EntryHead
from quilt.arrivals.queries import describe_spread
from quilt.community.queries import list_comments
from quilt.contests.models import Contest
from quilt.contests.rules import Action, may
from quilt.database import database_key, db
from quilt.entries.models import Entry
from quilt.media.linked import PROVIDER_NAMES, find_linked
from quilt.media.models import Video
from quilt.shares.kit import find_words
from quilt.shares.networks import list_share_links
from quilt.standings.rules import LEAST_SHOWN
from quilt.web.clock import entropy, now
from quilt.web.form_tickets import has_session, ticket_binding
from quilt.web.headers import PLAYERS, build_policy, csp_nonce
from quilt.web.lookups import get_head_or_404, phase_mark
from quilt.web.pages import Page, VersionedCache, slot
from quilt.web.repeats import repeat_for_all, repeat_page
from quilt.web.settings import get_settings
from quilt.web.site import site
from quilt.web.site.tree_facts import find_glance
from quilt.web.site.vote_boxes import build_box, find_shown_votes
from quilt.web.tickets import issue_ticket
from quilt.web.visitors import describe_visitor

COMMENTS_SHOWN = 50

_pages: VersionedCache[Page] = VersionedCache(most=400)
_figures: VersionedCache[bytes] = VersionedCache(most=4_000)


@site.get("/entries/<int:entry_id>")
@site.get("/entries/<int:entry_id>-<slug>")
def show_entry(entry_id: int, slug: str = "") -> Response:
    """The entry: film, story, vote, share, spread, comments."""
    head = get_head_or_404(entry_id)
    if slug != head.slug:
        query = f"?{request.query_string.decode('ascii', 'ignore')}" if request.query_string else ""
        return redirect(f"/entries/{head.id}-{head.slug}{query}", 308)  # type: ignore[return-value]
    response = answer_entry_page(head)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@site.get("/entries/<int:entry_id>/figures.json")
def show_figures(entry_id: int) -> Response:
    """The entry's three numbers and its votes, for the page that is open; the same bytes for everybody."""
    head = get_head_or_404(entry_id)
    version = (head.version, head.spread_version, head.contest_version, phase_mark(head, now()))
    body = _figures.get((database_key(), entry_id), version, lambda: _build_figures(entry_id))
    response = Response(body, mimetype="application/json")
    response.headers["Cache-Control"] = "no-cache"
    repeat_for_all()
    response.headers["ETag"] = f'"{entry_id}-{"-".join(map(str, version))}"'
    response.make_conditional(request)
    return response


def answer_entry_page(head: EntryHead, via: str = "") -> Response:
    """The entry page for this visitor; `via` is the code of the link that they followed."""
    own_code = describe_visitor(request).codes.get(head.id, "")
    is_playing = request.args.get("play") == "1"
    page, nonce = _find_page(head, is_playing), csp_nonce()
    fill = _slot_filler(head, via, ticket_binding(), get_settings().secret_key)
    if not is_playing and not request.cookies:
        repeat_page(page, nonce, fill)
    response = Response(
        page.fill(fill(nonce, _clean(request.args.get("c", "")), own_code)), mimetype="text/html"
    )
    response.headers["Content-Security-Policy"] = build_policy(nonce, PLAYERS, "'none'")
    response.headers["Vary"] = "Cookie"
    return response


def _slot_filler(head: EntryHead, via: str, binding: str, secret: str) -> Callable[..., dict[str, bytes]]:
    """A function that fills the page's slots: nothing in them comes from the application's context."""

    def fill(nonce: str, channel: str, own_code: str = "") -> dict[str, bytes]:
        own_path = f"s/{own_code}" if own_code else f"entries/{head.id}-{head.slug}"
        return {
            "csp_nonce": nonce.encode(),
            "ticket": issue_ticket(head.id, binding, secret, now(), entropy).encode(),
            "via": via.encode(),
            "channel": channel.encode(),
            "own_path": own_path.encode(),
            "shared_path": _shared_path(head, via, channel).encode(),
            "own_path_quoted": own_path.replace("/", "%2F").encode(),
        }

    return fill


def _shared_path(head: EntryHead, via: str, channel: str) -> str:
    """The address of the link that was opened: networks lead to what `og:url` names, so the chain is kept in it."""
    if not via:
        return f"entries/{head.id}-{head.slug}"
    return f"s/{via}?c={channel}" if channel else f"s/{via}"


def _clean(tag: str) -> str:
    return "".join(letter for letter in tag[:16] if letter.isascii() and (letter.isalnum() or letter == "-"))


def _find_page(head: EntryHead, is_playing: bool) -> Page:
    if has_session():
        return Page(_render(head, is_playing))
    version = (head.version, head.spread_version, head.contest_version, phase_mark(head, now()))
    return _pages.get((database_key(), head.id, is_playing), version, lambda: Page(_render(head, is_playing)))


def _render(head: EntryHead, is_playing: bool) -> str:
    entry = db.session.get_one(Entry, head.id, populate_existing=True)
    contest = db.session.get_one(Contest, head.contest_id, populate_existing=True)
    video = db.session.get(Video, entry.video_id, populate_existing=True) if entry.video_id else None
    title = entry.title
    text = find_words(entry.id, title)
    spread = describe_spread(entry.id)
    base_url = get_settings().base_url
    return render_template(
        "site/entry.html",
        entry=entry,
        contest=contest,
        entrant=db.session.get_one(User, entry.entrant_id),
        video=video,
        linked=find_linked(video.kind, video.external_id)
        if video is not None and video.kind != "file"
        else None,
        provider_names=PROVIDER_NAMES,
        is_playing=is_playing,
        box=build_box(head, entry, contest),
        spread=spread,
        glance=find_glance(entry.id, head.spread_version) if spread.reach >= LEAST_SHOWN else None,
        least_shown=LEAST_SHOWN,
        comments=list_comments(entry.id, COMMENTS_SHOWN),
        may_comment=may(contest.phases, Action.COMMENT, now()),
        canonical=f"{base_url}{url_for('site.show_entry', entry_id=entry.id, slug=entry.slug)}",
        own_url=f"{base_url}/{slot('own_path')}",
        shared_url=Markup(f"{base_url}/{slot('shared_path')}"),
        video_facts=_describe_video(entry, video, base_url),
        share_text=text,
        networks=list(list_share_links(base_url, slot("own_path_quoted"), title, text)),
        ticket=Markup(slot("ticket")),
        via=Markup(slot("via")),
        channel=Markup(slot("channel")),
        own_path=Markup(slot("own_path")),
        csp_nonce=Markup(slot("csp_nonce")),
    )


def _describe_video(entry: Entry, video: Video | None, base_url: str) -> dict[str, object] | None:
    """The film as https://schema.org/VideoObject, for search engines; None where it has no picture yet."""
    if video is None or video.state != "ready" or not (video.poster_key or video.card_key):
        return None
    linked = find_linked(video.kind, video.external_id) if video.kind != "file" else None
    seconds = round(video.duration_seconds or 0)
    facts: dict[str, object] = {
        "@context": "https://schema.org",
        "@type": "VideoObject",
        "name": entry.title,
        "description": " ".join(entry.story.split())[:500] or entry.title,
        "thumbnailUrl": [f"{base_url}/media/{video.poster_key or video.card_key}"],
        "uploadDate": (entry.published_at or entry.created_at).isoformat(timespec="seconds"),
        "url": f"{base_url}/entries/{entry.id}-{entry.slug}",
    }
    if seconds:
        facts["duration"] = f"PT{seconds}S"
    if linked is not None:
        facts["embedUrl"] = linked.embed_url
    else:
        facts["contentUrl"] = f"{base_url}/media/{video.video_key}"
    return facts


def _build_figures(entry_id: int) -> bytes:
    entry = db.session.get_one(Entry, entry_id, populate_existing=True)
    contest = db.session.get_one(Contest, entry.contest_id)
    spread = describe_spread(entry_id)
    return orjson.dumps(
        {
            "votes": find_shown_votes(entry_id, contest),
            "reach": spread.reach if spread.reach >= LEAST_SHOWN else None,
            "passed_on": spread.passed_on if spread.reach >= LEAST_SHOWN else None,
            "longest_chain": spread.longest_chain if spread.reach >= LEAST_SHOWN else None,
            "structural_virality": round(spread.structural_virality, 2)
            if spread.structural_virality is not None and spread.reach >= LEAST_SHOWN
            else None,
        }
    )
