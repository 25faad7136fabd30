"""All contests in a row, each in a few words: their own page, and what the first page says of the others."""

from dataclasses import dataclass
from datetime import datetime

from flask import Response, render_template

from quilt.contests.queries import ContestFacts, is_open, list_contests
from quilt.contests.rules import describe_change, describe_pause, find_change, find_pause, is_voting_over
from quilt.database import database_key
from quilt.web.clock import now
from quilt.web.pages import Memo
from quilt.web.settings import get_settings
from quilt.web.site import site
from quilt.web.site.kept import answer_kept

ORDER = ("open", "paused", "upcoming", "closed")

_contests: Memo[list[ContestFacts]] = Memo()


@dataclass(frozen=True)
class ListedContest:
    """A contest in a few words."""

    slug: str
    title: str
    prize_text: str
    state: str  # one of ORDER
    words: tuple[str, ...]  # what changes next; or why it is paused, and what that means


@site.get("/contests")
def show_contests() -> Response:
    """Every published contest: those that are open or paused, those to come, those that are over."""
    moment = now()
    listed = [describe_listed(contest, moment) for contest in read_contests()]
    listed.sort(key=lambda contest: ORDER.index(contest.state))
    return answer_kept(("contests",), listed, lambda: render_template("site/contests.html", contests=listed))


def read_contests() -> list[ContestFacts]:
    """Every published contest, the newest first, as of a moment ago."""
    return _contests.get(database_key(), get_settings().page_freshness, list_contests)


def describe_listed(contest: ContestFacts, moment: datetime) -> ListedContest:
    """What a list says of a contest at this moment."""
    pause = find_pause(contest.phases, moment)
    if pause is not None:
        words: tuple[str, ...] = (pause.pause_reason, describe_pause(pause))
        return ListedContest(contest.slug, contest.title, contest.prize_text, "paused", words)
    change = find_change(contest.phases, moment)
    is_closed = change is None and is_voting_over(contest.phases, moment)
    state = "open" if is_open(contest, moment) else "closed" if is_closed else "upcoming"
    words = (describe_change(change, contest.time_zone),) if change else ()
    return ListedContest(contest.slug, contest.title, contest.prize_text, state, words)
