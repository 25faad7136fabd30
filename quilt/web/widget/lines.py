"""The entries of a contest as other sites show them, picked at most once a second."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import abort

from quilt.contests.queries import ContestFacts, find_contest, find_contest_by_id
from quilt.contests.rules import is_voting_over, shows_counts
from quilt.database import database_key
from quilt.embeds.looks import Options
from quilt.entries.exposure import SEEDS, list_fair_order
from quilt.standings.leaders import Leader, Sums, list_chosen, list_leaders, sum_contest
from quilt.standings.rules import Figures, build_standings, find_spread_step, hide_few
from quilt.web.settings import get_settings
from quilt.web.single_flight import SingleFlight

FRESHNESS = 1.0  # seconds for which a computation serves everybody

_contests: SingleFlight[ContestFacts | None] = SingleFlight()
_lists: SingleFlight[tuple["Line", ...]] = SingleFlight()
_sums: SingleFlight[Sums] = SingleFlight()


@dataclass(frozen=True, slots=True)
class Line:
    """An entry in a contest's frame. `place` and figures are None where they are hidden or there is none."""

    id: int
    slug: str
    title: str
    cause: str
    thumbnail_path: str
    spread_step: int
    place: int | None
    votes: int | None
    reach: int | None


def get_contest_or_404(slug: str) -> ContestFacts:
    """The published contest with this slug."""
    contest = _read(("slug", slug), lambda: find_contest(slug)) if len(slug) <= 80 else None
    if contest is None:
        abort(404)
    return contest


def get_contest_by_id_or_404(contest_id: int) -> ContestFacts:
    """The published contest with this number."""
    contest = _read(("id", contest_id), lambda: find_contest_by_id(contest_id))
    if contest is None:
        abort(404)
    return contest


def find_sums(contest_id: int) -> Sums:
    """What the contest's entries have together."""
    return _sums.get((database_key(), contest_id), freshness(), lambda: sum_contest(contest_id))


def list_lines(contest: ContestFacts, options: Options, moment: datetime) -> tuple[Line, ...]:
    """The entries that the options pick, with what may be told of them."""
    key = (database_key(), contest.id, options.top, options.cause, options.order)
    return _lists.get(
        key, freshness(), lambda: _pick(contest, options.top, options.cause, options.order, moment)
    )


def freshness() -> float:
    """A second; nothing is kept where the site keeps nothing (in tests)."""
    return FRESHNESS if get_settings().page_freshness else 0.0


def _pick(contest: ContestFacts, top: int, cause: str, order: str, moment: datetime) -> tuple[Line, ...]:
    shown, is_final = shows_counts(contest.phases, moment), is_voting_over(contest.phases, moment)
    if order == "fair":
        ranked = list_fair_order(contest.id, None, int(moment.timestamp() // 60) % SEEDS)
        leaders = list_chosen(contest.id, ranked if cause else ranked[:top])
        leaders = [leader for leader in leaders if not cause or leader.cause == cause][:top]
    else:
        by_votes = order == "votes" and shown
        leaders = list_leaders(contest.id, top, cause, newest=not by_votes)
    # Where judges have a share, votes alone make no place.
    has_places = shown and order == "votes" and not cause and not contest.policy.judges_share
    places = _find_places(leaders, is_final) if has_places else {}
    return tuple(_make_line(leader, places.get(leader.id), shown, is_final) for leader in leaders)


def _find_places(leaders: list[Leader], is_final: bool) -> dict[int, int | None]:
    figures = [Figures(each.id, each.votes, each.reach, 0, each.is_eligible) for each in leaders]
    return {standing.entry_id: standing.place for standing in build_standings(figures, is_final)}


def _make_line(leader: Leader, place: int | None, shown: bool, is_final: bool) -> Line:
    votes = (leader.votes if is_final else hide_few(leader.votes)) if shown else None
    return Line(
        leader.id,
        leader.slug,
        leader.title,
        leader.cause,
        f"/media/{leader.thumbnail_key}" if leader.thumbnail_key else "",
        find_spread_step(leader.reach),
        place,
        votes,
        hide_few(leader.reach),
    )


def _read(key: tuple[str, str | int], read: Callable[[], ContestFacts | None]) -> ContestFacts | None:
    return _contests.get((database_key(), *key), min(freshness(), get_settings().page_freshness), read)
