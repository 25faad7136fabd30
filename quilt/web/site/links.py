"""The entrant's links: one for each place they send it to, each with its people, its address and its QR code."""

from dataclasses import dataclass

from flask import Response, flash, make_response, redirect, render_template, request, url_for

from quilt.entries.drafts import Draft
from quilt.extensions import limiter
from quilt.shares.links import MOST_LABEL, LinkRefused, OwnLink, create_link, list_links
from quilt.standings.rules import LEAST_SHOWN
from quilt.web.clock import entropy, now
from quilt.web.guards import signed_in_only
from quilt.web.lookups import get_head_or_404
from quilt.web.settings import get_settings
from quilt.web.site import site
from quilt.web.site.drafts import get_draft_or_404


@dataclass(frozen=True, slots=True)
class ShownLink:
    """One link as its owner sees it; no figure below five people."""

    code: str
    label: str
    url: str
    words: str


@site.get("/entries/<int:entry_id>/links")
@signed_in_only
def show_links(entry_id: int) -> Response:
    """My links for this entry, and the form for another one."""
    return _answer(get_own_published_or_404(entry_id))


@site.post("/entries/<int:entry_id>/links")
@limiter.limit("60 per hour")
@signed_in_only
def add_link(entry_id: int) -> Response:
    """Make a link with a name; a refusal keeps what was typed."""
    draft = get_own_published_or_404(entry_id)
    label = request.form.get("label", "")
    try:
        code = create_link(draft.entry.id, label, now=now(), entropy=entropy)
    except LinkRefused as refusal:
        return _answer(draft, label[: 4 * MOST_LABEL], refusal.message, 422)
    flash("Your link is ready: copy it, or print its code.", "good")
    return make_response(redirect(url_for("site.show_links", entry_id=entry_id, _anchor=f"link-{code}"), 303))


def get_own_published_or_404(entry_id: int) -> Draft:
    """The signed-in person's own entry, once everybody can see it: before that a link would lead nowhere."""
    draft = get_draft_or_404(entry_id)
    get_head_or_404(entry_id)
    return draft


def _answer(draft: Draft, typed: str = "", problem: str = "", status: int = 200) -> Response:
    links = [_describe(link) for link in list_links(draft.entry.id)]
    page = render_template(
        "site/links.html", entry=draft.entry, links=links, typed=typed, problem=problem, most_label=MOST_LABEL
    )
    response = make_response(page, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _describe(link: OwnLink) -> ShownLink:
    return ShownLink(
        code=link.code,
        label=link.label or "The entry’s own link",
        url=f"{get_settings().base_url}/s/{link.code}",
        words=tell_people(link),
    )


def tell_people(link: OwnLink) -> str:
    """What a link brought, in a sentence; nothing exact below five people."""
    if link.through < LEAST_SHOWN:
        return "Fewer than five people so far."
    words = f"{link.through:,} people"
    if link.people >= LEAST_SHOWN and link.through - link.people >= LEAST_SHOWN:
        words = f"{link.people:,} people came by it, {link.through:,} with everybody they brought"
    return f"{words}; {link.votes:,} votes." if link.votes >= LEAST_SHOWN else f"{words}."
