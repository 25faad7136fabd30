"""Contests: their words, dates, and what may be cast in them."""

from typing import Any

from flask import Response

from quilt.contests.queries import ContestFacts, PhaseFacts, list_contests
from quilt.contests.rules import Action, may, shows_counts
from quilt.web.api.answers import answer_public, build_page, make_url, read_page
from quilt.web.api.finding import get_contest
from quilt.web.api.operations import operation
from quilt.web.api.shapes import ADDRESS, FLAG, INSTANT, NUMBER, TEXT, many, maybe, page, thing
from quilt.web.api.table import PAGED, Operation
from quilt.web.clock import now

PHASE = thing(
    name=TEXT, starts_at=INSTANT, ends_at=INSTANT, may_enter=FLAG, may_vote=FLAG, may_comment=FLAG,
    shows_counts=FLAG, is_paused=FLAG,
)  # fmt: skip
CONTEST = thing(
    slug=TEXT, title=TEXT, url=ADDRESS, intro=TEXT, prize=TEXT, prize_from=TEXT, time_zone=TEXT,
    may_enter=FLAG, may_vote=FLAG, shows_counts=FLAG, phases=many(PHASE), votes_a_person=maybe(NUMBER),
    period=TEXT, rules_version=NUMBER, rules=TEXT,
)  # fmt: skip


@operation(
    Operation(
        "list_contests",
        "GET",
        "/contests",
        "Every published contest, the newest first.",
        "Contests",
        page(CONTEST),
        PAGED,
        statuses=(400,),
    )
)
def show_contests() -> Response:
    """A page of contests."""
    before, limit = read_page()
    contests = [contest for contest in list_contests() if not before or contest.id < before]
    return answer_public(build_page(contests[: limit + 1], limit, tell_contest, lambda contest: contest.id))


@operation(Operation("show_contest", "GET", "/contests/<slug>", "One contest.", "Contests", CONTEST))
def show_contest(slug: str) -> Response:
    """One contest."""
    return answer_public(tell_contest(get_contest(slug)))


def tell_contest(contest: ContestFacts) -> dict[str, Any]:
    """A contest as the API says it."""
    moment = now()
    return {
        "slug": contest.slug,
        "title": contest.title,
        "url": make_url(f"/contests/{contest.slug}"),
        "intro": contest.intro,
        "prize": contest.prize_text,
        "prize_from": contest.prize_from,
        "time_zone": contest.time_zone,
        "may_enter": may(contest.phases, Action.SUBMIT, moment),
        "may_vote": may(contest.phases, Action.VOTE, moment),
        "shows_counts": shows_counts(contest.phases, moment),
        "phases": [_tell_phase(phase) for phase in contest.phases],
        "votes_a_person": contest.policy.limit_count,
        "period": contest.policy.period,
        "rules_version": contest.rules_version,
        "rules": contest.rules_text,
    }


def _tell_phase(phase: PhaseFacts) -> dict[str, Any]:
    moment = now()
    is_paused = phase.paused_at is not None and phase.paused_at <= moment
    return {
        "name": phase.name,
        "starts_at": phase.starts_at,
        "ends_at": phase.ends_at,
        "may_enter": phase.may_submit,
        "may_vote": phase.may_vote,
        "may_comment": phase.may_comment,
        "shows_counts": phase.shows_counts,
        "is_paused": is_paused and (phase.resumed_at is None or moment < phase.resumed_at),
    }
