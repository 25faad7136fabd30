"""Counting an entry's whole tree anew from its arrivals: for young or largely changed trees, and after exclusions."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import compress, count
from typing import Any

from sqlalchemy import Connection

from quilt.arrivals.bulk import LEFT_OUT, PLAIN, Bulk, Links, Stat, StatOf
from quilt.arrivals.stored import Figures, replace_channels, replace_generations, write_spread
from quilt.spread.fold import Recounted, recount_nodes
from quilt.spread.measures import Measures
from quilt.spread.tree import SpreadTree, build_tree_of


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
    counted = recount_nodes(tree, {node_id: stat[2] for node_id, stat in stored.items() if stat[2]})
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
    stored: dict[int, Stat],
) -> None:
    """Write the arrivals' figures that differ; who is left out keeps the own votes alone."""
    changed = list(_list_changes(links, tree, counted, stored))
    if bulk.count_stats(entry_id) < len(links.ids):
        known = bulk.list_stats(entry_id)
        figures = {row[0]: row for row in changed}
        absent = [node_id for node_id in links.ids if node_id not in known]
        bulk.add_stats(entry_id, [figures.pop(node_id, (node_id, *PLAIN)) for node_id in absent])
        changed = list(figures.values())
    bulk.change_stats(changed)


def _list_changes(
    links: Links, tree: SpreadTree, counted: Recounted, stored: dict[int, Stat]
) -> Iterator[StatOf]:
    """The figures that are not those stored, by arrival. `stored` is used up."""
    columns = zip(tree.ids, counted.sizes, counted.votes, counted.votes_below, count(), strict=False)
    for node_id, size, own, below, node in columns:
        if node_id is not None and (size > 1 or own or below):
            stat = (size, counted.children[node], own, below)
            if stored.pop(node_id, PLAIN) != stat:
                yield node_id, *stat
    if links.excluded:
        for node_id in set(links.ids).difference(tree.ids):
            before = stored.pop(node_id, PLAIN)
            after = (LEFT_OUT, 0, before[2], 0)
            if before != after:
                yield node_id, *after
    yield from ((node_id, *PLAIN) for node_id in stored)


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
