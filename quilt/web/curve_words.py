"""The charts of time in words and as tables: what they say for who does not see them, and how to read them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from quilt.arrivals.timing import Burst, First, Timing, Way, Window
from quilt.spread.cohorts import LEAST_MATURED, Reproduction
from quilt.spread.timing import BURST_FACTOR, LEAST_BURST, MEMORY
from quilt.web.charts import Step

NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}
BURST_RULE = (
    f"A burst is a stretch of hours in each of which at least {LEAST_BURST} people came, and more than "
    f"{NUMBERS.get(BURST_FACTOR, BURST_FACTOR)} times as many as was usual: the median of the {MEMORY} hours before."
)
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def tell_people_curve(
    steps: Sequence[Step], timing: Timing | None, zone: str, *, shows_votes: bool, is_log: bool = False
) -> str:
    """The curve in words: how many by when, half-life, bursts, the deepest generation."""
    last = steps[-1]
    words = [f"People reached over time: {_people(last.first)} by {name_instant(last.at, zone)}"]
    if shows_votes:
        words[0] += f", with {last.second:,} {'vote' if last.second == 1 else 'votes'}"
    if timing is not None:
        words.append(f"Half of them had come {name_span(timing.half_life)} after the first")
        words += _tell_bursts(timing.bursts, zone)
        deepest = timing.firsts[-1] if timing.firsts else None
        if deepest is not None and deepest.generation > 1:
            words.append(
                f"Generation {deepest.generation:,} was first reached {name_instant(deepest.at, zone)}"
            )
    if is_log:
        words.append("The scale is logarithmic: each step up is ten times as many")
    return ". ".join(words) + ". The tables below say the same."


def tell_reproduction(timing: Timing) -> str:
    """R in one plain sentence with its interval, or why there is none yet; "a day" is the horizon."""
    estimate = timing.reproduction
    horizon = name_span(timing.horizon)
    if estimate is None:
        return (
            f"Too early to tell how many others each person brings: that takes {LEAST_MATURED} people "
            f"who came more than {horizon} ago."
        )
    value, low, high = name_estimate(estimate)
    return (
        f"Each person who came brought {value} further {'person' if value == '1' else 'people'} within {horizon} "
        f"(between {low} and {high}). {_judge(estimate)}"
    )


def tell_reproduction_plot(timing: Timing, zone: str) -> str:
    """The plot of R in words, for who does not see it."""
    words = ["How many others each person brought, by when they came"]
    if timing.windows:
        top = max(timing.windows, key=lambda window: window.reproduction.value)
        last = timing.windows[-1]
        words.append(
            f"Highest for those who came {name_stretch(top.begin, top.until, zone)}, with "
            f"{name_rate(top.reproduction.value)}; last {name_rate(last.reproduction.value)}"
        )
    words.append(f"For who came after {name_instant(timing.too_early_from, zone)} it is too early to tell")
    return ". ".join(words) + ". The table below says the same."


def list_reproduction_rows(windows: Iterable[Window], zone: str) -> list[tuple[str, str, str, int]]:
    """Rows for a table: who came when, R, its interval, of how many arrivals."""
    return [
        (
            name_stretch(window.begin, window.until, zone),
            value,
            f"{low} to {high}",
            window.reproduction.people,
        )
        for window in windows
        for value, low, high in [name_estimate(window.reproduction)]
    ]


def list_burst_rows(bursts: Iterable[Burst], zone: str) -> list[tuple[str, int, str]]:
    """Rows for a table: when, people, and how many an hour were usual just before."""
    return [
        (name_stretch(burst.begin, burst.until, zone), burst.people, f"{burst.usual:,g}") for burst in bursts
    ]


def list_first_rows(firsts: Sequence[First], zone: str) -> list[tuple[str, str, str]]:
    """Rows for a table: the generation, the hour in which it was first reached, how long after the first person.

    The hour, not the minute: the first of a generation may be one person alone.
    """
    return [
        (
            f"{first.generation:,}",
            name_instant(first.at.replace(minute=0, second=0, microsecond=0), zone),
            "" if turn == 0 else name_span(max(timedelta(0), first.at - firsts[0].at)),
        )
        for turn, first in enumerate(firsts)
    ]


def list_way_rows(
    ways: Iterable[Way], name_way: Callable[[Way], str]
) -> list[tuple[str, int, str, str, str]]:
    """Rows for a table: the way, people, half-life, median generation interval, R ("–" where unknown)."""
    return [
        (
            name_way(way),
            way.people,
            name_span(way.half_life),
            "–" if way.interval is None else name_span(way.interval),
            "–" if way.reproduction is None else name_rate(way.reproduction.value),
        )
        for way in ways
    ]


def name_estimate(estimate: Reproduction) -> tuple[str, str, str]:
    """R and its interval as people say them, with as many digits as tell the interval's ends apart (at most 3)."""
    rates = (estimate.value, estimate.low, estimate.high)
    words = tuple(map(name_rate, rates))
    for digits in (2, 3):
        if words[1] != words[2] or estimate.low == estimate.high:
            break
        words = tuple(f"{rate:,.{digits}f}" for rate in rates)
    value, low, high = words
    return value, low, high


def name_rate(rate: float) -> str:
    """A rate as people say it: 0.04, 0.4, 1.2, 15."""
    if 0 < rate < 0.095:
        return f"{rate:.2f}" if rate >= 0.005 else "less than 0.01"
    return f"{rate:.1f}".removesuffix(".0") if rate < 9.95 else f"{rate:,.0f}"


def name_span(span: timedelta) -> str:
    """A span of time in the unit that fits it, rounded."""
    if span < timedelta(seconds=90):
        return "a minute" if span >= timedelta(seconds=30) else "less than a minute"
    if span < 90 * _MINUTE:
        return f"{span / _MINUTE:.0f} minutes"
    if span == _DAY:
        return "a day"
    if span < 2 * _DAY:
        return f"{span / _HOUR:.0f} hours"
    return f"{span / _DAY:.1f}".removesuffix(".0") + " days"


def name_instant(at: datetime, zone: str) -> str:
    """An instant in the zone: 12 May, 14:05."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b}, {local:%H:%M}"


def name_stretch(begin: datetime, until: datetime, zone: str) -> str:
    """From when to when, the day named once where it is the same."""
    first, last = begin.astimezone(ZoneInfo(zone)), until.astimezone(ZoneInfo(zone))
    is_one_day = first.date() == (last - timedelta(microseconds=1)).date()
    end = f"{last:%H:%M}" if is_one_day else name_instant(last, zone)
    return f"{name_instant(first, zone)} to {'24:00' if end == '00:00' else end}"


def _tell_bursts(bursts: Sequence[Burst], zone: str) -> list[str]:
    if not bursts:
        return []
    top = max(bursts, key=lambda burst: burst.people)
    when = f"{name_stretch(top.begin, top.until, zone)} with {_people(top.people)}"
    return [f"One burst, {when}" if len(bursts) == 1 else f"{len(bursts)} bursts, the largest {when}"]


def _judge(estimate: Reproduction) -> str:
    """What R means, as far as its interval allows to say."""
    if estimate.low >= 1:
        return "So it grows by itself."
    if estimate.high < 1:
        return "So it lives on those who start it anew."
    return "Whether it grows by itself cannot be told for sure."


def _people(count: int) -> str:
    return f"{count:,} {'person' if count == 1 else 'people'}"
