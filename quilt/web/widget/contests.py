"""A contest on other sites: its entries, and the time that is left."""

from datetime import datetime

import orjson
from flask import Response, request

from quilt.contests.queries import ContestFacts
from quilt.contests.rules import Action, find_change, find_pause, is_over, may
from quilt.database import database_key
from quilt.embeds.queries import map_codes
from quilt.standings.leaders import Sums
from quilt.web.clock import now
from quilt.web.context import patch
from quilt.web.pages import Page, VersionedCache
from quilt.web.repeats import repeat_for_all
from quilt.web.single_flight import SingleFlight
from quilt.web.widget import widget
from quilt.web.widget.entries import FRESH
from quilt.web.widget.frames import answer_code, answer_frame, render_frame
from quilt.web.widget.lines import (
    Line,
    find_sums,
    freshness,
    get_contest_by_id_or_404,
    get_contest_or_404,
    list_lines,
)
from quilt.web.widget.phrases import Phrases
from quilt.web.widget.times import name_units, split_time_left
from quilt.web.widget.wishes import Wish, find_known, get_wish

TEMPLATES = {"contest": "widget/contest.html", "countdown": "widget/countdown.html"}

_codes: SingleFlight[dict[int, str]] = SingleFlight()
_pages: VersionedCache[Page] = VersionedCache(most=1_000)


@widget.get("/embed/contests/<slug>")
def show_contest_frame(slug: str) -> Response:
    """Some of a contest's entries: fairly mixed, the newest, or those with the most votes."""
    return answer_contest(get_contest_or_404(slug), "contest", request.args.get("via", ""))


@widget.get("/embed/contests/<slug>/countdown")
def show_countdown(slug: str) -> Response:
    """The time that is left until voting opens or closes."""
    return answer_contest(get_contest_or_404(slug), "countdown", request.args.get("via", ""))


@widget.get("/embed/by/<code>")
def show_placement(code: str) -> Response:
    """What a code stands for, as its owner has set it: this address is all that a page needs to hold."""
    placement = find_known(code)
    if placement is None or placement.entry_id is not None:
        return answer_code(code)
    return answer_contest(get_contest_by_id_or_404(placement.contest_id), placement.kind, code)


def answer_contest(contest: ContestFacts, kind: str, via: str) -> Response:
    """A contest's frame of a kind, with links by the codes of its placement."""
    wish = get_wish(via, contest_id=contest.id)
    moment = now().replace(second=0, microsecond=0)
    lines = list_lines(contest, wish.options, now()) if kind == "contest" else ()
    sums = find_sums(contest.id)
    codes = _read_codes(wish) if kind == "contest" else {}
    version = (contest.version, moment, lines, sums, tuple(codes.get(line.id, "") for line in lines))
    page = _pages.get(
        (database_key(), contest.id, kind, wish),
        version,
        lambda: Page(_render(contest, kind, wish, lines, sums, codes, moment)),
    )
    if not request.query_string:
        repeat_for_all()
    return answer_frame(page.fill({}), cache_control=FRESH)


def _render(
    contest: ContestFacts,
    kind: str,
    wish: Wish,
    lines: tuple[Line, ...],
    sums: Sums,
    codes: dict[int, str],
    moment: datetime,
) -> str:
    t, is_paused = wish.phrases, find_pause(contest.phases, moment) is not None
    change = None if is_paused else find_change(contest.phases, moment)
    rows = [(line, _address(line, codes), patch(line.cause), _say_figures(line, t, wish)) for line in lines]
    return render_frame(
        TEMPLATES[kind],
        wish,
        contest=contest,
        rows=rows,
        target=f"/contests/{contest.slug}?c=embed",
        total_text=t.count("story", sums.entries),
        change_text=t(f"{change.action.value}_{'opens' if change.opens else 'closes'}") if change else "",
        change_at=change.at.isoformat(timespec="seconds") if change else "",
        left=split_time_left(change, moment, t) if change else [],
        state_text="" if change else t(_name_state(contest, is_paused, moment)),
        figures_path=f"/widget/contests/{contest.slug}.json" if wish.options.counts and lines else "",
        patch_svg=patch(contest.title),
        may_vote=may(contest.phases, Action.VOTE, moment),
        units=orjson.dumps(name_units(t)).decode(),
    )


def _name_state(contest: ContestFacts, is_paused: bool, moment: datetime) -> str:
    """The phrase for a contest in which no change is waited for."""
    return "paused" if is_paused else "over" if is_over(contest.phases, moment) else "not_open"


def _address(line: Line, codes: dict[int, str]) -> str:
    return f"/s/{codes[line.id]}?c=embed" if line.id in codes else f"/entries/{line.id}-{line.slug}?c=embed"


def _say_figures(line: Line, t: Phrases, wish: Wish) -> str:
    return t.count("vote", line.votes) if line.votes is not None and wish.options.counts else ""


def _read_codes(wish: Wish) -> dict[int, str]:
    placement = wish.placement
    if placement is None:
        return {}
    return _codes.get((database_key(), placement.id), freshness(), lambda: map_codes(placement.id))
