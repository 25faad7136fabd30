"""Scales, columns and curves in plain numbers."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from quilt.web.charts import BOTTOM, LEFT, RIGHT, TOP, Step, build_columns, list_dates, list_rows

BEGIN = datetime(2026, 3, 6, 13, 7, tzinfo=UTC)
ZONE = "America/New_York"


def steps(span, *numbers):
    """The counters at even distances over the span; the second is half of the first."""
    return [
        Step(BEGIN + span * turn / len(numbers), number, number // 2) for turn, number in enumerate(numbers)
    ]


@pytest.mark.parametrize(
    ("most", "labels"),
    [
        (0, ["0", "1"]),
        (3, ["0", "1", "2", "3"]),
        (7, ["0", "2", "4", "6", "8"]),
        (13, ["0", "5", "10", "15"]),
        (1240, ["0", "500", "1,000", "1,500"]),
        (10_645, ["0", "5,000", "10,000", "15,000"]),
    ],
)
def test_scales_have_round_numbers(most, labels):
    assert [tick.label for tick in build_columns([("1", most)]).scale] == labels


def test_columns_stand_side_by_side_in_proportion():
    chart = build_columns([("1", 10), ("2", 5), ("3", 0)], [2, 0, 0])
    assert [column.height for column in chart.columns] == [BOTTOM - TOP, (BOTTOM - TOP) / 2, 0]
    assert [column.label for column in chart.columns] == ["10", "5", ""]
    assert chart.others[0].x == chart.columns[0].x + chart.columns[0].width
    edges = [chart.columns[0].x, *(column.x + column.width for column in chart.others)]
    assert LEFT < edges[0] and edges[-1] < RIGHT and edges == sorted(edges)


def test_no_number_stands_on_a_column_or_on_another_number():
    people = [15_625, 37_920, 17_063, 7_301, 3_581, 1_460, 497, 131, 30, 2]
    chart = build_columns(
        [(f"{turn}", number) for turn, number in enumerate(people, 1)], [n // 5 for n in people]
    )
    bars = [*chart.columns, *chart.others]
    numbered = [bar for bar in bars if bar.label]
    assert [bar.label for bar in chart.columns[:4]] == ["15,625", "37,920", "17,063", "7,301"]
    assert 5 <= len(numbered) < 20
    for bar in numbered:
        left, right = bar.reach
        assert left >= LEFT
        for other in bars:
            is_beside = other.x < right and other.x + other.width > left
            assert other is bar or not is_beside or other.y >= bar.y - 5, (bar, other)
        for other in numbered:
            is_beside = other.reach[0] < right and other.reach[1] > left
            assert other is bar or not is_beside or abs(other.y - bar.y) >= 17, (bar, other)


def test_many_columns_go_without_numbers():
    chart = build_columns([(f"{number}", number) for number in range(1, 41)])
    assert {column.label for column in chart.columns} == {""} and 8 <= len(chart.ticks) <= 14


@pytest.mark.parametrize("words", ["{0}", "{0} to {0}", "1{0} to 1{0}"])
def test_labels_of_columns_do_not_touch(words):
    chart = build_columns([(words.format(number), 1) for number in range(30)])
    places = [tick.at for tick in chart.ticks]
    assert len(places) > 3
    assert min(b - a for a, b in pairwise(places)) >= 10 * max(len(tick.label) for tick in chart.ticks)


@pytest.mark.parametrize(
    ("span", "labels"),
    [
        (timedelta(0), ["08:07", "08:08"]),
        (timedelta(hours=9), ["10:00", "12:00", "14:00", "16:00"]),
        (timedelta(days=3), ["7 Mar", "8 Mar", "9 Mar"]),  # the clocks change on the 8th
        (timedelta(days=10), ["8 Mar", "10 Mar", "12 Mar", "14 Mar", "16 Mar"]),
    ],
)
def test_dates_are_round_in_the_contest_s_zone(span, labels):
    end = BEGIN + max(span, timedelta(minutes=1))
    dates = list_dates(BEGIN, end, ZONE)
    assert [label for _, label in dates] == labels
    assert all(BEGIN <= at <= end for at, _ in dates)


@pytest.mark.parametrize("span", [timedelta(days=days) for days in (0, 0.01, 0.4, 3, 10, 90, 700, 5000)])
def test_the_table_has_few_rows_and_ends_with_the_last_number(span):
    rows = list_rows(steps(span, 1, 4, 9, 16), BEGIN + span, ZONE)
    assert 1 <= len(rows) <= 26
    assert rows[-1][1:] == (16, 8) and len({row[0] for row in rows}) == len(rows)
    assert [row[1] for row in rows] == sorted(row[1] for row in rows)
