"""The result of a contest for everybody: places, how they were counted, and what became of the prize."""

from flask import Response, render_template

from quilt.contests.policy_text import describe_result
from quilt.contests.queries import ContestFacts
from quilt.contests.rules import Action, describe_instant, is_voting_over, list_windows
from quilt.judging.queries import list_named_points
from quilt.results.models import Result
from quilt.results.queries import find_published, list_names, list_places, list_prizes, list_steps
from quilt.results.scores import read_scores
from quilt.votes.ledgers import list_accounts
from quilt.web.clock import now
from quilt.web.lookups import get_contest_or_404
from quilt.web.site import site
from quilt.web.site.kept import answer

STEP_WORDS = {
    "promised": "Promised",
    "verified": "Checked",
    "paid": "Paid",
    "told": "What it did",
    "passed_on": "Passed on",
    "withdrawn": "Taken back with its result",
}


@site.get("/contests/<slug>/results")
def show_results(slug: str) -> Response:
    """The places and how they came about, or when they will stand here."""
    contest = get_contest_or_404(slug)
    result = find_published(contest.id)
    page = render_template(
        "site/results.html",
        contest=contest,
        is_voting_over=is_voting_over(contest.phases, now()),
        closes_text=_say_close(contest),
        sentences=describe_result(contest.policy),
        result=result,
        withdrawn=next((told for told in contest.notices if told.kind == "result withdrawn"), None),
        points=list_named_points(contest.id),
        **(_describe(contest, result) if result is not None else {}),
    )
    return answer(page)


def _describe(contest: ContestFacts, result: Result) -> dict[str, object]:
    places = list_places(result)
    steps = list_steps(contest.id)
    return {
        "places": places,
        "paid": contest.policy.places,
        "names": list_names([*places, *(step.entry_id for step in steps)]),
        "accounts": {account.entry_id: account for account in list_accounts(contest.id)},
        "scores": read_scores(result),
        "prizes": list_prizes(contest.id),
        "steps": steps,
        "step_words": STEP_WORDS,
    }


def _say_close(contest: ContestFacts) -> str:
    windows = list_windows(contest.phases, Action.VOTE)
    return describe_instant(windows[-1][1], contest.time_zone) if windows else ""
