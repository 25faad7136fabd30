"""The fraud desk: votes by hour with alerts, what a stretch is made of, one vote's evidence."""

from datetime import datetime, timedelta

from flask import Response, abort, make_response, render_template, request

from quilt.contests.local_times import TimeRefused, read_local, spell_local
from quilt.entries.drafts import Draft
from quilt.integrity import desk
from quilt.integrity.alerts import list_alerts, list_notices
from quilt.integrity.appeals import list_appeals
from quilt.integrity.facts import get_rulebook
from quilt.integrity.retally import POLICIES, retally
from quilt.web.admin import admin
from quilt.web.charts import build_columns
from quilt.web.clock import now
from quilt.web.guards import staff_only
from quilt.web.lookups import get_any_draft_or_404

HOURS = 48
SHOWN = 30  # votes of a stretch that are listed
DAY = timedelta(days=1)


@admin.get("/integrity")
@staff_only
def show_integrity() -> Response:
    """The votes of two days by hour, alerts, entries with doubted votes, appeals, what reviewers did."""
    contests = desk.list_doubtful_contests()
    contest = find_contest(contests)
    if contest is None:
        return answer("admin/integrity_empty.html")
    contest_id, _, zone = contest
    newest = desk.find_last_vote_at(contest_id) or now()
    after_newest = newest + timedelta(minutes=1)  # a stretch ends with a whole minute, which is not in it
    end = min(newest, now()).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    begin = end - timedelta(hours=HOURS)
    hours, lines = desk.list_hours(contest_id, begin, end), desk.list_entries(contest_id)
    return answer(
        "admin/integrity.html",
        contests=contests,
        contest=contest,
        zone=zone,
        chart=build_columns(
            [(_name_hour(hour.at, zone), hour.standing) for hour in hours], [hour.doubted for hour in hours]
        ),
        hours=[(_name_hour(hour.at, zone, True), hour.standing, hour.doubted) for hour in hours],
        begin=begin,
        end=end,
        alerts=[
            (alert, _stretch(alert.starts_at, alert.ends_at, zone))
            for alert in list_alerts(contest_id, begin)
        ],
        lines=lines,
        confirmed={
            line.entry_id: _stretch(line.confirmed_since, after_newest, zone)
            for line in lines
            if line.confirmed_since is not None
        },
        stretch=_stretch(newest - DAY, after_newest, zone),
        appeals_count=len(list_appeals(contest_id, is_open=True)),
        reviews=desk.list_reviews(contest_id),
        book=get_rulebook(),
    )


@admin.get("/integrity/entries/<int:entry_id>")
@staff_only
def show_stretch(entry_id: int) -> Response:
    """What a stretch of an entry's votes is made of, or one part of it."""
    return answer_stretch(get_any_draft_or_404(entry_id))


@admin.get("/integrity/votes/<int:vote_id>")
@staff_only
def show_vote(vote_id: int) -> Response:
    """Everything about one vote: what it told, what the rules find, what was decided."""
    evidence = desk.find_evidence(vote_id)
    if evidence is None:
        abort(404)
    book = get_rulebook()
    points = evidence.finding.weigh(book) if evidence.finding else {}
    return answer(
        "admin/integrity_vote.html",
        evidence=evidence,
        cast=evidence.vote.cast,
        signs=[book.signs[name] for name in evidence.finding.signs] if evidence.finding else [],
        points=sorted(points.items()),
        book=book,
        stretch=_stretch(
            evidence.vote.cast_at - timedelta(hours=1),
            evidence.vote.cast_at + timedelta(hours=1),
            evidence.time_zone,
        ),
    )


@admin.get("/integrity/retally")
@staff_only
def show_retally() -> Response:
    """The count under another policy, beside the one that stands."""
    contests = desk.list_doubtful_contests()
    contest = find_contest(contests)
    if contest is None:
        return answer("admin/integrity_empty.html")
    policy = request.args.get("policy", "all")
    policy = policy if policy in POLICIES else "all"
    return answer(
        "admin/integrity_retally.html",
        contests=contests, contest=contest, policies=POLICIES, policy=policy, rows=retally(contest[0], policy),
    )  # fmt: skip


def answer_stretch(draft: Draft, status: int = 200, **facts: object) -> Response:
    """The page of a stretch; `facts` carry a review that was tried or refused."""
    begin, end, key, problem = read_stretch(draft)
    votes = desk.list_votes(draft.entry.id, begin, end, key)
    shown = {"trial": None, "refusal": problem, "typed": {}, **facts}
    return answer(
        "admin/integrity_entry.html",
        status,
        draft=draft,
        zone=draft.contest.time_zone,
        begin=spell_local(begin, draft.contest.time_zone),
        end=spell_local(end, draft.contest.time_zone),
        key=key,
        makeup=desk.describe_makeup(votes),
        votes=votes[:SHOWN],
        votes_count=len(votes),
        most=desk.MOST_VOTES,
        notices=list_notices(draft.entry.id),
        reviews=desk.list_reviews(draft.contest.id, draft.entry.id),
        **shown,
    )


def read_stretch(draft: Draft) -> tuple[datetime, datetime, str, str]:
    """From, to and part of what is looked at, by default the last day; and what was wrong with what was typed."""
    zone, values = draft.contest.time_zone, request.values
    last = desk.find_last_vote_at(draft.contest.id) or now()
    end = last + timedelta(minutes=1)
    begin, problem = end - DAY, ""
    try:
        begin = read_local(values["from"], zone) if values.get("from") else begin
        end = read_local(values["to"], zone) if values.get("to") else end
    except TimeRefused as refusal:
        problem = refusal.message
    if begin >= end:
        begin, problem = (
            end - DAY,
            problem or "The end comes before the beginning: the day before it is shown.",
        )
    return begin, end, values.get("part", "")[:200], problem


def find_contest(contests: list[tuple[int, str, str]]) -> tuple[int, str, str] | None:
    """The contest that is asked for, else the newest one that has votes."""
    wanted = request.args.get("contest", "")
    named = [contest for contest in contests if str(contest[0]) == wanted]
    return named[0] if named else contests[0] if contests else None


def answer(template: str, status: int = 200, **facts: object) -> Response:
    """A page of the desk that nobody keeps."""
    response = make_response(render_template(template, **facts), status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _stretch(begin: datetime, end: datetime, zone: str) -> dict[str, str]:
    """The query of a stretch of votes."""
    return {"from": spell_local(begin, zone), "to": spell_local(end + timedelta(seconds=59), zone)}


def _name_hour(at: datetime, zone: str, is_long: bool = False) -> str:
    local = spell_local(at, zone)
    return f"{local[8:10]}.{local[5:7]}., {local[11:]}" if is_long else local[11:13]
