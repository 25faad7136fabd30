"""Published entries: what everybody sees of them, and nothing that their contest hides."""

from typing import Any

from flask import Response

from quilt.arrivals.heads import EntryHead
from quilt.arrivals.queries import describe_spread
from quilt.contests.queries import ContestFacts, find_contest_by_id
from quilt.contests.rules import Action, is_voting_over, may, shows_counts
from quilt.database import db
from quilt.entries.models import Entry
from quilt.entries.queries import EntryCard, list_cards_after
from quilt.media.models import Video
from quilt.standings.rules import hide_few
from quilt.votes.queries import count_votes
from quilt.web.api.answers import answer_public, build_page, make_url, read_page
from quilt.web.api.finding import get_contest
from quilt.web.api.operations import operation
from quilt.web.api.problems import refuse
from quilt.web.api.shapes import ADDRESS, FLAG, INSTANT, NUMBER, TEXT, maybe, page, thing
from quilt.web.api.table import PAGED, Operation
from quilt.web.clock import now
from quilt.web.lookups import get_head_or_404

SECONDS = {"type": "number"}
CARD = thing(
    id=NUMBER, title=TEXT, cause=TEXT, url=ADDRESS, thumbnail_url=maybe(ADDRESS), duration_seconds=maybe(SECONDS),
    is_eligible=FLAG, published_at=INSTANT,
)  # fmt: skip
ENTRY = thing(
    id=NUMBER, contest=TEXT, title=TEXT, cause=TEXT, story=TEXT, url=ADDRESS, poster_url=maybe(ADDRESS),
    duration_seconds=maybe(SECONDS), is_eligible=FLAG, published_at=maybe(INSTANT), may_vote=FLAG,
    votes=maybe(NUMBER), reach=maybe(NUMBER),
)  # fmt: skip


@operation(
    Operation(
        "list_entries",
        "GET",
        "/contests/<slug>/entries",
        "The entries of a contest, the first entered first.",
        "Entries",
        page(CARD),
        PAGED,
    )
)
def show_entries(slug: str) -> Response:
    """A page of a contest's entries."""
    contest = get_contest(slug)
    after, limit = read_page()
    cards = list_cards_after(contest.id, after, limit + 1)
    return answer_public(build_page(cards, limit, _tell_card, lambda card: card.id))


@operation(
    Operation(
        "show_entry",
        "GET",
        "/entries/<int:entry_id>",
        "One entry. Figures are null while they are hidden, or below five.",
        "Entries",
        ENTRY,
    )
)
def show_entry(entry_id: int) -> Response:
    """One entry."""
    head = get_head_or_404(entry_id)
    contest = get_contest_of(head)
    entry = db.session.get_one(Entry, head.id, populate_existing=True)
    video = db.session.get(Video, entry.video_id) if entry.video_id else None
    poster = f"/media/{video.poster_key}" if video and video.poster_key else ""
    return answer_public(
        {
            "id": entry.id,
            "contest": contest.slug,
            "title": entry.title,
            "cause": entry.cause,
            "story": entry.story,
            "url": make_url(f"/entries/{entry.id}-{entry.slug}"),
            "poster_url": make_url(poster) if poster else None,
            "duration_seconds": video.duration_seconds if video else None,
            "is_eligible": entry.is_eligible,
            "published_at": entry.published_at,
            "may_vote": may(contest.phases, Action.VOTE, now()),
            "votes": find_votes(head, contest),
            "reach": hide_few(describe_spread(head.id).reach),
        }
    )


def get_contest_of(head: EntryHead) -> ContestFacts:
    """The contest of a published entry; answers 404 where it was hidden in this moment."""
    contest = find_contest_by_id(head.contest_id)
    if contest is None:
        refuse(404, "not_found", "There is no such entry.")
    return contest


def find_votes(head: EntryHead, contest: ContestFacts) -> int | None:
    """The votes that everybody may see; exact when voting is over, None below five before."""
    moment = now()
    if not shows_counts(contest.phases, moment):
        return None
    votes = count_votes(head.id)
    return votes if is_voting_over(contest.phases, moment) else hide_few(votes)


def _tell_card(card: EntryCard) -> dict[str, Any]:
    return {
        "id": card.id,
        "title": card.title,
        "cause": card.cause,
        "url": make_url(f"/entries/{card.id}-{card.slug}"),
        "thumbnail_url": make_url(f"/media/{card.thumbnail_key}") if card.thumbnail_key else None,
        "duration_seconds": card.duration_seconds,
        "is_eligible": card.is_eligible,
        "published_at": card.published_at,
    }
