"""The live counts of a contest as JSON: computed at most once a second, however many ask."""

import orjson
from flask import Response

from quilt.contests.queries import ContestFacts
from quilt.contests.rules import find_change, shows_counts
from quilt.embeds.looks import MOST_ENTRIES, Options
from quilt.standings.rules import hide_few
from quilt.web.clock import now
from quilt.web.repeats import repeat_for_all
from quilt.web.settings import get_settings
from quilt.web.shared_flight import SharedFlight
from quilt.web.tagged import ANY_SITE, answer_tagged, tag_json
from quilt.web.widget import widget
from quilt.web.widget.lines import find_sums, freshness, get_contest_or_404, list_lines

LEADERS = Options(top=MOST_ENTRIES, order="votes")

_documents = SharedFlight("counts")


@widget.get("/widget/contests/<slug>.json")
def show_contest_json(slug: str) -> Response:
    """What a contest has, when it changes, and its first entries: for frames and other sites' own scripts."""
    contest = get_contest_or_404(slug)
    folder = get_settings().data
    body = _documents.get(slug, freshness(), folder, lambda: build_counts(contest))
    repeat_for_all()
    return answer_tagged(tag_json(body), {"Cache-Control": "public, max-age=1", **ANY_SITE})


def build_counts(contest: ContestFacts) -> bytes:
    """The JSON, computed now."""
    moment = now()
    sums, lines = find_sums(contest.id), list_lines(contest, LEADERS, moment)
    change, base_url = find_change(contest.phases, moment), get_settings().base_url
    shown = shows_counts(contest.phases, moment)
    return orjson.dumps(
        {
            "contest": contest.slug,
            "title": contest.title,
            "url": f"{base_url}/contests/{contest.slug}",
            "embed_url": f"{base_url}/embed/contests/{contest.slug}",
            "entries_count": sums.entries,
            "votes": hide_few(sums.votes) if shown else None,
            "shows_counts": shown,
            "next_change": {"action": change.action.value, "opens": change.opens, "at": change.at}
            if change
            else None,
            "entries": [
                {
                    "id": line.id,
                    "title": line.title,
                    "cause": line.cause,
                    "url": f"{base_url}/entries/{line.id}-{line.slug}",
                    "place": line.place,
                    "votes": line.votes,
                    "reach": line.reach,
                }
                for line in lines
            ],
        }
    )
