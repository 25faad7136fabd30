"""Passing it on: a page with the person's own link, QR code and embed code."""

import re

from flask import Response, abort, make_response, redirect, render_template, request, url_for
from flask_login import current_user

from quilt.arrivals.overview import list_generations
from quilt.arrivals.queries import describe_spread
from quilt.contests.models import Contest
from quilt.contests.rules import is_over, shows_counts
from quilt.database import db
from quilt.embeds.queries import find_embed_code
from quilt.entries.models import Entry
from quilt.extensions import csrf, limiter
from quilt.shares.connections import OwnConnection, list_connections
from quilt.shares.connectors.table import list_on
from quilt.shares.funnel import count_people
from quilt.shares.kit import find_words
from quilt.shares.networks import MASTODON, ShareLink, build_address, list_share_links
from quilt.shares.ranking import pick_strongest
from quilt.shares.service import record_share
from quilt.spread.attribution import CHANNELS
from quilt.standings.rules import LEAST_SHOWN
from quilt.votes.queries import list_votes_of
from quilt.web.clock import now
from quilt.web.form_tickets import has_fitting_ticket, has_session, new_ticket
from quilt.web.lookups import get_head_or_404
from quilt.web.plain_frames import write_plain_frame
from quilt.web.settings import get_settings
from quilt.web.site import site
from quilt.web.site.arrivals import record_form_visit
from quilt.web.site.branch_views import BranchView, find_branch
from quilt.web.visitors import describe_visitor, remember_code

_REMEMBERED = "quilt_fediverse"  # the name of a server, nothing about the person
A_YEAR = 31_536_000
_HOST = re.compile(r"(?=.{4,253}$)([a-z0-9](-?[a-z0-9])*\.)+[a-z]{2,63}")


@site.get("/entries/<int:entry_id>/share")
def show_share(entry_id: int) -> Response:
    """The share sheet with everything: links, QR, embed; right after a vote also the thanks and the receipt."""
    head = get_head_or_404(entry_id)
    entry = db.session.get_one(Entry, head.id)
    contest = db.session.get_one(Contest, head.contest_id)
    code = describe_visitor(request).codes.get(entry_id, "")
    is_known = has_session() and current_user.is_authenticated
    cast = list_votes_of(current_user.id, entry_id) if is_known else []
    embed_code = find_embed_code(entry_id)
    base_url, text = get_settings().base_url, find_words(entry_id, entry.title)
    own_path = f"s/{code}" if code else f"entries/{head.id}-{head.slug}"
    asked = _clean_host(request.args.get("instance", ""))
    instance = asked or _clean_host(request.cookies.get(_REMEMBERED, ""))
    mastodon_url = _mastodon_link(instance, f"{base_url}/{own_path}", entry.title, text)
    networks = list(list_share_links(base_url, own_path, entry.title, text))
    if mastodon_url:
        networks.append(ShareLink("ma", f"Mastodon ({instance})", mastodon_url))
    strongest = pick_strongest(count_people(entry_id), [network.key for network in networks])
    page = render_template(
        "site/share.html",
        entry=entry,
        contest=contest,
        code=code,
        own_url=f"{base_url}/{own_path}",
        networks=networks,
        strongest=strongest,
        connections=_list_usable(is_known),
        connectors=list_on(get_settings()) if not is_over(contest.phases, now()) else [],
        share_text=text,
        cast=cast[0] if cast else None,
        has_just_voted=request.args.get("voted") == "1" and bool(cast) and cast[0].state != "withdrawn",
        embed_code=embed_code,
        embed_frame=write_plain_frame("entry", f"{base_url}/embed/{entry_id}?via={embed_code}", entry.title),
        instance=instance,
        was_asked=bool(asked),
        mastodon_url=mastodon_url,
        ticket=new_ticket(entry_id),
        proof=_tell_what_sharing_did(entry_id),
        branch=_find_own_branch(entry, contest, code),
    )
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    if asked and mastodon_url:  # asked once: from now on this server stands among the networks
        is_https = get_settings().is_https
        response.set_cookie(
            _REMEMBERED, asked, max_age=A_YEAR, httponly=True, secure=is_https, samesite="Lax"
        )
    return response


@site.post("/entries/<int:entry_id>/share")
@csrf.exempt  # type: ignore[untyped-decorator]
@limiter.limit("600 per minute")  # an address may be a whole school: only a flood is refused
def share(entry_id: int) -> Response:
    """Somebody presses share: without a script this counts their visit and gives them their own link."""
    head = get_head_or_404(entry_id)
    if not has_fitting_ticket(entry_id):
        return redirect(url_for("site.show_entry", entry_id=head.id, slug=head.slug), 303)  # type: ignore[return-value]
    form = request.form
    channel = form.get("share_channel", "link")
    if channel not in CHANNELS and channel != "link":
        abort(422, "We do not know that way of sharing.")
    counted = record_form_visit(entry_id, form.get("ticket", ""), form.get("via", ""), form.get("c", ""))
    if form.get("share_channel"):
        response = make_response("", 204)
    else:
        response = make_response(redirect(url_for("site.show_share", entry_id=entry_id), 303))
    if counted is not None:
        visitor, node = counted
        record_share(entry_id, node.arrival_id, channel, now=now())
        remember_code(response, visitor, entry_id, node.code)
    return response


def _list_usable(is_known: bool) -> list[OwnConnection]:
    """The accounts that this person can post from now."""
    return (
        [it for it in list_connections(current_user.id, get_settings()) if it.is_usable] if is_known else []
    )


def _clean_host(text: str) -> str:
    """A server's name as people type it: with or without https://, or as the end of @name@server."""
    return text[:300].strip().lower().removeprefix("https://").strip("/").rpartition("@")[2]


def _find_own_branch(entry: Entry, contest: Contest, code: str) -> BranchView | None:
    """What grew from this visitor's own link: known by the code in their cookie."""
    url, shows_votes = f"/entries/{entry.id}-{entry.slug}", shows_counts(contest.phases, now())
    return find_branch(entry.id, code, entry.title, url, shows_votes) if code else None


def _tell_what_sharing_did(entry_id: int) -> str:
    """What passing on has brought this entry so far, in a sentence; nothing is claimed below five people."""
    reach = describe_spread(entry_id).reach
    first = next((row.people for row in list_generations(entry_id) if row.number == 1), 0)
    if reach - first < LEAST_SHOWN:
        return "Whoever comes by this link joins your branch of its tree."
    return f"{reach - first:,} of the {reach:,} people who saw this story came because somebody passed it on."


def _mastodon_link(instance: str, link: str, title: str, text: str) -> str:
    """The address on the person's own Mastodon server, '' where none (or no server's name) was given."""
    return build_address(MASTODON, link, title, text, instance) if _HOST.fullmatch(instance) else ""
