"""The weekly report to brands: one organisation, one week, one transaction, once for ever."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import exists, select

from quilt.accounts.models import User
from quilt.config import Settings
from quilt.database import db, insert_if_new, transaction
from quilt.embeds.models import Membership, Organisation, Placement
from quilt.journeys.models import BrandReport
from quilt.letters import composer
from quilt.mail import put_in_outbox
from quilt.standings.brought import Figures, add_up, build_report
from quilt.standings.rules import LEAST_SHOWN

MOST_ORGANISATIONS = 50  # of one round; the next goes on


@dataclass(frozen=True, slots=True)
class Line:
    """One placement in the letter."""

    label: str
    seen: int
    opens: int
    people: str
    votes: str


def find_last_week(now: datetime) -> date:
    """The Monday (UTC) of the last whole week."""
    today = now.astimezone(UTC).date()
    return today - timedelta(days=today.weekday() + 7)


def send_reports(settings: Settings, now: datetime) -> int:
    """Write to those who wish it what last week brought; returns how many letters.

    A week without anything to tell is passed in silence, and noted as told.
    """
    week = find_last_week(now)
    waiting = (
        select(Organisation.id)
        .where(
            ~exists().where(BrandReport.organisation_id == Organisation.id, BrandReport.week == week),
            exists().where(
                Placement.organisation_id == Organisation.id,
                Placement.created_at
                < datetime(week.year, week.month, week.day, tzinfo=UTC) + timedelta(days=7),
            ),
        )
        .order_by(Organisation.id)
        .limit(MOST_ORGANISATIONS)
    )
    organisations = list(db.session.scalars(waiting))
    db.session.rollback()
    return sum(_report(organisation_id, week, settings, now) for organisation_id in organisations)


def say_people(people: int) -> str:
    """People in words; nothing exact below five."""
    return f"{people:,} people" if people >= LEAST_SHOWN else "fewer than five people"


def say_votes(votes: int) -> str:
    """Votes in words; nothing exact below five."""
    return f"{votes:,} votes" if votes >= LEAST_SHOWN else "fewer than five votes"


def _report(organisation_id: int, week: date, settings: Settings, now: datetime) -> int:
    report = build_report(organisation_id, week, week + timedelta(days=6))
    sums = add_up(line.sums for line in report)
    desk_url = f"{settings.base_url}/brand/{organisation_id}"
    with transaction() as session:
        table = BrandReport.__table__
        insert = insert_if_new(table, session.get_bind().dialect.name, "week")
        row = {"organisation_id": organisation_id, "week": week, "sent_at": now}
        if session.execute(insert, row).scalar() is None or sums == Figures():
            return 0
        organisation = session.get_one(Organisation, organisation_id)
        readers = session.execute(
            select(User.name, User.email)
            .join(Membership, Membership.user_id == User.id)
            .where(Membership.organisation_id == organisation_id, Membership.has_reports)
            .order_by(User.id)
        ).all()
        for name, email in readers:
            letter = composer(settings)(
                "brand_report", name=name, organisation=organisation.name,
                week=f"{week.day} {week:%B %Y}", seen=sums.seen, opens=sums.opens,
                people=say_people(sums.visits), votes=say_votes(sums.votes),
                lines=[
                    Line(line.placement.label, line.sums.seen, line.sums.opens, say_people(line.sums.visits),
                         say_votes(line.sums.votes))
                    for line in report if line.sums != Figures()
                ],
                report_url=f"{desk_url}/report?week={week}", desk_url=f"{desk_url}#reports",
            )  # fmt: skip
            put_in_outbox(session, letter, email, now)
    return len(readers)
