"""What a brand's placements brought: people, votes, share acts and branches, beside what the frames told."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, case, exists, func, select

from quilt.arrivals.bulk import LEFT_OUT
from quilt.arrivals.models import Arrival, ArrivalStat
from quilt.database import db, is_sqlite
from quilt.embeds.desk import PlacementLine, list_placements, list_told
from quilt.embeds.models import Placement, PlacementEmbed
from quilt.shares.models import ShareAct


@dataclass(frozen=True, slots=True)
class Figures:
    """Exact numbers of one placement: whoever shows them hides what fewer than five people stand behind.

    `seen`, `plays`, `opens` are what frames told; `visits` people who came by it, `branch` these and everybody
    whom they brought, `votes` the votes of the branch, `shares` visitors who pressed share.
    """

    seen: int = 0
    plays: int = 0
    opens: int = 0
    visits: int = 0
    votes: int = 0
    shares: int = 0
    branch: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(*(getattr(self, name) + getattr(other, name) for name in NAMES))


NAMES = ("seen", "plays", "opens", "visits", "votes", "shares", "branch")


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One placement in a report: its sums, its days, and the pages of the host on which it was seen."""

    placement: PlacementLine
    sums: Figures
    days: dict[date, Figures]
    pages: dict[str, Figures]


def build_report(organisation_id: int, since: date, until: date) -> list[ReportLine]:
    """Every placement of an organisation with its figures from one day (UTC) to another, both included."""
    told = list_told(organisation_id, since, until)
    came = _list_brought(organisation_id, since, until)
    lines = []
    for placement in list_placements(organisation_id):
        days, pages = dict(came.get(placement.id, {})), dict[str, Figures]()
        for row in told:
            if row.placement_id == placement.id:
                figures = Figures(row.seen, row.plays, row.opens)
                days[row.day] = days.get(row.day, Figures()) + figures
                pages[row.path] = pages.get(row.path, Figures()) + figures
        ordered = dict(sorted(pages.items(), key=lambda page: (-page[1].seen, page[0])))
        lines.append(ReportLine(placement, add_up(days.values()), days, ordered))
    return lines


def add_up(figures: Iterable[Figures]) -> Figures:
    """The sums."""
    return sum(figures, Figures())


def _list_brought(organisation_id: int, since: date, until: date) -> dict[int, dict[date, Figures]]:
    """Placement → day of the first visit → who came then, and what has become of them until now."""
    day = _day_of(Arrival.arrived_at)
    first, last = _instant(since), _instant(until + timedelta(days=1))
    within = (
        Arrival.arrived_at >= first,
        Arrival.arrived_at < last,
        Placement.organisation_id == organisation_id,
    )
    has_shared = exists().where(ShareAct.entry_id == Arrival.entry_id, ShareAct.arrival_id == Arrival.id)
    came = (  # one statement: nobody has shared who has not come
        select(
            PlacementEmbed.placement_id,
            day,
            func.count(),
            func.sum(func.coalesce(ArrivalStat.votes_subtree, 0)),
            func.sum(func.coalesce(ArrivalStat.subtree_size, 1)),
            func.sum(case((has_shared, 1), else_=0)),
        )
        .select_from(PlacementEmbed)
        .join(Placement, Placement.id == PlacementEmbed.placement_id)
        .join(Arrival, Arrival.embed_id == PlacementEmbed.embed_id)
        .outerjoin(ArrivalStat, ArrivalStat.arrival_id == Arrival.id)
        .where(*within, func.coalesce(ArrivalStat.subtree_size, 1) != LEFT_OUT)
        .group_by(PlacementEmbed.placement_id, day)
    )
    found: dict[int, dict[date, Figures]] = {}
    for placement_id, on, people, votes, branch, sharers in db.session.execute(came):
        found.setdefault(placement_id, {})[_read_day(on)] = Figures(
            visits=people, votes=int(votes), branch=int(branch), shares=int(sharers)
        )
    return found


def _day_of(instant: "ColumnElement[datetime] | object") -> ColumnElement[date]:
    """The day (UTC) of an instant, as each database says it."""
    return func.date(instant) if is_sqlite() else func.date(func.timezone("UTC", instant))


def _read_day(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _instant(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
