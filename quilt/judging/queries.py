"""Reading a panel: for its judges, for the desk, and for everybody once it is closed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from quilt.accounts.models import User
from quilt.accounts.rules import person_key
from quilt.contests.models import Contest
from quilt.contests.rules import Action, describe_instant, list_windows
from quilt.database import db
from quilt.entries.models import Entry, EntryRevision
from quilt.entries.ownership import find_entrants
from quilt.entries.rules import OUT
from quilt.judging.models import Conflict, Criterion, EntryPoints, Judge, Score, SealedPanel
from quilt.judging.rules import PanelFacts, find_missing, find_obstacles


@dataclass(frozen=True, slots=True)
class JudgeLine:
    """A judge as the desk sees them: how many entries they have still to judge, never what they gave."""

    user_id: int
    name: str
    email: str
    missing: int
    conflicts: int
    reminded_at: datetime | None
    has_left: bool


@dataclass(frozen=True, slots=True)
class PanelState:
    """How far a panel is: what has to come before it can be closed, and the titles that have no points yet.

    `asked_back` are entries that were sent back for changes: they may still come into the contest.
    """

    obstacles: list[str]
    open_titles: list[str]
    asked_back: int


@dataclass(frozen=True, slots=True)
class JudgedEntry:
    """An entry as one judge sees it; `scores` are their own, by criterion, `is_own` that they entered it.

    `is_fixed` says that its points stand since the panel was closed.
    """

    id: int
    title: str
    slug: str
    cause: str
    scores: dict[int, int]
    conflict: str
    is_own: bool
    is_fixed: bool
    is_done: bool


def read_panel(connection: Connection, contest_id: int) -> PanelFacts:
    """The panel of a contest: its active judges, the entries in the running, criteria, conflicts and scores.

    A judge's own entry is a conflict, whatever they say.
    """
    judges = connection.execute(
        select(Judge.user_id, User.email)
        .join(User, User.id == Judge.user_id)
        .where(Judge.contest_id == contest_id, Judge.left_at.is_(None))
        .order_by(Judge.user_id)
    ).all()
    entrants = find_entrants(connection, contest_id)
    own = {
        (judge.user_id, entry)
        for judge in judges
        for entry, entrant in entrants.items()
        if entrant == person_key(judge.email)
    }
    entries = connection.scalars(
        select(Entry.id)
        .where(Entry.contest_id == contest_id, Entry.state == "published", Entry.is_eligible)
        .order_by(Entry.id)
    )
    weights = connection.execute(
        select(Criterion.id, Criterion.weight)
        .where(Criterion.contest_id == contest_id)
        .order_by(Criterion.position, Criterion.id)
    )
    of_contest = select(Entry.id).where(Entry.contest_id == contest_id)
    conflicts = connection.execute(
        select(Conflict.user_id, Conflict.entry_id).where(Conflict.entry_id.in_(of_contest))
    )
    scores = connection.execute(
        select(Score.user_id, Score.entry_id, Score.criterion_id, Score.points).where(
            Score.entry_id.in_(of_contest)
        )
    )
    return PanelFacts(
        tuple(judge.user_id for judge in judges),
        tuple(entries),
        {row.id: row.weight for row in weights},
        {(row.user_id, row.entry_id) for row in conflicts} | own,
        {(row.user_id, row.entry_id, row.criterion_id): row.points for row in scores},
        list_points(connection, contest_id).keys(),
    )


def list_obstacles(connection: Connection, panel: PanelFacts, contest: Contest, now: datetime) -> list[str]:
    """What has to come before this panel of the contest can be closed (`find_obstacles`)."""
    windows = list_windows(contest.phases, Action.SUBMIT)
    is_open = bool(windows) and now < windows[-1][1]
    entering_until = describe_instant(windows[-1][1], contest.time_zone) if is_open else ""
    return find_obstacles(panel, entering_until, _count_waiting(connection, contest.id))


def describe_panel(contest: Contest, now: datetime) -> PanelState:
    """How far the panel of a contest is."""
    connection = db.session.connection()
    panel = read_panel(connection, contest.id)
    titles = select(Entry.title).where(Entry.id.in_(panel.open_entries)).order_by(Entry.id)
    asked_back = select(func.count(Entry.id)).where(
        Entry.contest_id == contest.id, Entry.state == "needs_changes"
    )
    return PanelState(
        list_obstacles(connection, panel, contest, now),
        list(db.session.scalars(titles)),
        db.session.scalar(asked_back) or 0,
    )


def are_judges_done(contest_id: int) -> bool:
    """Whether the panel is closed, and every entry in the running has its points.

    An entry that comes into the running after the close, because it was restored, say, has none: judges are asked
    for it, and the panel is closed once more.
    """
    return (
        find_sealed(contest_id) is not None
        and not read_panel(db.session.connection(), contest_id).open_entries
    )


def list_criteria(contest_id: int) -> list[Criterion]:
    """A contest's criteria in their order."""
    statement = select(Criterion).where(Criterion.contest_id == contest_id)
    return list(db.session.scalars(statement.order_by(Criterion.position, Criterion.id)))


def list_judges(contest_id: int) -> list[JudgeLine]:
    """Everybody who was asked, in the order of asking."""
    panel = read_panel(db.session.connection(), contest_id)
    missing = [judge for judge, _ in find_missing(panel)]
    conflicts = [judge for judge, entry in panel.conflicts if entry in panel.entries]
    rows = db.session.execute(
        select(Judge, User.name, User.email)
        .join(User, User.id == Judge.user_id)
        .where(Judge.contest_id == contest_id)
        .order_by(Judge.invited_at, Judge.user_id)
    )
    return [
        JudgeLine(
            judge.user_id, name, email, missing.count(judge.user_id), conflicts.count(judge.user_id),
            judge.reminded_at, judge.left_at is not None,
        )
        for judge, name, email in rows
    ]  # fmt: skip


def list_judged_contests(user_id: int) -> list[Contest]:
    """The contests that a person judges, the newest first."""
    statement = (
        select(Contest)
        .join(Judge, Judge.contest_id == Contest.id)
        .where(Judge.user_id == user_id, Judge.left_at.is_(None))
        .order_by(Contest.id.desc())
    )
    return list(db.session.scalars(statement).unique())


def list_judged_entries(contest_id: int, user_id: int) -> list[JudgedEntry]:
    """The entries of a contest with this judge's own scores; what others gave is not in it."""
    panel = read_panel(db.session.connection(), contest_id)
    entries = db.session.execute(
        select(Entry.id, Entry.title, Entry.slug, Entry.cause, Conflict.words)
        .outerjoin(Conflict, (Conflict.entry_id == Entry.id) & (Conflict.user_id == user_id))
        .where(Entry.id.in_(panel.entries))
        .order_by(Entry.id)
    )
    return [_judged(row, panel, user_id) for row in entries]


def find_sealed(contest_id: int) -> SealedPanel | None:
    """When and by whom the panel was closed, or None while it is open."""
    return db.session.get(SealedPanel, contest_id)


def list_points(connection: Connection, contest_id: int) -> dict[int, int]:
    """The points of a sealed panel by entry, in thousandths; empty while it is open."""
    rows = connection.execute(
        select(EntryPoints.entry_id, EntryPoints.points).where(EntryPoints.contest_id == contest_id)
    )
    return {row.entry_id: row.points for row in rows}


def list_named_points(contest_id: int) -> list[tuple[int, str, str, int]]:
    """Id, title, slug and points (thousandths) of each entry in the running of a sealed panel, the most first."""
    rows = db.session.execute(
        select(Entry.id, Entry.title, Entry.slug, EntryPoints.points)
        .join(Entry, Entry.id == EntryPoints.entry_id)
        .where(EntryPoints.contest_id == contest_id, Entry.state == "published", Entry.is_eligible)
        .order_by(EntryPoints.points.desc(), Entry.id)
    )
    return [(row.id, row.title, row.slug, row.points) for row in rows]


def _count_waiting(connection: Connection, contest_id: int) -> int:
    """The entries that a moderator has to decide about, also those of which an earlier version is shown."""
    statement = (
        select(func.count(Entry.id.distinct()))
        .join(EntryRevision, EntryRevision.entry_id == Entry.id)
        .where(Entry.contest_id == contest_id, Entry.state.not_in(OUT), EntryRevision.state == "submitted")
    )
    return connection.scalar(statement) or 0


def _judged(row: tuple[int, str, str, str, str | None], panel: PanelFacts, user_id: int) -> JudgedEntry:
    entry_id, title, slug, cause, said = row
    conflict = said or ""
    scores = {
        criterion: panel.scores[user_id, entry_id, criterion]
        for criterion in panel.weights
        if (user_id, entry_id, criterion) in panel.scores
    }
    is_own = not conflict and (user_id, entry_id) in panel.conflicts
    is_fixed = entry_id in panel.fixed
    is_scored = bool(panel.weights) and scores.keys() == panel.weights.keys()
    is_done = bool(conflict) or is_own or is_fixed or is_scored
    return JudgedEntry(entry_id, title, slug, cause, scores, conflict, is_own, is_fixed, is_done)
