"""Everything that the page of a spread says and draws, as it is now or as it was when fewer people had come."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from quilt.arrivals.generations import Generations, Stretch, gather_generations, read_generations
from quilt.arrivals.heads import EntryHead
from quilt.arrivals.overview import list_points
from quilt.arrivals.queries import SpreadFigures, describe_spread, list_not_counted
from quilt.arrivals.similar import list_similar
from quilt.arrivals.timing import Timing, Way, find_timing, list_ways
from quilt.contests.models import Contest
from quilt.contests.rules import name_place, shows_counts
from quilt.database import database_key, db
from quilt.entries.models import Entry
from quilt.shares.funnel import FunnelRow, list_funnel
from quilt.spread.counting import DAILY_VISITOR
from quilt.spread.dial import Dial, build_dial
from quilt.spread.measures import measure
from quilt.standings.rules import LEAST_SHOWN
from quilt.votes.spreaders import list_open_names
from quilt.votes.touches import ChannelVotes, count_votes_by_channel
from quilt.web.blocks import build_gauge
from quilt.web.charts import Step, build_columns, list_rows
from quilt.web.clock import now
from quilt.web.curve_words import (
    BURST_RULE,
    list_burst_rows,
    list_first_rows,
    list_reproduction_rows,
    list_way_rows,
    name_span,
    tell_people_curve,
    tell_reproduction,
    tell_reproduction_plot,
)
from quilt.web.curves import build_people_curve, build_reproduction_plot
from quilt.web.drawing_cache import DrawingCache
from quilt.web.funnels import STEPS, Passage, build_funnel, gather, tell
from quilt.web.site.kept import this_minute
from quilt.web.site.spread_words import list_dial_rows, name_channel, name_leaning, name_reasons
from quilt.web.site.tree_facts import Spreader, TreeFacts, find_early, find_tree

MOST_GENERATIONS = 12  # rows that a table shows one by one; deeper ones are taken together
MOST_COLUMNS = 30  # that can be told apart; in a deeper tree each stands for several generations
MOST_REPLAYED = 200_000  # people: more are not read for a picture of earlier
FRAMES = 100  # of the replay of a large spread; a small one has a frame for everybody

QUIET = timedelta(minutes=10)  # without anybody new: then everything is counted, whenever that was
MOST_DAYS = 14  # of visits that were not counted

_touches: DrawingCache[list[ChannelVotes]] = DrawingCache(most=300)
_funnels: DrawingCache[list[FunnelRow]] = DrawingCache(most=300)


@dataclass(frozen=True, slots=True)
class Moment:
    """What is shown: the spread when so many people had come, the last of them at `at`; None is now."""

    people: int
    at: datetime | None


def list_frames(reach: int) -> tuple[int, int, int]:
    """The slider of the replay: from … people in steps of … to … people.

    It begins with five, or with as many more as whole steps up to its end leave.
    """
    most = min(reach, MOST_REPLAYED)
    step = max(1, (most - LEAST_SHOWN) // FRAMES)
    return LEAST_SHOWN + (most - LEAST_SHOWN) % step, step, most


def choose_frame(asked: str, head: EntryHead, reach: int) -> int | None:
    """The frame that is asked for by a number of people or a moment; None is now. Raises ValueError."""
    people = int(asked) if asked.isdecimal() and len(asked) < 12 else _count_until(asked, head.id)
    least, step, most = list_frames(reach)
    if people >= reach:
        return None
    people = max(least, min(people, most))
    return min(most, least + round((people - least) / step) * step)


def describe_now(head: EntryHead, is_log: bool = False) -> dict[str, Any]:
    """The page's variables for the spread as it is now."""
    figures = describe_spread(head.id)
    entry, contest = _read_entry(head)
    page = {"entry": entry, "contest": contest, "figures": figures, "least_shown": LEAST_SHOWN, "then": None}
    if figures.reach < LEAST_SHOWN or figures.folded_at is None:
        return page
    shows_votes = shows_counts(contest.phases, now()) and figures.votes >= LEAST_SHOWN
    generations = read_generations(head.id, figures.longest_chain, MOST_GENERATIONS, MOST_COLUMNS)
    tree = find_tree(head)
    dial = _describe_dial(head, figures)
    return {
        **page,
        **_describe_tree(tree, figures),
        **_describe_generations(generations, figures, shows_votes),
        **_describe_time(head, contest, figures.folded_at, shows_votes, is_log),
        **_describe_funnel(head, figures, shows_votes),
        **_describe_spreaders(tree.spreaders, shows_votes),
        "dial": dial,
        "gauge": build_gauge(dial),
        "dial_rows": list_dial_rows(dial, figures.structural_virality or 0.0, figures.longest_chain),
        "leaning": name_leaning(dial, figures.longest_chain),
        "frames": list_frames(figures.reach),
        "frame": figures.reach,
        "daily_visitor": DAILY_VISITOR,
        "is_quiet": now() - figures.folded_at > QUIET,
        **_describe_refused(head.id),
        "touch_rows": _describe_touches(head) if shows_votes else [],
    }


def describe_then(head: EntryHead, people: int) -> dict[str, Any]:
    """The page's variables for the spread when so many people had come; votes are those of today."""
    early = find_early(head, people)
    measures = measure(early.tree.parents)
    entry, contest = _read_entry(head)
    counted_to = early.tree.last_at or now()
    figures = SpreadFigures(
        measures.reach, measures.passed_on, measures.depth, measures.structural_virality, 0, 0, counted_to
    )
    generations = gather_generations(list(measures.breadth[1:]), MOST_GENERATIONS, MOST_COLUMNS)
    whole = describe_spread(head.id)
    zone = contest.time_zone
    return {
        "entry": entry,
        "contest": contest,
        "figures": figures,
        "least_shown": LEAST_SHOWN,
        "then": Moment(measures.reach, early.tree.last_at),
        **_describe_tree(early.facts, figures),
        **_describe_generations(generations, figures, shows_votes=False),
        **_name_time(counted_to, zone),
        "shows_votes": False,
        "frames": list_frames(whole.reach),
        "frame": people,
        "today": whole,
    }


def _read_entry(head: EntryHead) -> tuple[Entry, Contest]:
    return (
        db.session.get_one(Entry, head.id, populate_existing=True),
        db.session.get_one(Contest, head.contest_id, populate_existing=True),
    )


def _count_until(asked: str, entry_id: int) -> int:
    """How many people had come at a moment in ISO 8601, by the stored curve. Raises ValueError."""
    at = datetime.fromisoformat(asked)
    if at.tzinfo is None:
        raise ValueError("a moment without a zone")
    return max((point.people for point in list_points(entry_id) if point.at <= at), default=0)


def _describe_tree(tree: TreeFacts, figures: SpreadFigures) -> dict[str, Any]:
    words = f"The tree of {figures.reach:,} people in {figures.longest_chain:,} generations round the film."
    if tree.twigs:
        words += f" The largest branch has {tree.twigs[0].people:,} people."
    return {
        "tree": tree,
        "tree_label": f"{words} The branches below say the same in words.",
        "mark_rows": [
            (
                place,
                item.parent if place else "",
                item.generation,
                item.last_generation,
                item.kind.value,
                item.people,
                item.reach,
            )
            for place, item in enumerate(tree.items)
        ],
        "block_rows": [
            (
                block.row,
                block.generation,
                block.last_generation,
                block.kind.value,
                round(100 * block.start, 2),
                round(100 * (block.start + block.width), 2),
                block.people,
                block.reach,
            )
            for block in sorted(tree.blocks, key=lambda block: (block.row, block.start))
        ],
    }


def _describe_generations(
    generations: Generations, figures: SpreadFigures, shows_votes: bool
) -> dict[str, Any]:
    drawn = generations.stretches
    rows = [*generations.firsts, *_sum_up_rest(generations, figures)]
    return {
        "widest": generations.widest,
        "generation_rows": [
            (_name_stretch(row), row.people, tell(row.votes))[: 3 if shows_votes else 2] for row in rows
        ],
        "columns_chart": build_columns(
            [(_name_stretch(row), row.people) for row in drawn],
            [row.votes for row in drawn] if shows_votes else [],
        ),
        "per_column": generations.width,
    }


def _sum_up_rest(generations: Generations, figures: SpreadFigures) -> list[Stretch]:
    """The generations that the table does not show one by one, in one row."""
    shown = generations.firsts
    if figures.longest_chain <= len(shown):
        return []
    people = figures.reach - sum(row.people for row in shown)
    votes = sum(row.votes for row in generations.stretches) - sum(row.votes for row in shown)
    return [Stretch(len(shown) + 1, figures.longest_chain, people, votes)]


def _name_stretch(stretch: Stretch) -> str:
    return f"{stretch.first}" if stretch.first == stretch.last else f"{stretch.first} to {stretch.last}"


def _describe_time(
    head: EntryHead, contest: Contest, counted_to: datetime, shows_votes: bool, is_log: bool
) -> dict[str, Any]:
    """The curve of people and R over time. Times are counted in the background: at first there are none."""
    zone = contest.time_zone
    steps = [Step(point.at, point.people, point.votes) for point in list_points(head.id)]
    timing = find_timing(head.id, now())
    bursts, firsts = (timing.bursts, timing.firsts) if timing else ([], [])
    return {
        **_name_time(counted_to, zone),
        "shows_votes": shows_votes,
        "time_curve": build_people_curve(
            steps, counted_to, zone, shows_votes=shows_votes, is_log=is_log, bursts=bursts, firsts=firsts
        ),
        "curve_label": tell_people_curve(steps, timing, zone, shows_votes=shows_votes, is_log=is_log),
        "curve_rows": [
            (by, tell(people), tell(votes))[: 3 if shows_votes else 2]
            for by, people, votes in list_rows(steps, counted_to, zone)
        ],
        "burst_rows": list_burst_rows(bursts, zone),
        "burst_rule": BURST_RULE,
        "first_rows": list_first_rows(firsts, zone),
        "timing": timing,
        **(_describe_rate(timing, zone) if timing else {}),
        "way_rows": list_way_rows(list_ways(head.id, now()), _name_way),
    }


def _describe_rate(timing: Timing, zone: str) -> dict[str, Any]:
    return {
        "rate_words": tell_reproduction(timing),
        "rate_plot": build_reproduction_plot(timing, zone),
        "rate_label": tell_reproduction_plot(timing, zone),
        "rate_rows": list_reproduction_rows(timing.windows, zone),
        "half_life": name_span(timing.half_life),
        "interval": name_span(timing.interval) if timing.interval else "",
    }


def _name_way(way: Way) -> str:
    """A channel by its word, a named link by its kind alone: its label is the entrant's."""
    if way.kind == "channel":
        return name_channel(way.key)
    return "A link of the entrant’s own" if way.kind == "link" else f"Embedded: {way.label or 'another page'}"


def _name_time(counted_to: datetime, zone: str) -> dict[str, Any]:
    return {"clock": f"{counted_to.astimezone(ZoneInfo(zone)):%H:%M:%S}", "place": name_place(zone)}


def _describe_funnel(head: EntryHead, figures: SpreadFigures, shows_votes: bool) -> dict[str, Any]:
    version = (head.spread_version, this_minute())  # who presses share raises no version
    rows = _funnels.get((database_key(), head.id), version, lambda: list_funnel(head.id))
    steps = [place for place, name in enumerate(STEPS) if name != "voted" or shows_votes]
    ways: dict[str, Counter[int]] = {}
    for row in rows:
        counts = (row.arrived, row.voted, row.pressed, row.brought)
        ways.setdefault(name_channel(row.channel), Counter()).update(dict(enumerate(counts)))
    passages = gather([Passage(way, tuple(counts[place] for place in steps)) for way, counts in ways.items()])
    totals = [sum(passage.steps[turn] for passage in passages) for turn in range(len(steps))]
    return {
        "shared_percent": round(100 * figures.shared_votes / figures.votes) if figures.votes else 0,
        "funnel": build_funnel(passages),
        "funnel_steps": [STEPS[place] for place in steps],
        "funnel_headers": ("Way", *(STEPS[place].capitalize() for place in steps)),
        "funnel_totals": [tell(total) for total in totals],
        "funnel_rows": [(passage.way, *map(tell, passage.steps)) for passage in passages],
    }


def _describe_touches(head: EntryHead) -> list[tuple[str, ...]]:
    """Votes by the link their voters first came by, and by the one they voted by; small ways go together."""
    rows = _touches.get(
        (database_key(), head.id), head.spread_version, lambda: count_votes_by_channel(head.id)
    )
    ways: dict[str, Counter[int]] = {}
    for row in rows:
        ways.setdefault(name_channel(row.channel), Counter()).update({0: row.first, 1: row.last})
    passages = gather([Passage(way, (counts[0], counts[1])) for way, counts in ways.items()])
    return [(passage.way, *map(tell, passage.steps)) for passage in passages]


def _describe_refused(entry_id: int) -> dict[str, Any]:
    """What was not counted, by reason: over all days, and on each of the last (UTC)."""
    rows, sums = list_not_counted(entry_id), Counter[str]()
    for row in rows:
        sums[row.reason] += row.visits
    days = sorted({row.day for row in rows}, reverse=True)[:MOST_DAYS]
    return {
        "refused": name_reasons(sums),
        "refused_days": [
            (f"{day.day} {day:%B %Y}", words, visits)
            for day in days
            for words, visits in name_reasons({row.reason: row.visits for row in rows if row.day == day})
        ],
    }


def _describe_spreaders(spreaders: Sequence[Spreader], shows_votes: bool) -> dict[str, Any]:
    """The top spreaders by the generation they stand in, or by name where they have chosen so."""
    names = list_open_names([one.arrival_id for one in spreaders if one.arrival_id is not None])
    rows = [
        (
            names.get(one.arrival_id or 0, f"Someone in generation {one.generation:,}"),
            one.way,
            one.people,
            one.children,
            tell(one.votes),
        )
        for one in spreaders
    ]
    return {"spreader_rows": [row[: 5 if shows_votes else 4] for row in rows]}


def _describe_dial(head: EntryHead, figures: SpreadFigures) -> Dial:
    size = figures.reach + 1
    similar = [
        (spread.structural_virality, spread.depth) for spread in list_similar(head.id, head.contest_id, size)
    ]
    return build_dial(size, figures.structural_virality or 0.0, similar)
