"""The charts of time: numbers, words, tables, and markup that is whole."""

import random
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from quilt.arrivals.timing import HORIZON, Burst, First, Timing, Way, Window
from quilt.spread.cohorts import Reproduction
from quilt.web.charts import Step
from quilt.web.curve_words import (
    BURST_RULE,
    list_burst_rows,
    list_first_rows,
    list_reproduction_rows,
    list_way_rows,
    name_rate,
    name_span,
    name_stretch,
    tell_people_curve,
    tell_reproduction,
    tell_reproduction_plot,
)
from quilt.web.curves import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    build_people_curve,
    build_reproduction_plot,
)

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
ZONE = "America/New_York"
BEGIN = datetime(2026, 5, 10, 12, 0, tzinfo=UTC)  # eight in the morning in New York
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
END = BEGIN + 10 * DAY
MIDDLE = (LEFT + RIGHT) / 2


def steps(*people, span=10 * DAY):
    """The counters at even distances; the votes are half of the people."""
    return [
        Step(BEGIN + span * turn / len(people), number, number // 2) for turn, number in enumerate(people)
    ]


def window(hours, value, low=0.0, high=0.0, people=40, width=24):
    at = BEGIN + hours * HOUR
    return Window(at, at + width * HOUR, Reproduction(value, low, high or value * 1.5, people))


def make_timing(windows=(), overall=None, bursts=(), firsts=(), counted_to=END):
    return Timing(
        people=120, first_at=BEGIN, last_at=END - DAY, half_life=2 * DAY, interval=3 * HOUR, firsts=list(firsts),
        bursts=list(bursts), reproduction=overall, windows=list(windows), horizon=HORIZON, counted_to=counted_to,
    )  # fmt: skip


def build(people=(10, 100), **options):
    return build_people_curve(steps(*people), END, ZONE, **{"shows_votes": True, **options})


def test_the_curve_is_level_where_nobody_came():
    curve = build((1, 2), shows_votes=False)
    half = (TOP + BOTTOM) / 2
    assert curve.people == f"M{LEFT} {BOTTOM}H{LEFT}V{half}H{MIDDLE}V{TOP}H{RIGHT}"
    assert curve.area == f"{curve.people}V{BOTTOM}Z" and curve.votes == ""
    assert build((1, 2)).votes.endswith(f"V{half}H{RIGHT}")


@pytest.mark.parametrize(
    ("most", "labels"),
    [
        (1, ["0", "1"]),
        (8, ["0", "1", "2", "5", "10"]),
        (43, ["0", "1", "2", "5", "10", "20", "50"]),
        (2167, ["", "1", "10", "100", "1,000"]),
        (1_000_000, ["", "1", "10", "100", "1,000", "10,000", "100,000", "1,000,000"]),
    ],
)
def test_powers_of_ten_are_equally_far_apart(most, labels):
    curve = build((most,), is_log=True)
    assert [tick.label for tick in curve.scale] == labels
    heights = {tick.label: tick.at for tick in curve.scale}
    if "100" in heights:
        assert heights["1"] - heights["10"] == pytest.approx(heights["10"] - heights["100"], abs=0.2)
    assert curve.area == "" and curve.is_log
    tops = [float(at) for at in re.findall(r"V([\d.]+)", curve.people)]
    assert TOP <= min(tops) < heights["1"] + 0.1


def test_a_logarithm_of_nobody_lies_at_the_foot():
    curve = build((0, 1, 100), is_log=True)
    assert f"V{BOTTOM}" in curve.people


@pytest.mark.parametrize("most", [1, 3, 7, 13, 1240, 10_645, 5_000_000])
def test_the_even_scale_holds_the_curve(most):
    scale = build((most,)).scale
    numbers = [int(tick.label.replace(",", "")) for tick in scale]
    assert numbers[0] == 0 and numbers[-1] >= most and len(numbers) <= 5
    assert (scale[0].at, scale[-1].at) == (BOTTOM, TOP)


def test_bursts_are_bands_over_their_hours():
    bursts = [
        Burst(BEGIN + number * DAY, BEGIN + number * DAY + 3 * HOUR, people, 2)
        for number, people in enumerate((30, 20, 525, 12, 90, 80, 11))
    ]
    marks = build(bursts=bursts).bursts
    assert [mark.label for mark in marks] == ["+30", "+20", "+525", "+90", "+80"]
    assert marks[2].x == pytest.approx(LEFT + (RIGHT - LEFT) * 2 / 10, abs=0.1)
    assert marks[2].width == pytest.approx((RIGHT - LEFT) * 3 / 240, abs=0.11)
    assert marks[2].title == "525 people, 12 May, 08:00 to 11:00"
    assert build().bursts == []


def test_labels_of_bursts_close_together_do_not_touch():
    bursts = [
        Burst(BEGIN + number * HOUR, BEGIN + (number + 1) * HOUR, 100 + number, 2) for number in (40, 42, 44)
    ]
    marks = build(bursts=bursts).bursts
    assert [mark.label for mark in marks] == ["", "", "+144"]
    last = build(bursts=[Burst(END - HOUR, END, 5000, 1)]).bursts[0]
    assert last.x + last.width <= RIGHT and last.middle < RIGHT - 20


def test_each_generation_has_a_tick_and_the_deepest_its_number():
    firsts = [First(number, BEGIN + number * HOUR) for number in range(1, 41)] + [First(300, END - DAY)]
    ticks = build(firsts=firsts).firsts
    assert len(ticks) == 41 and ticks[-1].label == "300" and ticks[-2].label == "40"
    labelled = [tick for tick in ticks if tick.label]
    gaps = [b.at - a.at for a, b in pairwise(labelled)]
    assert 3 <= len(labelled) < 15 and min(gaps) > 15


def test_the_plot_of_r_is_steps_in_a_band():
    plot = build_reproduction_plot(make_timing([window(0, 0.5, 0.25, 1.0), window(24, 1.0, 0.5, 1.4)]), ZONE)
    unit = (BOTTOM - TOP) / 1.5
    one, half = round(BOTTOM - unit, 1), round(BOTTOM - unit / 2, 1)
    day, two = (round(LEFT + (RIGHT - LEFT) * days / 10, 1) for days in (1, 2))
    assert plot.line == f"M{LEFT} {half}H{day}V{one}H{two}"
    assert plot.one == one and [tick.label for tick in plot.scale] == ["0", "0.5", "1", "1.5"]
    assert plot.band.startswith(f"M{LEFT} {round(BOTTOM - unit / 4, 1)}H{day}V{one}H{LEFT}Z")
    assert plot.early == round(LEFT + (RIGHT - LEFT) * 9 / 10, 1)
    assert plot.early_label == "" and plot.early + plot.early_width == RIGHT


def test_the_line_breaks_where_nobody_came():
    plot = build_reproduction_plot(make_timing([window(0, 0.5), window(48, 0.5)]), ZONE)
    assert plot.line.count("M") == 2


@pytest.mark.parametrize(
    ("value", "high", "labels"),
    [
        (0.0, 0.1, ["0", "0.5", "1", "1.5"]),
        (0.4, 40.0, ["0", "0.5", "1", "1.5"]),  # an interval that would flatten the rest leaves the plot
        (1.9, 3.1, ["0", "1", "2", "3", "4"]),
        (4.1, 6.0, ["0", "2", "4", "6"]),
        (333.0, 600.0, ["0", "200", "400", "600"]),
    ],
)
def test_the_scale_of_r_has_round_numbers_and_one(value, high, labels):
    plot = build_reproduction_plot(make_timing([window(0, value, 0.0, high)]), ZONE)
    assert [tick.label for tick in plot.scale] == labels
    assert TOP <= plot.one < BOTTOM
    assert all(TOP <= float(at) <= BOTTOM for at in re.findall(r"V([-\d.]+)", plot.band))


def test_a_young_spread_is_all_too_early():
    timing = make_timing(counted_to=BEGIN + 2 * HOUR)
    plot = build_reproduction_plot(timing, ZONE)
    assert (plot.line, plot.band, plot.early, plot.early_width) == ("", "", LEFT, RIGHT - LEFT)
    assert plot.early_label == "too early to tell"
    assert tell_reproduction(timing) == (
        "Too early to tell how many others each person brings: that takes 30 people who came more than a day ago."
    )


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        (
            (0.4, 0.3, 0.52),
            "brought 0.4 further people within a day (between 0.3 and 0.5). So it lives on those",
        ),
        (
            (1.3, 1.1, 1.6),
            "brought 1.3 further people within a day (between 1.1 and 1.6). So it grows by itself.",
        ),
        ((1.0, 0.7, 1.2), "brought 1 further person within a day (between 0.7 and 1.2). Whether it grows"),
        ((0.04, 0.0, 0.08), "brought 0.04 further people within a day (between 0 and 0.08)."),
        ((0.17, 0.16, 0.18), "brought 0.17 further people within a day (between 0.16 and 0.18)."),
        ((0.171, 0.1704, 0.1716), "brought 0.171 further people within a day (between 0.170 and 0.172)."),
        ((0.0, 0.0, 0.0), "brought 0 further people within a day (between 0 and 0)."),
    ],
)
def test_r_in_a_sentence(estimate, words):
    assert words in tell_reproduction(make_timing(overall=Reproduction(*estimate, people=400)))


@pytest.mark.parametrize(
    ("rate", "words"),
    [(0, "0"), (0.001, "less than 0.01"), (0.094, "0.09"), (0.0951, "0.1"), (0.96, "1"), (9.94, "9.9"), (1234.5, "1,234")],
)  # fmt: skip
def test_rates_as_people_say_them(rate, words):
    assert name_rate(rate) == words


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(0), "less than a minute"),
        (timedelta(seconds=80), "a minute"),
        (timedelta(minutes=43), "43 minutes"),
        (timedelta(hours=4.1), "4 hours"),
        (timedelta(hours=24), "a day"),
        (timedelta(hours=40), "40 hours"),
        (timedelta(days=2), "2 days"),
        (timedelta(days=3.46), "3.5 days"),
    ],
)
def test_spans_in_the_unit_that_fits(span, words):
    assert name_span(span) == words


def test_stretches_name_a_day_once():
    assert name_stretch(BEGIN, BEGIN + 2 * HOUR, ZONE) == "10 May, 08:00 to 10:00"
    assert name_stretch(BEGIN, BEGIN + 16 * HOUR, ZONE) == "10 May, 08:00 to 24:00"
    assert name_stretch(BEGIN, BEGIN + 17 * HOUR, ZONE) == "10 May, 08:00 to 11 May, 01:00"


def test_the_summary_says_what_the_curve_shows():
    bursts = [Burst(BEGIN + DAY, BEGIN + DAY + 2 * HOUR, 60, 3.5), Burst(BEGIN, BEGIN + HOUR, 20, 3)]
    firsts = [First(1, BEGIN), First(7, BEGIN + 5 * DAY)]
    words = tell_people_curve(
        steps(10, 120), make_timing(bursts=bursts, firsts=firsts), ZONE, shows_votes=True, is_log=True
    )
    assert words == (
        "People reached over time: 120 people by 15 May, 08:00, with 60 votes. Half of them had come 2 days after the "
        "first. 2 bursts, the largest 11 May, 08:00 to 10:00 with 60 people. Generation 7 was first reached 15 May, "
        "08:00. The scale is logarithmic: each step up is ten times as many. The tables below say the same."
    )
    assert "vote" not in tell_people_curve(steps(10), None, ZONE, shows_votes=False)
    assert "10" in BURST_RULE and "three times" in BURST_RULE and "24 hours" in BURST_RULE


def test_the_tables_say_what_the_pictures_do():
    assert list_burst_rows([Burst(BEGIN, BEGIN + HOUR, 60, 3.5)], ZONE) == [
        ("10 May, 08:00 to 09:00", 60, "3.5")
    ]
    assert list_first_rows([First(1, BEGIN), First(2, BEGIN + 3 * HOUR)], ZONE) == [
        ("1", "10 May, 08:00", ""),
        ("2", "10 May, 11:00", "3 hours"),
    ]
    rows = list_reproduction_rows([window(0, 0.42, 0.31, 0.58, people=55)], ZONE)
    assert rows == [("10 May, 08:00 to 11 May, 08:00", "0.4", "0.3 to 0.6", 55)]
    way = Way(
        "channel", "wa", "", 40, 12, BEGIN, 20 * timedelta(minutes=1), None, Reproduction(0.5, 0.2, 0.9, 40)
    )
    bare = Way("link", "3", "The clinic", 6, 0, BEGIN, HOUR * 3, HOUR * 2, None)
    assert list_way_rows([way, bare], lambda way: way.label or way.key) == [
        ("wa", 40, "20 minutes", "–", "0.5"),
        ("The clinic", 6, "3 hours", "2 hours", "–"),
    ]
    plot = tell_reproduction_plot(make_timing([window(0, 0.4), window(24, 1.2), window(48, 0.6)]), ZONE)
    assert "11 May, 08:00 to 12 May, 08:00, with 1.2; last 0.6" in plot and "19 May, 08:00" in plot


@pytest.fixture(scope="module")
def macros():
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )  # fmt: skip
    return environment.get_template("macros/curves.html").module


@pytest.mark.parametrize("is_log", [False, True])
def test_the_markup_is_whole_and_within_its_box(macros, is_log):
    bursts = [Burst(END - HOUR, END, 60, 3)]
    firsts = [First(1, BEGIN), First(2, BEGIN + DAY)]
    curve = build(range(1, 400), is_log=is_log, bursts=bursts, firsts=firsts)
    chance = random.Random(1)
    windows = [window(24 * day, chance.random(), 0.1, 1.4) for day in range(8)]
    plot = build_reproduction_plot(make_timing(windows), ZONE)
    pictures = [macros.people_curve(curve, "a <label>"), macros.reproduction_plot(plot, "a <label>")]
    for picture in pictures:
        root = ElementTree.fromstring(picture)
        assert root.get("role") == "img" and root.get("aria-label") == "a <label>"
        assert len(picture) < 20_000
        edges = [float(at) for node in root.iter() for at in (node.get("x"), node.get("at")) if at]
        assert edges and 0 <= min(edges) and max(edges) <= WIDTH and "style" not in picture
        assert all(0 < float(node.get("y")) <= HEIGHT for node in root.iter("text"))
    assert "<title>" in pictures[0] and "rate-band" in pictures[1]


def test_the_scale_switch_is_a_link(macros):
    even, log = macros.scale_switch(False, "?a", "?b"), macros.scale_switch(True, "?a", "?b")
    assert 'href="?b"' in even and 'href="?a"' not in even
    assert 'href="?a"' in log and 'href="?b"' not in log


def test_legends_name_only_what_is_drawn(macros):
    bare = macros.curve_legend(build(shows_votes=False))
    assert "people" in bare and "votes" not in bare and "burst" not in bare and "generation" not in bare
    full = macros.curve_legend(build(bursts=[Burst(BEGIN, BEGIN + HOUR, 60, 3)], firsts=[First(1, BEGIN)]))
    assert all(word in full for word in ("votes", "burst", "generation"))
    early = macros.reproduction_legend(build_reproduction_plot(make_timing(), ZONE))
    assert "too early" in early and "19 times" not in early
