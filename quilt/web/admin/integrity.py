"""The fraud desk: votes by hour with alerts, what a stretch is made of, one vote's evidence."""

from datetime import datetime, timedelta

from flask import Response, abort, make_response, render_template, request

from quilt.contests.local_times import TimeRefused, read_local, spell_local
from quilt.entries.drafts import Draft
from quilt.integrity import desk
from quilt.integrity.alerts import list_alerts, list_notices
from quilt.integrity.facts import get_rulebook
from quilt.integrity.retally import POLICIES, retally
from quilt.web.admin import admin
from quilt.web.admin.log import read_page
from quilt.web.charts import build_columns, name_row
from quilt.web.clock import now
from quilt.web.guards import staff_only
from quilt.web.lookups import get_any_draft_or_404

HOURS = 48
SHOWN = 30  # votes of a stretch that a page lists
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@admin.get("/integrity")
@staff_only
def show_integrity() -> Response:
    """The votes of two days by hour, alerts, entries with doubted votes, appeals, what reviewers did."""
    contests = desk.list_doubtful_contests()
    contest = find_contest(contests)
    if contest is None:
        return answer("admin/integrity_empty.html")
    contest_id, _, zone, _ = contest
    _, newest = desk.find_span(contest_id) or (now(), now())
    end = min(newest, now()).replace(minute=0, second=0, microsecond=0) + HOUR
    begin = end - HOURS * HOUR
    hours, lines = desk.list_hours(contest_id, begin, end), desk.list_entries(contest_id)
    return answer(
        "admin/integrity.html",
        contests=contests,
        contest=contest,
        zone=zone,
        chart=build_columns(
            [(spell_local(hour.at, zone)[11:13], hour.standing) for hour in hours],
            [hour.doubted for hour in hours],
        ),
        hours=[(name_row(hour.at, zone, HOUR), hour.standing, hour.doubted) for hour in hours],
        begin=begin,
        end=end,
        alerts=[
            (alert, _spell_stretch(alert.starts_at, alert.ends_at))
            for alert in list_alerts(contest_id, begin)
        ],
        lines=lines,
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
        stretch=_spell_stretch(evidence.vote.cast_at - HOUR, evidence.vote.cast_at + HOUR),
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
    page_count = max(1, -(-len(votes) // SHOWN))
    page = min(read_page(), page_count)
    shown = {"trial": None, "refusal": problem, "typed": {}, **facts}
    return answer(
        "admin/integrity_entry.html",
        status,
        draft=draft,
        zone=draft.contest.time_zone,
        begin=spell_local(begin, draft.contest.time_zone),
        end=spell_local(end, draft.contest.time_zone),
        key=key,
        stretch=_spell_stretch(begin, end),
        makeup=desk.describe_makeup(votes),
        votes=votes[(page - 1) * SHOWN : page * SHOWN],
        votes_count=len(votes),
        page=page,
        page_count=page_count,
        most=desk.MOST_VOTES,
        notices=list_notices(draft.entry.id),
        reviews=desk.list_reviews(draft.contest.id, draft.entry.id),
        **shown,
    )


def read_stretch(draft: Draft) -> tuple[datetime, datetime, str, str]:
    """From, to and part of what is looked at, by default every vote; and what was wrong with what was typed."""
    zone, values = draft.contest.time_zone, request.values
    first, last = desk.find_span(draft.contest.id) or (now(), now())
    begin, end, problem = first, last + MINUTE, ""
    try:
        begin = _read_edge(values["from"], zone, fold=0) if values.get("from") else begin
        end = _read_edge(values["to"], zone, fold=1) if values.get("to") else end
    except TimeRefused as refusal:
        problem = refusal.message
    if begin >= end:
        begin, problem = (
            end - DAY,
            problem or "The end comes before the beginning: the day before it is shown.",
        )
    return begin, end, values.get("part", "")[:200], problem


def find_contest(contests: list[tuple[int, str, str, int]]) -> tuple[int, str, str, int] | None:
    """The contest that is asked for, else the newest one that has votes."""
    wanted = request.args.get("contest", "")
    named = [contest for contest in contests if str(contest[0]) == wanted]
    return named[0] if named else contests[0] if contests else None


def answer(template: str, status: int = 200, **facts: object) -> Response:
    """A page of the desk that nobody keeps."""
    response = make_response(render_template(template, **facts), status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _spell_stretch(begin: datetime, end: datetime) -> dict[str, str]:
    """The query of a stretch of votes: whole minutes in UTC, since a clock's hour can come twice."""
    end += timedelta(seconds=59)
    return {"from": f"{spell_local(begin, 'UTC')}Z", "to": f"{spell_local(end, 'UTC')}Z"}


def _read_edge(text: str, zone: str, fold: int) -> datetime:
    """An end of a stretch, as our links spell it or as somebody typed it; raises TimeRefused."""
    return read_local(text, "UTC") if text.endswith("Z") else read_local(text, zone, fold)
