"""The head of a contest's pages: what is to come, how long until then, what one can do now."""

from datetime import datetime, timedelta

from flask import render_template
from markupsafe import Markup

from quilt.contests.policy_text import describe_policy
from quilt.contests.queries import ContestFacts, Notice, PhaseFacts
from quilt.contests.rules import (
    Action,
    Change,
    describe_change,
    describe_pause,
    find_change,
    find_pause,
    is_over,
    may,
    name_place,
)
from quilt.web.clock import now
from quilt.web.pages import slot
from quilt.web.site.galleries import Gallery

MOST_NOTICES = 3  # on the contest's pages; the page of rules has them all


def describe_left(change: Change | None, moment: datetime) -> tuple[tuple[int, str], ...]:
    """The time left until a change in two units: ((9, "days"), (4, "hours"))."""
    if change is None:
        return ()
    minutes = max(0, -(-(change.at - moment) // timedelta(minutes=1)))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = ((days, "day"), (hours, "hour")) if days else ((hours, "hour"), (minutes, "minute"))
    kept = parts if parts[0][0] else parts[1:]
    return tuple((number, unit if number == 1 else unit + "s") for number, unit in kept)


def render_contest(gallery: Gallery, view: str, **values: object) -> str:
    """The contest's page in one of its views."""
    return render_template(
        "site/contest.html",
        view=view,
        causes=gallery.causes,
        total=len(gallery.cards),
        csp_nonce=Markup(slot("csp_nonce")),
        **describe_contest(gallery.contest, now()),
        **values,
    )


def describe_contest(contest: ContestFacts, moment: datetime) -> dict[str, object]:
    """What the head of a contest's page says: its pause or its change to come, its phases, what one can do now."""
    change, pause = find_change(contest.phases, moment), find_pause(contest.phases, moment)
    return {
        "contest": contest,
        "change": change,
        "change_text": describe_change(change, contest.time_zone) if change else "",
        "pause": pause,
        "pause_text": describe_pause(pause) if pause else "",
        "left": describe_left(change, moment),
        "place": name_place(contest.time_zone),
        "phases": [(phase, _state_of(phase.starts_at, phase.ends_at, moment)) for phase in contest.phases],
        "may_vote": may(contest.phases, Action.VOTE, moment),
        "may_enter": may(contest.phases, Action.SUBMIT, moment),
        "is_over": is_over(contest.phases, moment),
        "policy": describe_policy(contest.policy, contest.time_zone),
        "notices": _list_notices(contest, pause)[:MOST_NOTICES],
    }


def _list_notices(contest: ContestFacts, pause: PhaseFacts | None) -> list[Notice]:
    """What stands under the head, the newest first: not a pause that holds now, which stands there already, nor a
    result that was taken back since."""
    since = pause and pause.paused_at
    withdrawn = [index for index, told in enumerate(contest.notices) if told.kind == "result withdrawn"]
    return [
        told
        for index, told in enumerate(contest.notices)
        if (told.kind, told.at) != ("paused", since)
        and (told.kind != "result" or not withdrawn or index < withdrawn[0])
    ]


def _state_of(starts_at: datetime, ends_at: datetime, moment: datetime) -> str:
    return "past" if ends_at <= moment else "now" if starts_at <= moment else "next"
