"""Counting an entry's whole tree anew from its arrivals: for young or largely changed trees, and after exclusions."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import compress
from operator import or_
from typing import Any

from sqlalchemy import Connection

from quilt.arrivals.bulk import LEFT_OUT, PLAIN, Bulk, Links, StatOf
from quilt.arrivals.stored import Figures, replace_channels, replace_generations, write_spread
from quilt.spread.fold import Recounted, recount_nodes
from quilt.spread.measures import Measures
from quilt.spread.tree import ROOT, SpreadTree, build_tree_of


def store_recount(
    connection: Connection, bulk: Bulk, entry_id: int, spread: Mapping[str, Any], now: datetime
) -> Measures:
    """Count the tree of a locked entry anew, write what differs from what is stored, and return its figures.

    What waits in the inbox stays for the fold: people there are not counted, votes are those stored with
    each arrival.
    """
    links = bulk.read_links(entry_id)
    tree = build_tree_of(links.ids, links.parent_ids, links.excluded)
    stored = bulk.read_stats(entry_id)
    counted = recount_nodes(tree, {row[0]: row[3] for row in stored if row[3]})
    generations = counted.list_generations()
    _store_stats(bulk, entry_id, links, tree, counted, stored)
    replace_generations(connection, bulk, entry_id, generations)
    replace_channels(connection, entry_id, *_count_channels(links, tree, counted))
    figures = Figures(
        totals=counted.measures.totals,
        max_depth=counted.measures.depth,
        max_breadth=counted.measures.max_breadth,
        votes=sum(counted.votes),
        shared_votes=sum(change.votes for generation, change in generations.items() if generation >= 2),
    )
    write_spread(connection, entry_id, spread, figures, now)
    return counted.measures


def _store_stats(
    bulk: Bulk,
    entry_id: int,
    links: Links,
    tree: SpreadTree,
    counted: Recounted,
    stored: list[StatOf],
) -> None:
    """Write the arrivals' figures that differ from those stored, and those that are not stored yet."""
    right = [*_list_stats(tree, counted), *_list_left_out(links, tree, stored)]
    changed = {} if right == stored else _find_changes(right, stored)
    if bulk.count_stats(entry_id) < len(links.ids):
        known = bulk.list_stats(entry_id)
        absent = [node_id for node_id in links.ids if node_id not in known]
        bulk.add_stats(entry_id, [changed.pop(node_id, (node_id, *PLAIN)) for node_id in absent])
    bulk.change_stats(changed.values())


def _list_stats(tree: SpreadTree, counted: Recounted) -> list[StatOf]:
    """The figures of those in the tree that are not PLAIN, the oldest first."""
    has_more = [size > 1 for size in counted.sizes]
    if any(counted.votes):
        has_more = list(map(or_, has_more, map(bool, counted.votes_below)))
        has_more = list(map(or_, has_more, map(bool, counted.votes)))
    has_more[ROOT] = False
    columns = (tree.ids, counted.sizes, counted.children, counted.votes, counted.votes_below)
    return list(zip(*(compress(column, has_more) for column in columns), strict=True))


def _list_left_out(links: Links, tree: SpreadTree, stored: list[StatOf]) -> list[StatOf]:
    """Who is left out of the tree has nobody below, and keeps the own votes for the day of return."""
    if not links.excluded:
        return []
    own = {row[0]: row[3] for row in stored if row[3]}
    left_out = sorted(set(links.ids).difference(tree.ids))
    return [(node_id, LEFT_OUT, 0, own.get(node_id, 0), 0) for node_id in left_out]


def _find_changes(right: list[StatOf], stored: list[StatOf]) -> dict[int, StatOf]:
    """The figures to be written, by arrival: those that are not stored so, and what has become PLAIN."""
    kept = set(stored)
    changed = {row[0]: row for row in right if row not in kept}
    plain = {row[0] for row in stored}.difference(row[0] for row in right)
    return changed | {node_id: (node_id, *PLAIN) for node_id in plain}


def _count_channels(links: Links, tree: SpreadTree, counted: Recounted) -> tuple[Counter[str], Counter[str]]:
    channels: Iterable[str] = links.channels
    if links.excluded:
        of_arrival = dict(zip(links.ids, links.channels, strict=True))
        channels = [of_arrival[node_id] for node_id in tree.ids if node_id is not None]
    channels = ["", *channels]  # the entry's own, to stand beside the nodes
    votes = Counter[str]()
    for channel, amount in zip(
        compress(channels, counted.votes), compress(counted.votes, counted.votes), strict=True
    ):
        votes[channel] += amount
    people = Counter(channels)
    people[""] -= 1
    return +people, votes
