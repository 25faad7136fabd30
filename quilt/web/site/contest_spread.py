"""How far the stories of a contest have travelled, side by side: a table, a picture, channels, hours."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, abort, render_template, request

from quilt.arrivals.contests import (
    EntryFigures,
    list_contest_channels,
    list_contest_hours,
    list_entry_figures,
)
from quilt.contests.rules import name_place
from quilt.entries.queries import EntryCard
from quilt.standings.rules import LEAST_SHOWN
from quilt.web.charts import build_columns
from quilt.web.scatter import Spot, build_scatter, measure_ring
from quilt.web.site import site
from quilt.web.site.galleries import Gallery, get_gallery_or_404
from quilt.web.site.kept import answer_kept, this_minute
from quilt.web.site.spread_words import name_channel

PAGE_SIZE = 100
MOST_MARKS = 400  # of the picture: those of the stories that reached the most
NUMBERED = 5  # of the first lines, whose marks carry their number
HALF_AN_HOUR = timedelta(minutes=30)
OTHER_WAYS = "Other ways"
RINGS = (1, 4, 16)  # of the legend


@dataclass(frozen=True, slots=True)
class Line:
    """One story of the table; `figures` is None where fewer than five people have come."""

    url: str
    title: str
    cause: str
    figures: EntryFigures | None

    @property
    def shared_percent(self) -> int:
        """How many of a hundred people another viewer brought."""
        return round(100 * self.figures.shared / self.figures.reach) if self.figures else 0


# What the table can be sorted by: the words of its column, and what counts; the largest first.
SORTS: dict[str, tuple[str, Callable[[Line, EntryFigures], float]]] = {
    "reach": ("People", lambda _line, figures: figures.reach),
    "passed": ("Passed it on", lambda _line, figures: figures.passed_on),
    "shared": ("Brought by viewers", lambda line, _figures: line.shared_percent),
    "chain": ("Longest chain", lambda _line, figures: figures.longest_chain),
    "virality": ("Structural virality", lambda _line, figures: figures.structural_virality or 0.0),
}


@site.get("/contests/<slug>/spread")
def show_contest_spread(slug: str) -> Response:
    """Every story's spread beside the others', from stored figures; built anew once a minute."""
    gallery = get_gallery_or_404(slug)
    sort, page = request.args.get("sort", "reach"), request.args.get("page", "1")
    if sort not in SORTS or not (page.isascii() and page.isdigit() and len(page) < 9):
        abort(422, "There is no such order. The heads of the table have those there are.")
    page_count = max(1, -(-len(gallery.cards) // PAGE_SIZE))
    if not 1 <= int(page) <= page_count:
        abort(404, "There are no more stories. The first page has those there are.")
    return answer_kept(
        (gallery.contest.id, "spread", sort, int(page)),
        (gallery.head_serial, page_count, this_minute()),
        lambda: _render(gallery, sort, int(page), page_count),
    )


def _render(gallery: Gallery, sort: str, page: int, page_count: int) -> str:
    figures = {each.entry_id: each for each in list_entry_figures(gallery.contest.id)}
    lines = _sort((_make_line(card, figures.get(card.id)) for card in gallery.cards.values()), sort)
    shown = [line for line in lines if line.figures]
    start = (page - 1) * PAGE_SIZE
    return render_template(
        "site/contest_spread.html",
        contest=gallery.contest,
        place=name_place(gallery.contest.time_zone),
        sort=sort,
        sorts=[(name, words) for name, (words, _) in SORTS.items()],
        lines=lines[start : start + PAGE_SIZE],
        first_number=start + 1,
        page=page,
        page_count=page_count,
        has_figures=bool(shown),
        **(_describe(gallery, shown) if shown else {}),
    )


def _describe(gallery: Gallery, shown: list[Line]) -> dict[str, Any]:
    """What stands round the table once a story has reached five people."""
    figures = [line.figures for line in shown if line.figures]
    hours = _count_hours(gallery)
    return {
        "reach": sum(each.reach for each in figures),
        "shared": sum(each.shared for each in figures),
        "longest": max(shown, key=lambda line: line.figures.longest_chain if line.figures else 0),
        "most_viral": max(shown, key=lambda line: line.figures.structural_virality or 0 if line.figures else 0),
        "scatter": build_scatter([_make_spot(number, line) for number, line in enumerate(shown[:MOST_MARKS], 1)]),
        "rings": [(measure_ring(count), count) for count in RINGS],
        "is_cut": len(shown) > MOST_MARKS,
        "channels": _list_channels(gallery),
        "hours": hours,
        "hours_chart": build_columns([(f"{hour}", people) for hour, people in enumerate(hours)]),
        "hour_rows": [(_name_hour(hour), people) for hour, people in enumerate(hours) if people],
        "best": _find_best(hours),
    }  # fmt: skip


def _make_line(card: EntryCard, figures: EntryFigures | None) -> Line:
    is_shown = figures is not None and figures.reach >= LEAST_SHOWN
    return Line(
        f"/entries/{card.id}-{card.slug}", card.title, card.cause, figures if is_shown else None
    )  # fmt: skip


def _sort(lines: Iterable[Line], sort: str) -> list[Line]:
    """The largest first, those without figures last; among equals the one that reached more, then the title."""
    amount = SORTS[sort][1]

    def key(line: Line) -> tuple[bool, float, int, str]:
        if line.figures is None:
            return True, 0.0, 0, line.title.casefold()
        return False, -amount(line, line.figures), -line.figures.reach, line.title.casefold()

    return sorted(lines, key=key)


def _make_spot(number: int, line: Line) -> Spot:
    figures = line.figures
    if figures is None:
        raise ValueError("A story without figures has no mark.")
    virality = figures.structural_virality or 0.0
    return Spot(
        figures.reach, virality, figures.longest_chain, f"{number}" if number <= NUMBERED else "",
        f"{line.title}: {figures.reach:,} people, {virality:.2f}, longest chain {figures.longest_chain:,}",
    )  # fmt: skip


def _list_channels(gallery: Gallery) -> list[tuple[str, int]]:
    """Channels in words, the largest first; those below five people together, where they are five."""
    people = Counter[str]()
    for channel in list_contest_channels(gallery.contest.id):
        people[name_channel(channel.tag)] += channel.people
    rows = [(name, count) for name, count in people.most_common() if count >= LEAST_SHOWN]
    rest = people.total() - sum(count for _, count in rows)
    return [*rows, (OTHER_WAYS, rest)] if rest >= LEAST_SHOWN else rows


def _count_hours(gallery: Gallery) -> list[int]:
    """How many people came in each hour of the day by the contest's clock; fewer than five are not told.

    Where that clock differs from UTC by half hours, a stored hour counts for the one that its middle lies in.
    """
    zone = ZoneInfo(gallery.contest.time_zone)
    people = [0] * 24
    for begin, count in list_contest_hours(gallery.contest.id):
        people[(begin + HALF_AN_HOUR).astimezone(zone).hour] += count
    return [count if count >= LEAST_SHOWN else 0 for count in people]


def _find_best(hours: list[int]) -> str:
    """The hour in which the most people came, where one stands out."""
    most = max(hours)
    return _name_hour(hours.index(most)) if most and hours.count(most) == 1 else ""


def _name_hour(hour: int) -> str:
    return f"{hour}:00 to {(hour + 1) % 24}:00"
