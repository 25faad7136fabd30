"""The pictures of a spread on their own: SVG that carries its colours, PNG, and their numbers as CSV.

A picture in a letter or a report has no style sheet, so every class becomes attributes of its element. Colours
are those of the day; the ground is drawn too.
"""

import csv
import io
import re
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import render_template

from quilt.config import ROOT

WIDTH = 1000
HEAD = 104  # above the picture, for its title
LEGEND_LINE = 30
FOOT = 40
PNG_WIDTH = 1600
PATIENCE = 20  # seconds that a picture in pixels may take
_drawing = threading.Lock()
LONGEST_TITLE = 64

INK, MUTED, LINE, CLOTH = "#2b2420", "#655a50", "#d8cab3", "#fffcf5"
BLUE, RED, GREEN, OCHRE, PLUM = "#27406b", "#a23b2a", "#4d7053", "#a8741a", "#6b3a5b"
THREAD, THREAD_SOFT, EDGE, TRACK = "#a23b2a", "#cfa28f", "#8d7d69", "#e8decb"
SANS = "Source Sans 3, Source Sans Pro, Segoe UI, Arial, sans-serif"

# What the style sheet says of each class, as attributes. Later classes of an element win over earlier ones.
LOOKS: dict[str, dict[str, str]] = {
    "tree": {},
    "tree-ring": {"fill": "none", "stroke": LINE, "stroke-dasharray": "5 4", "stroke-width": "1.4"},
    "tree-ring-faint": {"stroke-opacity": "0.4"},
    "tree-fan": {"fill": THREAD_SOFT, "fill-opacity": "0.26"},
    "tree-link": {"fill": "none", "stroke": THREAD_SOFT, "stroke-width": "1.2", "stroke-opacity": "0.8"},
    "tree-run": {"stroke-dasharray": "4 4", "stroke-width": "2"},
    "tree-people": {"fill": "none", "stroke-linecap": "round"},
    "tree-people-lone": {"stroke": BLUE},
    "tree-people-person": {"stroke": RED},
    "tree-node": {"stroke": CLOTH, "stroke-width": "0.75"},
    "tree-node-person": {"fill": RED},
    "tree-node-run": {"fill": GREEN},
    "tree-node-more": {"fill": OCHRE},
    "tree-count": {"fill": CLOTH, "font-weight": "600", "text-anchor": "middle"},
    "tree-label": {
        "fill": MUTED, "font-size": "19", "text-anchor": "middle", "paint-order": "stroke", "stroke": CLOTH,
        "stroke-width": "5", "stroke-linejoin": "round",
    },
    "tree-seed": {},
    "tree-hem": {"fill": "none", "stroke": THREAD, "stroke-width": "3"},
    "stitched-plot": {},
    "wall": {},
    "dial": {},
    "funnel": {},
    "brick": {"stroke": CLOTH, "stroke-width": "0.5"},
    "brick-entry": {"fill": MUTED},
    "brick-lone": {"fill": BLUE},
    "brick-person": {"fill": RED},
    "brick-run": {"fill": GREEN},
    "brick-more": {"fill": OCHRE},
    "brick-word": {"fill": CLOTH, "font-size": "14", "font-weight": "600", "text-anchor": "middle"},
    "dial-line": {"fill": "none", "stroke": EDGE, "stroke-width": "2"},
    "dial-end": {"fill": "none", "stroke": EDGE, "stroke-width": "2"},
    "dial-typical": {"fill": OCHRE, "fill-opacity": "0.45"},
    "dial-hand": {"fill": RED},
    "plot-word": {"fill": MUTED, "font-size": "14", "text-anchor": "middle"},
    "plot-word-end": {"text-anchor": "end"},
    "plot-word-start": {"text-anchor": "start"},
    "plot-number": {"fill": INK},
    "plot-count": {"fill": INK},
    "plot-name": {"fill": INK, "font-weight": "600"},
    "plot-grid": {"stroke": LINE, "stroke-width": "1"},
    "plot-axis": {"stroke": EDGE, "stroke-width": "1"},
    "plot-area": {"fill": BLUE, "opacity": "0.13"},
    "plot-line": {"fill": "none", "stroke": BLUE, "stroke-width": "2.5", "stroke-linejoin": "round"},
    "plot-line-2": {"stroke": RED},
    "time-plot": {},
    "curve-word": {"fill": INK, "font-weight": "600"},
    "curve-burst": {"fill": OCHRE, "fill-opacity": "0.32"},
    "curve-first": {"fill": "none", "stroke": GREEN, "stroke-width": "2"},
    "rate-band": {"fill": BLUE, "fill-opacity": "0.2"},
    "rate-one": {"fill": "none", "stroke": RED, "stroke-width": "1.75", "stroke-dasharray": "6 4"},
    "rate-early": {"fill": EDGE, "fill-opacity": "0.2"},
    "mark-1": {"fill": BLUE},
    "mark-2": {"fill": RED},
    "mark-3": {"fill": GREEN},
    "mark-4": {"fill": OCHRE},
    "patch": {}, "fabric-": {}, "ground": {}, "figure": {}, "accent": {},  # a patch carries its own dyes
    "alone-title": {"fill": INK, "font-size": "30", "font-weight": "600"},
    "alone-note": {"fill": MUTED, "font-size": "19"},
    "alone-ground": {"fill": CLOTH},
}  # fmt: skip

_CLASSED = re.compile(r'<([a-z]+)((?:\s[^<>]*?)?)\sclass="([^"]*)"([^<>]*?)(/?)>')
_ATTRIBUTE = re.compile(r'\s([a-z-]+)="')


@dataclass(frozen=True, slots=True)
class Download:
    """A picture to take away: `size` is that of its own box, `legend` (class, words), and its numbers."""

    picture: str
    title: str
    size: tuple[float, float]
    legend: tuple[tuple[str, str], ...]
    headers: tuple[str, ...]
    rows: Sequence[Sequence[object]]

    @property
    def height(self) -> int:
        """Of the picture when it is as wide as the page."""
        return round(WIDTH * self.size[1] / self.size[0])


MARKS = (
    "Mark",
    "Below mark",
    "First generation",
    "Last generation",
    "Kind",
    "People",
    "With everybody below",
)
BLOCKS = (
    "Row",
    "First generation",
    "Last generation",
    "Kind",
    "From %",
    "To %",
    "People",
    "With everybody below",
)
KINDS = {
    "lone": ("brick-lone", "people who brought nobody"),
    "person": ("brick-person", "passed it on: the larger, the more people came through them"),
    "run": ("brick-run", "a chain: people who each brought one other"),
    "more": ("brick-more", "several people drawn as one"),
}


def list_downloads(page: Mapping[str, Any]) -> dict[str, Download]:
    """The pictures that this page of a spread has, by name."""
    votes = ("Votes",) if page["shows_votes"] else ()
    colours = (("mark-1", "people"), ("mark-2", "votes"))[: 2 if votes else 1]
    tree, wall = page["tree"].desk, page["tree"].wall
    found = [
        Download("tree", "The tree", (1000, 1000), _name(tree.kinds), MARKS, page["mark_rows"]),
        Download("icicle", "Generation by generation", (640, wall.height), _name(wall.kinds), BLOCKS, page["block_rows"]),
        Download("generations", "Generations", (640, 250), colours, ("Generation", "People", *votes), page["generation_rows"]),
    ]  # fmt: skip
    if page["then"] is None:
        found += _list_present(page, votes, colours)
    return {download.picture: download for download in found}


def write_svg(download: Download, page: Mapping[str, Any]) -> str:
    """The picture below its title, above its legend, with attributes instead of classes."""
    height = HEAD + download.height + LEGEND_LINE * len(download.legend) + FOOT
    title = page["entry"].title
    return dress(
        render_template(
            "site/spread_picture.svg",
            **page,
            download=download,
            width=WIDTH,
            height=height,
            head=HEAD,
            line=LEGEND_LINE,
            sans=SANS,
            title=title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1].rstrip()}…",
        )
    )


def write_png(svg: str) -> bytes:
    """The picture in pixels; drawn in a process of its own, one at a time, so that nobody else waits for it."""
    with _drawing:
        command = [sys.executable, "-m", "quilt.web.pixels", str(PNG_WIDTH)]
        return subprocess.run(
            command, input=svg.encode(), capture_output=True, check=True, timeout=PATIENCE, cwd=ROOT
        ).stdout


def write_csv(download: Download) -> str:
    """The numbers of the picture, a header first."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(download.headers)
    writer.writerows(download.rows)
    return text.getvalue()


def dress(svg: str) -> str:
    """The same drawing with what the style sheet says as attributes. Raises KeyError for an unknown class."""
    return _CLASSED.sub(_dress_element, svg)


def _dress_element(match: re.Match[str]) -> str:
    name, before, classes, after, end = match.groups()
    own = set(_ATTRIBUTE.findall(before + after))
    looks: dict[str, str] = {}
    for word in classes.split():
        looks.update(LOOKS["fabric-" if word.startswith("fabric-") else word])
    added = "".join(f' {key}="{value}"' for key, value in looks.items() if key not in own)
    return f"<{name}{before}{added}{after}{end}>"


def _list_present(
    page: Mapping[str, Any], votes: tuple[str, ...], colours: tuple[tuple[str, str], ...]
) -> list[Download]:
    """Those that only the spread of today has."""
    hints: tuple[tuple[str, str], ...] = (("brick-person", "this film"),)
    if page["dial"].typical:
        hints = (*hints, ("dial-typical", "where the upper half of the spreads of similar size lies"))
    steps = page["funnel_steps"]
    legend = tuple((f"mark-{place}", words) for place, words in enumerate(steps, 1))
    funnel = page["funnel"]
    curve_hints = (*colours, ("curve-burst", "a burst")) if page["time_curve"].bursts else colours
    return [
        Download("curve", "Over time", (640, 276), curve_hints, ("By", "People", *votes), page["curve_rows"]),
        *_list_rate(page),
        Download("dial", "From broadcast to chain", (640, 150), hints, ("Figure", "Value"), page["dial_rows"]),
        Download(
            "funnel", "What became of them", (640, max(funnel.height, 1)), legend, page["funnel_headers"],
            page["funnel_rows"],
        ),
    ]  # fmt: skip


def _list_rate(page: Mapping[str, Any]) -> list[Download]:
    if page["timing"] is None:
        return []
    hints = (
        ("mark-1", "people that each one brought"),
        ("rate-band", "where the true number lies, 19 times of 20"),
        ("rate-early", "too early to tell"),
    )
    headers = ("Who came", "Each brought", "Between", "People")
    return [Download("rate", "How many each one brought", (640, 240), hints, headers, page["rate_rows"])]


def _name(kinds: frozenset[str]) -> tuple[tuple[str, str], ...]:
    return tuple(legend for kind, legend in KINDS.items() if kind in kinds)
