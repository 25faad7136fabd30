"""Fair exposure: exact counts, a stable order, and evenness over time."""

import random
from datetime import timedelta

import pytest

from quilt.database import db
from quilt.entries.exposure import (
    EPOCH,
    Epoch,
    Exposure,
    build_buckets,
    get_epoch,
    list_exposures,
    list_fair_order,
    number_epoch,
    record_shown,
    refresh_exposure_order,
    refresh_exposure_orders,
    sort_fairly,
)
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user

HOUR = timedelta(hours=1)


def stored(contest_id, number=None) -> Epoch:
    """The epoch as committed: the test's own session looks afresh."""
    db.session.rollback()
    return get_epoch(contest_id, number)


def fresh_exposures(contest_id):
    db.session.rollback()
    return list_exposures(contest_id)


def order_of(contest_id, number, seed) -> list[int]:
    db.session.rollback()
    return list_fair_order(contest_id, number, seed)


def shown(entry_id: int, count: int, hours: float = 10) -> Exposure:
    return Exposure(entry_id, count, NOW - hours * HOUR)


@pytest.mark.parametrize(
    "exposures, first",
    [
        ([shown(1, 100), shown(2, 10)], 2),
        ([shown(1, 100, 100), shown(2, 20, 2)], 1),
        ([shown(1, 5), shown(2, 0, 0.01)], 2),
        ([shown(1, 5, 1), shown(2, 1, 0)], 1),
    ],
)
def test_the_least_shown_for_its_time_comes_first(exposures, first):
    buckets = build_buckets(exposures, NOW)
    assert buckets[first] == 0
    assert all(bucket > 0 for entry_id, bucket in buckets.items() if entry_id != first)


def test_even_exposure_is_one_bucket():
    assert set(build_buckets([shown(number, 1000 + number) for number in range(1, 9)], NOW).values()) == {0}
    assert set(build_buckets([shown(1, 0), shown(2, 0)], NOW).values()) == {0}
    assert build_buckets([], NOW) == {}


def test_a_seed_shuffles_within_buckets_only():
    epoch = Epoch(1, {entry_id: entry_id % 3 for entry_id in range(1, 31)})
    orders = [sort_fairly(epoch, range(1, 31), seed) for seed in range(256)]
    assert len(set(map(tuple, orders))) == 256
    for order in orders:
        assert [entry_id % 3 for entry_id in order] == [0] * 10 + [1] * 10 + [2] * 10
    assert {order[0] for order in orders} == {number for number in range(1, 31) if number % 3 == 0}


def test_entries_that_the_epoch_does_not_know_come_first():
    order = sort_fairly(Epoch(1, {1: 0, 2: 4}), [1, 2, 3], 7)
    assert order == [3, 1, 2]


def test_what_was_withdrawn_keeps_its_place_so_that_pages_stay():
    epoch = Epoch(1, {1: 0, 2: 1, 3: 2})
    assert sort_fairly(epoch, [1, 3], 7) == [1, 2, 3]


def test_counts_are_exact(app):
    contest = make_contest()
    contest_id = contest.id
    first, second = make_entry(contest), make_entry(contest)
    record_shown({first.id: 3, second.id: 1})
    record_shown({first.id: 2})
    record_shown({first.id: 1, 999_999: 5})
    record_shown({})
    assert [exposure.shown_count for exposure in fresh_exposures(contest_id)] == [6, 1]


def test_only_published_entries_are_counted(app):
    contest = make_contest()
    contest_id = contest.id
    make_entry(contest, state="draft")
    assert fresh_exposures(contest_id) == []
    assert refresh_exposure_order(contest_id, 1, NOW) == 0


def test_an_epoch_is_stored_once_and_the_last_three_are_kept(app):
    contest = make_contest()
    contest_id = contest.id
    first, second = make_entry(contest), make_entry(contest)
    assert stored(contest_id) == Epoch(0, {})
    refresh_exposure_order(contest_id, 1, NOW)
    record_shown({first.id: 50})
    refresh_exposure_order(contest_id, 1, NOW)
    assert stored(contest_id).buckets == {first.id: 0, second.id: 0}
    refresh_exposure_order(contest_id, 2, NOW)
    assert stored(contest_id).buckets[first.id] > stored(contest_id).buckets[second.id] == 0
    assert stored(contest_id, 1).number == 1
    for number in (3, 4):
        refresh_exposure_order(contest_id, number, NOW)
    assert stored(contest_id, 1).number == 4
    assert stored(contest_id, 2).number == 2


def test_the_order_of_an_epoch_does_not_move_when_counts_do(app):
    contest = make_contest()
    contest_id = contest.id
    entries = [make_entry(contest) for _ in range(9)]
    refresh_exposure_order(contest_id, 1, NOW)
    before = order_of(contest_id, 1, 77)
    record_shown({entries[0].id: 400})
    refresh_exposure_order(contest_id, 2, NOW + EPOCH)
    assert order_of(contest_id, 1, 77) == before
    assert order_of(contest_id, None, 77)[-1] == entries[0].id
    late = make_entry(contest)
    assert order_of(contest_id, 1, 77) == [late.id, *before]


def test_every_published_contest_gets_its_order(app):
    contest = make_contest()
    contest_id = contest.id
    make_entry(contest)
    make_entry(make_contest(is_published=False))
    assert refresh_exposure_orders(NOW) == 1
    assert stored(contest_id).number == number_epoch(NOW)


def test_the_number_of_queries_does_not_grow_with_the_entries(app, count_queries):
    counts = []
    for size in (1, 3):
        contest, entrant = make_contest(), make_user()
        for _ in range(size):
            make_entry(contest, entrant)
        refresh_exposure_order(contest.id, 1, NOW)
        with count_queries() as queries:
            list_fair_order(contest.id, None, 5)
        counts.append(len(queries))
    assert counts[0] == counts[1] > 0


def simulate(visitors: int, entries: int, late: int, page: int, days: float, rng: random.Random):
    """Visitors who look at a page or more; `late` of the entries come on the way. Times shown an hour."""
    born = {
        number: 0.0 if number > late else days * 24 * number / (late + 2) for number in range(1, entries + 1)
    }
    counts = dict.fromkeys(born, 0)
    arrivals = sorted(rng.uniform(0, days * 24) for _ in range(visitors))
    epoch, begin = Epoch(0, {}), NOW
    for hour in arrivals:
        moment = begin + hour * HOUR
        number = number_epoch(moment)
        there = [entry_id for entry_id, since in born.items() if since <= hour]
        if number != epoch.number:
            exposures = [Exposure(each, counts[each], begin + born[each] * HOUR) for each in there]
            epoch = Epoch(number, build_buckets(exposures, moment))
        order = sort_fairly(epoch, there, rng.randrange(256))
        pages = 1 + (rng.random() < 0.25) + (rng.random() < 0.05)
        for entry_id in order[: pages * page]:
            counts[entry_id] += 1
    return {each: counts[each] / (days * 24 - born[each]) for each in born}


def find_gini(values):
    """How unevenly something is spread: 0 all alike, towards 1 one has everything."""
    ordered, total = sorted(values), sum(values)
    if not total:
        return 0.0
    count = len(ordered)
    weighted = sum(place * value for place, value in enumerate(ordered, 1))
    return 2 * weighted / (count * total) - (count + 1) / count


@pytest.mark.parametrize("page", [6, 24])
def test_exposure_evens_out_over_2000_visitors_with_late_comers(page):
    rates = simulate(2000, 30, 6, page, 10, random.Random(5))
    gini = find_gini(list(rates.values()))
    spread = max(rates.values()) / min(rates.values())
    print(f"30 entries, pages of {page}: Gini {gini:.4f}, most to least {spread:.3f}")
    assert gini < 0.03
    assert spread < 1.25


def test_a_fixed_order_is_found_to_be_unfair():
    """The planted flaw: newest first, two visitors in three look at one page only."""
    counts = {number: 2000 if number <= 6 else 500 if number <= 12 else 0 for number in range(1, 31)}
    assert find_gini(list(counts.values())) > 0.6


@pytest.mark.parametrize("values, gini", [([1, 1, 1], 0), ([0, 0, 0, 1], 0.75), ([], 0), ([0, 0], 0)])
def test_gini(values, gini):
    assert find_gini(values) == pytest.approx(gini)
