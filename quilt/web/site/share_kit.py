"""The entrant's share kit: proposed words, pictures, a poster, letters; and how a shared link looks elsewhere."""

from dataclasses import dataclass

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user

from quilt.accounts.models import User
from quilt.contests.models import Contest
from quilt.contests.rules import Action, list_windows
from quilt.database import db
from quilt.embeds.queries import find_embed_code
from quilt.entries.models import Entry
from quilt.extensions import limiter
from quilt.media.models import Video
from quilt.moderation.tasks import refresh_kit
from quilt.shares.kit import (
    MOST_WORDS,
    USES,
    Kit,
    WordsTooLong,
    find_kit,
    find_words,
    open_kit,
    save_words,
)
from quilt.shares.kit_letters import Facts, build_letters
from quilt.shares.links import list_links
from quilt.web.clock import entropy, now
from quilt.web.context import format_day
from quilt.web.guards import signed_in_only
from quilt.web.settings import get_settings
from quilt.web.site import site
from quilt.web.site.links import get_own_published_or_404, tell_people

PICTURE_WORDS = {
    "square": ("A square for your feed", "1080 × 1080"),
    "story": ("For a story", "1080 × 1920; put your link on it as a sticker"),
    "a4": ("Poster to print", "A4, with its code"),
    "letter": ("Poster to print", "US Letter, with its code"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """How one network shows a link: which picture, and how many signs of title and description it has room for."""

    label: str
    style: str  # wide, side or words
    title: int
    description: int


# As seen on phones; the networks change it without a word, so these are rough.
NETWORKS = (
    Shown("Facebook", "wide", 88, 0),
    Shown("WhatsApp", "side", 65, 80),
    Shown("X", "wide", 70, 0),
    Shown("LinkedIn", "wide", 120, 0),
    Shown("Slack", "wide", 120, 200),
    Shown("Mastodon", "side", 100, 100),
    Shown("Bluesky", "wide", 100, 150),
    Shown("A text message", "side", 60, 0),
)


INSPECTORS = {
    "Facebook’s sharing debugger": "https://developers.facebook.com/tools/debug/",
    "LinkedIn’s post inspector": "https://www.linkedin.com/post-inspector/",
}


@site.get("/entries/<int:entry_id>/kit")
@signed_in_only
def show_kit(entry_id: int) -> Response:
    """The kit, or the button that makes it."""
    return _answer(get_own_published_or_404(entry_id).entry)


@site.post("/entries/<int:entry_id>/kit")
@signed_in_only
@limiter.limit("60 per hour")
def change_kit(entry_id: int) -> Response:
    """Make the kit; or keep the words that the entrant proposes."""
    entry = get_own_published_or_404(entry_id).entry
    if find_kit(entry_id) is None:
        open_kit(entry_id, now=now(), entropy=entropy)
    if "words" in request.form:
        typed = request.form["words"]
        try:
            save_words(entry_id, typed)
        except WordsTooLong as refusal:
            return _answer(entry, typed[: 4 * MOST_WORDS], refusal.message, 422)
        flash("Kept. Whoever passes your film on finds these words ready.", "good")
    refresh_kit.later(entry_id)
    return make_response(redirect(url_for("site.show_kit", entry_id=entry_id), 303))


@site.get("/entries/<int:entry_id>/share-preview")
@signed_in_only
def show_share_preview(entry_id: int) -> Response:
    """How the entry's link looks on each network."""
    entry = get_own_published_or_404(entry_id).entry
    video = db.session.get(Video, entry.video_id) if entry.video_id else None
    page = render_template(
        "site/share_preview.html", entry=entry, networks=NETWORKS, words=find_words(entry_id, entry.title),
        inspectors=INSPECTORS, host=get_settings().base_url.partition("://")[2],
        description=" ".join(entry.story.split())[:200], card_url=_card_url(video),
    )  # fmt: skip
    return _keep_private(make_response(page))


def _card_url(video: Video | None) -> str:
    return f"/media/{video.card_key}" if video is not None and video.card_key else ""


def _answer(entry: Entry, typed: str | None = None, problem: str = "", status: int = 200) -> Response:
    kit, base_url = find_kit(entry.id), get_settings().base_url
    contest = db.session.get_one(Contest, entry.contest_id)
    brought = {link.label: tell_people(link) for link in list_links(entry.id)}
    codes = kit.codes if kit else {}
    own = next((link.code for link in list_links(entry.id) if not link.label), "")
    links = {use.key: f"{base_url}/s/{codes.get(use.key, own)}" for use in USES}
    page = render_template(
        "site/share_kit.html", entry=entry, kit=kit, links=links, problem=problem, most_words=MOST_WORDS,
        typed=typed if typed is not None else (kit.words if kit else ""), picture_words=PICTURE_WORDS,
        missing=_list_missing(kit), brought={use.key: brought.get(use.label, "") for use in USES},
        letters=build_letters(_find_facts(entry, contest), USES, links.__getitem__),
        embed_code=find_embed_code(entry.id), proposed=find_words(entry.id, entry.title),
    )  # fmt: skip
    return _keep_private(make_response(page, status))


def _list_missing(kit: Kit | None) -> list[str]:
    return [kind for kind in PICTURE_WORDS if kit and kind not in kit.pictures]


def _find_facts(entry: Entry, contest: Contest) -> Facts:
    ends = [end for _, end in list_windows(contest.phases, Action.VOTE) if end > now()]
    until = format_day(min(ends), contest.time_zone) if ends else ""
    name = db.session.get_one(User, current_user.id).name
    return Facts(entry.title, entry.cause, contest.title, name, until)


def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response
