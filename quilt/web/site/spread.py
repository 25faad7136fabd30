"""How far an entry has travelled: the sentence, the tree, generations, channels, the curve, and what is not counted."""

from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, render_template

from quilt.arrivals.heads import EntryHead
from quilt.arrivals.overview import (
    Generation,
    count_refused,
    list_channels,
    list_generations,
    list_points,
)
from quilt.arrivals.queries import SpreadFigures, describe_spread
from quilt.contests.models import Contest
from quilt.contests.rules import name_place, shows_counts
from quilt.database import db
from quilt.entries.models import Entry
from quilt.web.charts import Step, build_columns, build_curve, list_rows
from quilt.web.clock import now
from quilt.web.lookups import get_head_or_404, phase_mark
from quilt.web.site import site
from quilt.web.site.entries import LEAST_SHOWN
from quilt.web.site.kept import answer_kept, this_minute
from quilt.web.site.spread_words import name_channels, name_reasons
from quilt.web.site.tree_facts import TreeFacts, find_tree

FRESH_MINUTES = 5  # visits that were no people's raise no version, so the page is built anew this often
MOST_GENERATIONS = 12  # rows that a table shows one by one; deeper ones are taken together
MOST_COLUMNS = 30  # that can be told apart; in a deeper tree each stands for several generations


@site.get("/entries/<int:entry_id>/spread")
def show_spread(entry_id: int) -> Response:
    """The page of an entry's spread; below five people a kind sentence."""
    head = get_head_or_404(entry_id)
    version = (
        head.version, head.spread_version, head.contest_version, phase_mark(head, now()),
        this_minute() // FRESH_MINUTES,
    )  # fmt: skip
    return answer_kept(("spread", entry_id), version, lambda: _render(head))


def _render(head: EntryHead) -> str:
    entry = db.session.get_one(Entry, head.id, populate_existing=True)
    contest = db.session.get_one(Contest, head.contest_id, populate_existing=True)
    figures = describe_spread(head.id)
    page = {"entry": entry, "contest": contest, "figures": figures, "least_shown": LEAST_SHOWN}
    if figures.reach < LEAST_SHOWN or figures.folded_at is None:
        return render_template("site/spread_young.html", **page)
    return render_template("site/spread.html", **page, **_describe(head, contest, figures))


def _describe(head: EntryHead, contest: Contest, figures: SpreadFigures) -> dict[str, Any]:
    """What the page shows of a spread; without votes where the contest does not show them yet."""
    zone, counted_to = contest.time_zone, figures.folded_at or now()
    shows_votes = shows_counts(contest.phases, now()) and figures.votes >= LEAST_SHOWN
    generations = [row for row in list_generations(head.id) if row.number and (row.people or row.votes)]
    steps = [Step(point.at, point.people, point.votes) for point in list_points(head.id)]
    channels = name_channels(list_channels(head.id))
    per_column = -(-len(generations) // MOST_COLUMNS)
    drawn = [_sum_up(generations[at : at + per_column]) for at in range(0, len(generations), per_column)]
    tree = find_tree(head)
    width = 3 if shows_votes else 2
    return {
        "shows_votes": shows_votes,
        "shared_percent": round(100 * figures.shared_votes / figures.votes) if figures.votes else 0,
        "clock": f"{counted_to.astimezone(ZoneInfo(zone)):%H:%M:%S}",
        "place": name_place(zone),
        "tree": tree,
        "tree_label": _tell_tree(figures, tree),
        "branch_rows": [
            (branch.channel, branch.people, branch.generations, branch.votes)[: width + 1]
            for branch in tree.branches
        ],
        "brought": [(words, people, 0) for words, people in tree.brought],
        "widest": _find_widest(generations),
        "generations": generations,
        "generation_rows": [row[:width] for row in _gather(generations)],
        "columns_chart": build_columns(
            [(words, people) for words, people, _ in drawn],
            [votes for _, _, votes in drawn] if shows_votes else [],
        ),
        "per_column": per_column,
        "channels": channels,
        "channel_rows": [row[:width] for row in channels],
        "curve_chart": build_curve(steps, counted_to, zone, shows_votes),
        "curve_rows": [row[:width] for row in list_rows(steps, counted_to, zone)],
        "refused": name_reasons(count_refused(head.id)),
    }


def _tell_tree(figures: SpreadFigures, tree: TreeFacts) -> str:
    """The picture in words, for who does not see it."""
    words = f"The tree of {figures.reach:,} people in {figures.longest_chain:,} generations round the film."
    if tree.branches:
        words += f" The largest branch has {tree.branches[0].people:,} people."
    return f"{words} The tables below say the same."


def _gather(generations: list[Generation]) -> list[tuple[str, int, int]]:
    """Rows for the table: the first generations one by one, the deeper ones of a long chain together."""
    rest = generations[MOST_GENERATIONS:]
    if len(rest) < 2:
        return [_sum_up([row]) for row in generations]
    return [*(_sum_up([row]) for row in generations[:MOST_GENERATIONS]), _sum_up(rest)]


def _sum_up(generations: list[Generation]) -> tuple[str, int, int]:
    first, last = generations[0].number, generations[-1].number
    words = f"{first}" if first == last else f"{first} to {last}"
    return words, sum(row.people for row in generations), sum(row.votes for row in generations)


def _find_widest(generations: list[Generation]) -> Generation | None:
    """The generation that has more people than any other, where there is one."""
    most = max(row.people for row in generations)
    widest = [row for row in generations if row.people == most]
    return widest[0] if len(widest) == 1 < len(generations) else None
