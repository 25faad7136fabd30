"""The times of an entry: computed now and then, stored, read; on both databases."""

import random
import secrets
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import func, select, update

from quilt.arrivals.exclusions import exclude_arrival, restore_arrival
from quilt.arrivals.fold import fold_entry
from quilt.arrivals.models import (
    Arrival,
    EntryFirst,
    EntryHour,
    EntryPoint,
    EntrySpread,
    EntryTiming,
    NamedLink,
)
from quilt.arrivals.nodes import Visit, describe_event, put_in_inbox
from quilt.arrivals.overview import list_points
from quilt.arrivals.service import record_arrival
from quilt.arrivals.timekeeping import (
    compute_times,
    list_differences,
    list_due,
    refresh_due,
    refresh_timing,
    store_times,
)
from quilt.arrivals.timing import find_timing, list_ways
from quilt.database import db, transaction, write
from quilt.embeds.models import Embed
from tests.conftest import NOW
from tests.factories import make_entry, make_user, save

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = NOW + timedelta(days=9)
_visitors = count(1)


def arrive(entry, at, via="", channel="", fold=True):
    """One more person; returns their node."""
    visit = Visit(entry, next(_visitors).to_bytes(8), via=via, channel=channel)
    node = record_arrival(visit, None, now=at, entropy=secrets.token_bytes)
    if fold:
        fold_entry(entry, at)
    db.session.rollback()
    return node


def vote(entry, node):
    write(lambda connection: put_in_inbox(connection, [describe_event(entry, node.arrival_id, votes=1)]))


def refresh(entry, now):
    """Refresh, and let the test's own session see it."""
    is_done = refresh_timing(entry, now)
    db.session.rollback()
    return is_done


def grow(entry, people, seed=0):
    """A tree by chance over four days, folded now and then."""
    chance, nodes = random.Random(seed), []
    for number in range(people):
        via = chance.choice(nodes).code if nodes and chance.random() < 0.7 else ""
        at = NOW + 4 * DAY * number / people
        nodes.append(arrive(entry, at, via, chance.choice(["wa", "fb", ""]), fold=number % 7 == 6))
        if chance.random() < 0.3:
            vote(entry, nodes[-1])
    fold_entry(entry, NOW + 4 * DAY)
    db.session.rollback()
    return nodes


def stored(entry):
    """Every stored row of the entry's times and points, without when and for which version they were made."""
    db.session.rollback()
    left_out = ("version", "refreshed_at", "last_exclusion_id")
    return [
        sorted(
            map(
                str,
                db.session.execute(
                    select(
                        *(column for column in table.__table__.columns if column.name not in left_out)
                    ).where(table.entry_id == entry)
                ).all(),
            )
        )
        for table in (EntryTiming, EntryHour, EntryFirst, EntryPoint)
    ]


def test_the_times_of_a_small_tree(app):
    entry = make_entry().id
    first = arrive(entry, NOW)
    second = arrive(entry, NOW + 2 * HOUR, first.code)
    third = arrive(entry, NOW + 3 * HOUR, second.code)
    for hours in (4, 5, 6):
        arrive(entry, NOW + hours * HOUR, third.code)
    arrive(entry, NOW + 8 * HOUR)
    assert refresh(entry, LATER)
    timing = find_timing(entry, LATER)
    assert (timing.people, timing.first_at, timing.last_at) == (7, NOW, NOW + 8 * HOUR)
    assert timing.half_life == 4 * HOUR  # the fourth of seven
    assert timing.interval == 2 * HOUR  # of 2, 1, 1, 2, 3
    assert [(row.generation, row.at - NOW) for row in timing.firsts] == [
        (1, 0 * HOUR), (2, 2 * HOUR), (3, 3 * HOUR), (4, 4 * HOUR)
    ]  # fmt: skip
    assert timing.reproduction is None and timing.windows == [] and timing.bursts == []


def test_nothing_is_told_below_five_people(app):
    entry = make_entry().id
    assert find_timing(entry, LATER) is None and not refresh(entry, LATER)
    for _ in range(4):
        arrive(entry, NOW, channel="wa")
    assert refresh(entry, NOW)
    assert find_timing(entry, LATER) is None and list_ways(entry, LATER) == []
    arrive(entry, NOW, channel="wa")
    assert refresh(entry, NOW)
    assert find_timing(entry, LATER).people == 5
    assert [way.people for way in list_ways(entry, LATER)] == [5]


def test_an_interval_of_few_is_not_told(app):
    entry = make_entry().id
    first = arrive(entry, NOW)
    for hours in (1, 2, 3, 4):
        arrive(entry, NOW + hours * HOUR, first.code)
    refresh(entry, LATER)
    assert find_timing(entry, LATER).interval is None
    arrive(entry, NOW + 5 * HOUR, first.code)
    refresh(entry, LATER)
    assert find_timing(entry, LATER).interval == 3 * HOUR


def test_r_of_those_who_had_their_day(app):
    entry = make_entry().id
    first = [arrive(entry, NOW, fold=False) for _ in range(40)]
    for number in range(20):
        arrive(entry, NOW + 3 * HOUR, first[number % 5].code, fold=False)
    arrive(entry, NOW + DAY + HOUR, first[39].code, fold=False)  # too late to count for its parent
    fold_entry(entry, NOW + DAY + HOUR)
    refresh(entry, NOW + DAY + HOUR)
    early = find_timing(entry, NOW + DAY + HOUR)
    assert early.reproduction.value == 0.5 and early.reproduction.people == 40
    assert early.too_early_from == NOW + HOUR
    assert find_timing(entry, NOW + DAY).reproduction is None  # the hour is not over for a whole day
    late = find_timing(entry, LATER)
    assert late.reproduction.people == 61 and late.reproduction.value == 20 / 61
    assert [(window.reproduction.people, window.reproduction.value) for window in late.windows] == [
        (61, 20 / 61)
    ]
    assert 0 < late.windows[0].reproduction.low < 20 / 61 < late.windows[0].reproduction.high


def test_newcomers_since_the_refresh_keep_the_clock_back(app):
    entry = make_entry().id
    for _ in range(40):
        arrive(entry, NOW, fold=False)
    fold_entry(entry, NOW)
    refresh(entry, NOW + HOUR)
    assert find_timing(entry, LATER).counted_to == LATER
    arrive(entry, NOW + 2 * HOUR)
    timing = find_timing(entry, LATER)
    assert timing.counted_to == NOW + HOUR and timing.reproduction is None


def test_bursts_are_found_in_the_hours(app):
    entry = make_entry().id
    for hours, people in enumerate((1, 2, 1, 0, 12, 1)):
        for _ in range(people):
            arrive(entry, NOW + hours * HOUR, fold=False)
    fold_entry(entry, NOW + 6 * HOUR)
    refresh(entry, LATER)
    (burst,) = find_timing(entry, LATER).bursts
    assert (burst.begin, burst.until, burst.people) == (NOW + 4 * HOUR, NOW + 5 * HOUR, 12)


def test_ways_have_their_own_times(app):
    entry = make_entry().id
    link, embed = "clinic00001", "embed000001"
    save(
        NamedLink(entry_id=entry, code=link, label="mail to the clinic", created_at=NOW),
        Embed(entry_id=entry, code=embed, label="The clinic", created_at=NOW),
    )
    for minutes in range(0, 50, 10):
        arrive(entry, NOW + timedelta(minutes=minutes), link, fold=False)
        arrive(entry, NOW + timedelta(minutes=2 * minutes), embed, fold=False)
    first = arrive(entry, NOW, fold=False)
    for hours in range(1, 41):
        node = arrive(entry, NOW + hours * timedelta(minutes=1), first.code, "wa", fold=False)
        vote(entry, node)
    fold_entry(entry, LATER)
    refresh(entry, LATER)
    ways = {(way.kind, way.label or way.key): way for way in list_ways(entry, LATER)}
    assert [kind for kind, _ in ways] == ["channel"] * (len(ways) - 2) + ["link", "embed"]
    assert ways["link", "mail to the clinic"].half_life == timedelta(minutes=20)
    assert ways["embed", "The clinic"].half_life == timedelta(minutes=40)
    whatsapp = ways["channel", "wa"]
    assert (whatsapp.people, whatsapp.votes, whatsapp.interval) == (40, 40, timedelta(minutes=20.5))
    assert whatsapp.reproduction.value == 0 and whatsapp.reproduction.high > 0
    assert ways["link", "mail to the clinic"].reproduction is None  # of five people


def test_r_of_a_way_waits_for_the_whole_hour_to_be_a_day_old(app):
    entry = make_entry().id
    for _ in range(30):
        arrive(entry, NOW + timedelta(minutes=30), channel="wa", fold=False)
    fold_entry(entry, NOW + HOUR)
    refresh(entry, NOW + HOUR)
    (early,) = list_ways(entry, NOW + DAY + timedelta(minutes=59))
    (late,) = list_ways(entry, NOW + DAY + HOUR)
    assert early.reproduction is None and late.reproduction.people == 30


def test_refreshing_by_and_by_equals_refreshing_once(app):
    entry, other = make_entry().id, make_entry().id
    nodes = grow(entry, 80)
    refresh(entry, NOW + 4 * DAY)
    for number in range(40):
        arrive(entry, NOW + 4 * DAY + number * HOUR, nodes[number].code, "x")
        if number % 9 == 0:
            assert refresh(entry, LATER)
    arrive(other, NOW)
    refresh(other, LATER)
    assert refresh(entry, LATER)
    by_and_by = stored(entry)
    with transaction() as session:
        for table in (EntryTiming, EntryHour, EntryFirst):
            session.query(table).filter_by(entry_id=entry).delete()
    assert stored(entry) != by_and_by
    assert refresh(entry, LATER)
    assert stored(entry) == by_and_by
    assert find_timing(entry, LATER).people == 120
    assert db.session.scalar(select(func.count()).where(EntryHour.entry_id == other)) == 1


def test_an_excluded_branch_leaves_every_time_and_the_past(app):
    entry, staff = make_entry().id, make_user(role="moderator").id
    nodes = grow(entry, 60, seed=4)
    refresh(entry, LATER)
    before = stored(entry)
    voted = db.session.scalar(select(EntrySpread.votes_count))
    excluded = exclude_arrival(nodes[1].arrival_id, staff, "a robot", now=LATER)
    assert 5 < excluded.people < 55
    assert refresh(entry, LATER)
    timing = find_timing(entry, LATER)
    assert timing.people == 60 - excluded.people
    curve = [point.votes for point in list_points(entry)]
    assert 0 < max(curve) == db.session.scalar(select(EntrySpread.votes_count)) < voted
    restore_arrival(nodes[1].arrival_id, staff, "a person after all", now=LATER)
    db.session.rollback()
    assert max(point.votes for point in list_points(entry)) == voted
    exclude_arrival(nodes[1].arrival_id, staff, "a robot", now=LATER)
    assert refresh(entry, LATER)
    hours = select(func.sum(EntryHour.people_count)).where(EntryHour.entry_id == entry, EntryHour.facet == "")
    assert db.session.scalar(hours) == timing.people
    points = db.session.execute(select(EntryPoint.at, EntryPoint.size).order_by(EntryPoint.at)).all()
    live = set(_list_counted(entry))
    for at, size in points:
        came = [instant for instant in live if instant < at + timedelta(minutes=1)]
        assert size - 1 == len(came)
    restore_arrival(nodes[1].arrival_id, staff, "a school", now=LATER)
    assert refresh(entry, LATER)
    after = stored(entry)
    assert after[:3] == before[:3]
    assert [row.rsplit(",", 1)[0] for row in before[3]] == [row.rsplit(",", 1)[0] for row in after[3]][
        : len(before[3])
    ]


def _list_counted(entry):
    """When everybody came who hangs below nobody excluded (no two at the same instant)."""
    out = set()
    for row in db.session.scalars(select(Arrival).where(Arrival.entry_id == entry).order_by(Arrival.id)):
        if row.state != "live" or row.parent_id in out:
            out.add(row.id)
        else:
            yield row.arrived_at


def test_who_waits_for_the_fold_is_not_in_the_times(app):
    entry = make_entry().id
    nodes = [arrive(entry, NOW) for _ in range(5)]
    waiting = arrive(entry, NOW + HOUR, nodes[0].code, fold=False)
    arrive(entry, NOW + HOUR, waiting.code, fold=False)
    refresh(entry, LATER)
    assert find_timing(entry, LATER).people == 5
    fold_entry(entry, LATER)
    refresh(entry, LATER)
    assert find_timing(entry, LATER).people == 7


def test_a_minute_of_rest_for_each_entry(app):
    entry = make_entry().id
    arrive(entry, NOW)
    assert [due.entry_id for due in list_due()] == [entry]
    assert refresh_due(NOW) == 1 and refresh_due(NOW) == 0 and list_due() == []
    arrive(entry, NOW)
    assert refresh_due(NOW + timedelta(seconds=59)) == 0 and len(list_due()) == 1
    assert refresh_due(NOW + timedelta(seconds=60)) == 1 and list_due() == []


@pytest.mark.parametrize(("size", "minutes"), [(10, 1), (100_000, 1), (1_000_000, 10)])
def test_large_entries_rest_longer(app, size, minutes):
    entry = make_entry().id
    arrive(entry, NOW)
    refresh_due(NOW)
    arrive(entry, NOW)
    with transaction() as session:
        session.execute(update(EntrySpread).values(size=size))
    (due,) = list_due()
    assert not due.has_rested(NOW + timedelta(minutes=minutes, seconds=-1))
    assert due.has_rested(NOW + timedelta(minutes=minutes))


def test_times_of_an_older_moment_do_not_overwrite_newer_ones(app):
    entry = make_entry().id
    for _ in range(5):
        arrive(entry, NOW)
    older = compute_times(entry, NOW)
    arrive(entry, NOW + HOUR)
    assert refresh(entry, NOW + HOUR)
    newer = stored(entry)
    assert not store_times(older)
    assert stored(entry) == newer


def test_reading_asks_few_questions(app, count_queries):
    entry = make_entry().id
    grow(entry, 40)
    refresh(entry, LATER)
    with count_queries() as queries:
        assert find_timing(entry, LATER) is not None
    assert len(queries) == 3
    with count_queries() as queries:
        assert list_ways(entry, LATER)
    assert len(queries) == 4


def test_what_is_stored_can_be_audited(app):
    entry = make_entry().id
    grow(entry, 30)
    assert list_differences(entry, LATER) == []  # not yet computed, so there is nothing to differ
    refresh(entry, LATER)
    assert list_differences(entry, LATER + DAY) == []
    with transaction() as session:
        session.execute(update(EntryHour).values(children_count=EntryHour.children_count + 1))
        session.execute(update(EntryTiming).values(votes_count=99))
    assert list_differences(entry, LATER) == ["timing", "hours"]
    arrive(entry, LATER)
    assert list_differences(entry, LATER) == []  # behind, and to be refreshed anyway


def test_a_worker_that_goes_home_leaves_the_rest(app):
    arrive(make_entry().id, NOW)
    assert refresh_due(NOW, lambda: True) == 0 and len(list_due()) == 1
    assert refresh_due(NOW, lambda: False) == 1
