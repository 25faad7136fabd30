"""What an embed says of an entry: the frame and the JSON show the same, kept as bytes by version."""

from dataclasses import dataclass

import orjson
from flask import Response

from quilt.arrivals.heads import EntryHead
from quilt.arrivals.queries import describe_spread
from quilt.contests.models import Contest
from quilt.contests.rules import Action, may, shows_counts
from quilt.database import database_key, db
from quilt.entries.models import Entry
from quilt.media.models import Video
from quilt.standings.rules import find_spread_step, hide_few
from quilt.votes.queries import count_votes
from quilt.web.clock import now
from quilt.web.lookups import get_head_or_404, phase_mark
from quilt.web.pages import VersionedCache
from quilt.web.repeats import repeat_for_all
from quilt.web.settings import get_settings
from quilt.web.tagged import ANY_SITE, TaggedJson, answer_tagged, tag_json
from quilt.web.widget import widget

FRESH = "public, max-age=5"  # the figures may be this many seconds old on other people's pages


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """A published entry as other sites may show it. A figure is None where it is hidden or below five."""

    id: int
    slug: str
    title: str
    cause: str
    contest_title: str
    poster_path: str  # '' where there is no picture: the cause's patch stands for it
    thumbnail_path: str
    card_path: str
    video_path: str  # '' where the film lives elsewhere
    duration_seconds: float | None
    votes: int | None
    reach: int | None
    spread_step: int
    may_vote: bool


_kept: VersionedCache[TaggedJson] = VersionedCache(most=4_000)


@widget.get("/widget/entries/<int:entry_id>.json")
def show_entry_json(entry_id: int) -> Response:
    """The entry for other sites' own scripts: the same bytes for everybody."""
    head = get_head_or_404(entry_id)
    kept = _kept.get((database_key(), entry_id), version_of(head), lambda: _build_json(read_facts(head)))
    repeat_for_all()
    return answer_tagged(kept, {"Cache-Control": FRESH, **ANY_SITE})


def version_of(head: EntryHead) -> tuple[int, ...]:
    """What the facts depend on: with the same version they are the same."""
    return head.version, head.spread_version, head.contest_version, phase_mark(head, now())


def read_facts(head: EntryHead) -> EntryFacts:
    """The facts of a published entry as of now."""
    entry = db.session.get_one(Entry, head.id, populate_existing=True)
    contest = db.session.get_one(Contest, head.contest_id, populate_existing=True)
    video = db.session.get(Video, entry.video_id, populate_existing=True) if entry.video_id else None
    moment = now()
    reach = describe_spread(head.id).reach
    return EntryFacts(
        id=entry.id,
        slug=entry.slug,
        title=entry.title,
        cause=entry.cause,
        contest_title=contest.title,
        poster_path=f"/media/{video.poster_key}" if video and video.poster_key else "",
        thumbnail_path=f"/media/{video.thumbnail_key}" if video and video.thumbnail_key else "",
        card_path=f"/media/{video.card_key}" if video and video.card_key else "",
        video_path=f"/media/{video.video_key}"
        if video and video.video_key and video.state == "ready"
        else "",
        duration_seconds=video.duration_seconds if video else None,
        votes=hide_few(count_votes(entry.id)) if shows_counts(contest.phases, moment) else None,
        reach=hide_few(reach),
        spread_step=find_spread_step(reach),
        may_vote=may(contest.phases, Action.VOTE, moment),
    )


def _build_json(facts: EntryFacts) -> TaggedJson:
    base_url = get_settings().base_url
    body = orjson.dumps(
        {
            "id": facts.id,
            "title": facts.title,
            "cause": facts.cause,
            "contest": facts.contest_title,
            "url": f"{base_url}/entries/{facts.id}-{facts.slug}",
            "embed_url": f"{base_url}/embed/{facts.id}",
            "poster_url": f"{base_url}{facts.poster_path}" if facts.poster_path else None,
            "duration_seconds": facts.duration_seconds,
            "votes": facts.votes,
            "reach": facts.reach,
            "may_vote": facts.may_vote,
        }
    )
    return tag_json(body)
