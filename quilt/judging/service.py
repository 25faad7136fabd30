"""Everything that changes a panel: one function, one transaction, one line in the contest's log."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from quilt.accounts.models import User
from quilt.config import Settings
from quilt.contests.changes import write_change
from quilt.contests.models import Contest
from quilt.database import insert_if_new, insert_or_change, transaction
from quilt.entries.models import Entry
from quilt.entries.ownership import is_own_entry, list_own_entries
from quilt.judging.models import MOST_POINTS, Conflict, Criterion, EntryPoints, Judge, Score, SealedPanel
from quilt.judging.queries import list_obstacles, read_panel
from quilt.judging.rules import JudgingRefused, NotAJudge, NotComplete, PanelSealed, find_missing, weigh
from quilt.letters import composer
from quilt.mail import put_in_outbox

MOST_CRITERIA = 12
MOST_WORDS = 500
REST = timedelta(hours=20)  # between two letters that ask a judge for what is missing


class WantedCriterion(NamedTuple):
    """One criterion as the desk writes it; `weight` from 1 to 100."""

    name: str
    weight: int
    hint: str = ""


def set_criteria(contest_id: int, wanted: Sequence[WantedCriterion], *, actor_id: int, now: datetime) -> None:
    """Put these criteria in the place of the old ones. Raises JudgingRefused once there are scores."""
    _check_criteria(wanted)
    with transaction() as session:
        contest = _get_open(session, contest_id)
        old = session.scalars(select(Criterion).where(Criterion.contest_id == contest_id)).all()
        ids = [criterion.id for criterion in old]
        if session.scalars(select(Score.user_id).where(Score.criterion_id.in_(ids)).limit(1)).first():
            raise JudgingRefused("There are scores already, so the criteria stay. Nothing was changed.")
        session.execute(delete(Criterion).where(Criterion.contest_id == contest_id))
        session.add_all(
            Criterion(
                contest_id=contest_id, name=one.name.strip(), weight=one.weight, hint=one.hint.strip(),
                position=position,
            )
            for position, one in enumerate(wanted)
        )  # fmt: skip
        words = "; ".join(f"{one.name.strip()} ({one.weight})" for one in wanted)
        write_change(session, contest, "criteria", actor_id=actor_id, now=now, words=words)


def invite_judge(contest_id: int, user_id: int, *, actor_id: int, settings: Settings, now: datetime) -> None:
    """Ask somebody by mail to judge; a judge who had left is one again.

    Raises JudgingRefused, also for whoever has an entry in the contest.
    """
    with transaction() as session:
        contest = _get_open(session, contest_id)
        user = session.get_one(User, user_id)
        if list_own_entries(session.connection(), user.id, contest_id):
            raise JudgingRefused(f"{user.email} has an entry in this contest, so they cannot judge it.")
        judge = session.get(Judge, (contest_id, user.id), with_for_update=True)
        if judge is not None and judge.left_at is None:
            raise JudgingRefused(f"{user.email} is among the judges already. Nothing was changed.")
        if judge is None:
            session.add(Judge(contest_id=contest_id, user_id=user.id, invited_at=now))
        else:
            judge.left_at, judge.invited_at = None, now
        _write(session, "judge_invited", user, contest, settings, now)
        write_change(
            session, contest, "judge asked", actor_id=actor_id, now=now, words=user.name or user.email
        )


def end_judge(contest_id: int, user_id: int, *, actor_id: int, now: datetime) -> None:
    """Somebody is no judge any more: their scores stay in the database and count no more. Raises JudgingRefused."""
    with transaction() as session:
        contest = _get_open(session, contest_id)
        judge = _get_judge(session, contest_id, user_id)
        judge.left_at = now
        name = session.get_one(User, user_id).name
        write_change(session, contest, "judge left", actor_id=actor_id, now=now, words=name)


def declare_conflict(user_id: int, entry_id: int, words: str, *, now: datetime) -> None:
    """A judge says that they stand too near to an entry; their scores for it are taken away. Raises JudgingRefused."""
    said = words.strip()
    if not 3 <= len(said) <= MOST_WORDS:
        raise JudgingRefused(f"Say in a few words why (at most {MOST_WORDS} characters).")
    with transaction() as session:
        _get_judged(session, user_id, entry_id)
        session.execute(delete(Score).where(Score.user_id == user_id, Score.entry_id == entry_id))
        row = {"user_id": user_id, "entry_id": entry_id, "words": said, "declared_at": now}
        session.execute(insert_if_new(Conflict.__table__, session.get_bind().dialect.name), row)


def take_conflict_back(user_id: int, entry_id: int) -> None:
    """It was a mistake: the judge may judge the entry after all. Raises JudgingRefused."""
    with transaction() as session:
        _get_judged(session, user_id, entry_id)
        session.execute(delete(Conflict).where(Conflict.user_id == user_id, Conflict.entry_id == entry_id))


def save_scores(user_id: int, entry_id: int, points: Mapping[int, int], *, now: datetime) -> None:
    """Keep a judge's points (0 to 10) by criterion; others of theirs stay. Raises JudgingRefused.

    They may be changed until the panel is closed.
    """
    with transaction() as session:
        contest_id = _get_judged(session, user_id, entry_id)
        if is_own_entry(session.connection(), user_id, entry_id):
            raise JudgingRefused("This entry is your own, so the others judge it. Nothing was saved.")
        criteria = set(session.scalars(select(Criterion.id).where(Criterion.contest_id == contest_id)))
        if not points.keys() <= criteria or any(not 0 <= value <= MOST_POINTS for value in points.values()):
            raise JudgingRefused(f"Give 0 to {MOST_POINTS} points for each criterion. Nothing was saved.")
        if session.get(Conflict, (user_id, entry_id)) is not None:
            raise JudgingRefused("You said that you stand too near to this entry. Take that back first.")
        upsert = insert_or_change(
            Score.__table__, session.get_bind().dialect.name, put=("points", "scored_at")
        )
        for criterion_id, value in points.items():
            row = {"user_id": user_id, "entry_id": entry_id, "criterion_id": criterion_id}
            session.execute(upsert, {**row, "points": value, "scored_at": now})


def seal_panel(contest_id: int, *, actor_id: int, now: datetime) -> dict[int, int]:
    """Close a complete panel: points by entry, in thousandths, from now on seen by all. Raises JudgingRefused.

    Not while anything can be entered or waits for a moderator: it would have no points. Entries that came into the
    running all the same are judged and closed by themselves; points that stand already stay.
    """
    with transaction() as session:
        contest = _get_open(session, contest_id)
        panel = read_panel(session.connection(), contest_id)
        obstacles = list_obstacles(session.connection(), panel, contest, now)
        if obstacles:
            raise NotComplete(obstacles)
        points = {entry: weigh(panel, entry) for entry in panel.open_entries}
        if session.get(SealedPanel, contest_id) is None:
            session.add(SealedPanel(contest_id=contest_id, actor_id=actor_id, sealed_at=now))
        session.add_all(
            EntryPoints(entry_id=entry, contest_id=contest_id, points=value)
            for entry, value in points.items()
        )
        words = f"Scores of {_count(len(panel.judges), 'judge', 'judges')} for {_count(len(points), 'entry', 'entries')}."
        write_change(
            session, contest, "panel closed", actor_id=actor_id, now=now, words=words, is_public=True
        )
    return points


def remind_judges(contest_id: int, settings: Settings, now: datetime) -> int:
    """Write to every judge with missing scores who has had no such letter for most of a day; how many letters."""
    letters = 0
    with transaction() as session:
        contest = session.get(Contest, contest_id)
        if contest is None:
            return 0
        missing = [judge for judge, _ in find_missing(read_panel(session.connection(), contest_id))]
        judges = select(Judge).where(Judge.contest_id == contest_id, Judge.user_id.in_(set(missing)))
        for judge in session.scalars(judges.with_for_update()):
            if judge.reminded_at is not None and now - judge.reminded_at < REST:
                continue
            judge.reminded_at = now
            user = session.get_one(User, judge.user_id)
            _write(session, "judge_reminded", user, contest, settings, now, missing.count(user.id))
            letters += 1
    return letters


def _check_criteria(wanted: Sequence[WantedCriterion]) -> None:
    names = [one.name.strip().casefold() for one in wanted]
    if not 1 <= len(wanted) <= MOST_CRITERIA:
        raise JudgingRefused(f"Write one to {MOST_CRITERIA} criteria, each on a line.")
    if len(set(names)) != len(names):
        raise JudgingRefused("Two criteria have the same name.")
    for one in wanted:
        if not 1 <= len(one.name.strip()) <= 60 or len(one.hint) > 200 or not 1 <= one.weight <= 100:
            raise JudgingRefused("A criterion has a name (at most 60 characters) and a weight from 1 to 100.")


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _get_open(session: Session, contest_id: int) -> Contest:
    contest = session.get(Contest, contest_id, with_for_update={"of": Contest})
    if contest is None:
        raise JudgingRefused("There is no such contest.")
    is_sealed = session.get(SealedPanel, contest_id) is not None
    if is_sealed and not read_panel(session.connection(), contest_id).open_entries:
        raise PanelSealed
    return contest


def _get_judge(session: Session, contest_id: int, user_id: int) -> Judge:
    judge = session.get(Judge, (contest_id, user_id), with_for_update=True)
    if judge is None or judge.left_at is not None:
        raise NotAJudge
    return judge


def _get_judged(session: Session, user_id: int, entry_id: int) -> int:
    """The contest of an entry that this judge may still judge."""
    entry = session.get(Entry, entry_id)
    if entry is None or entry.state != "published" or not entry.is_eligible:
        raise JudgingRefused("That entry is not in the running. Nothing was changed.")
    # The contest's row orders judges against the closing of the panel.
    session.execute(select(Contest.id).where(Contest.id == entry.contest_id).with_for_update(read=True))
    _get_judge(session, entry.contest_id, user_id)
    if session.get(EntryPoints, entry_id) is not None:
        raise PanelSealed
    return entry.contest_id


def _write(
    session: Session,
    name: str,
    user: User,
    contest: Contest,
    settings: Settings,
    now: datetime,
    missing: int = 0,
) -> None:
    letter = composer(settings)(
        name, name=user.name, contest_title=contest.title, missing=missing,
        judge_url=f"{settings.base_url}/judge/{contest.id}",
    )  # fmt: skip
    put_in_outbox(session, letter, user.email, now)
