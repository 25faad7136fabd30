"""The weekly report: to those who wish it, once, and only where there is something to tell."""

from datetime import UTC, date, datetime, timedelta

import pytest

from quilt.database import db, transaction
from quilt.embeds.models import Membership, PlacementDay
from quilt.journeys.models import BrandReport
from quilt.journeys.reports import find_last_week, send_reports
from quilt.mail import MailMessage
from tests.embeds.brands import make_organisation, make_placement
from tests.factories import make_entry, make_user, save

MONDAY = date(2026, 5, 11)
NOW = datetime(2026, 5, 18, 6, tzinfo=UTC)


@pytest.fixture
def placement(app):
    return make_placement(make_organisation(make_user("olga@example.org", name="Olga")), make_entry())


def see(placement, day=MONDAY, seen=1234):
    save(PlacementDay(placement_id=placement.id, day=day, path="/", seen_count=seen, opens_count=7))


@pytest.mark.parametrize(("day", "week"), [(18, MONDAY), (24, MONDAY), (17, date(2026, 5, 4))])
def test_the_last_whole_week(day, week):
    assert find_last_week(datetime(2026, 5, day, 23, tzinfo=UTC)) == week


def test_a_week_is_told_once(placement, settings):
    see(placement)
    assert send_reports(settings, NOW) == 1 and send_reports(settings, NOW) == 0
    letter = db.session.query(MailMessage).one()
    assert (
        letter.recipient == "olga@example.org" and "1,234 times" in letter.text and "Home page" in letter.text
    )
    assert "fewer than five people" in letter.text and f"/report?week={MONDAY}" in letter.text
    assert send_reports(settings, NOW + timedelta(days=7)) == 0, "nothing was seen in the week after"


def test_a_quiet_week_is_passed_in_silence_and_noted(placement, settings):
    see(placement, MONDAY - timedelta(days=1))
    assert send_reports(settings, NOW) == 0
    db.session.rollback()
    assert [row.week for row in db.session.query(BrandReport)] == [MONDAY]
    assert db.session.query(MailMessage).count() == 0


def test_whoever_has_switched_it_off_gets_none(placement, settings):
    see(placement)
    with transaction() as session:
        session.query(Membership).one().has_reports = False
    assert send_reports(settings, NOW) == 0
    db.session.rollback()
    assert db.session.query(MailMessage).count() == 0
