"""Counting an entry's whole tree anew from its arrivals: for young or largely changed trees, and after exclusions."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import compress, islice
from operator import ne, or_
from typing import Any

from sqlalchemy import Connection

from quilt.arrivals.bulk import LEFT_OUT, PLAIN, Bulk, Links, StatOf, Stats, in_order
from quilt.arrivals.stored import (
    ChannelFigures,
    Figures,
    gather_channels,
    replace_channels,
    replace_generations,
    write_spread,
)
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
    # A parent that comes too late is found where the generations are counted.
    tree = build_tree_of(links.ids, links.parent_ids, links.excluded, is_checked_later=True)
    stored = bulk.read_stats(entry_id)
    own: dict[int | None, int] = dict(
        zip(compress(stored.ids, stored.own), compress(stored.own, stored.own), strict=True)
    )
    counted = recount_nodes(tree, own)
    generations = counted.list_generations()
    right = _list_stats(links, tree, counted, own)
    if right != stored:
        bulk.put_stats(entry_id, _find_changes(right, stored))
    replace_generations(connection, bulk, entry_id, generations)
    replace_channels(connection, bulk, entry_id, _count_channels(links, tree, counted))
    figures = Figures(
        totals=counted.measures.totals,
        max_depth=counted.measures.depth,
        max_breadth=counted.measures.max_breadth,
        votes=sum(counted.votes),
        shared_votes=sum(change.votes for generation, change in generations.items() if generation >= 2),
    )
    write_spread(connection, entry_id, spread, figures, now)
    return counted.measures


def _list_stats(links: Links, tree: SpreadTree, counted: Recounted, own: Mapping[int | None, int]) -> Stats:
    """The right figures that are not PLAIN, the oldest first.

    Who is left out of the tree has nobody below, and keeps the own votes for the day of return.
    """
    is_told: Sequence[int] = counted.children
    if own:
        is_told = list(map(or_, is_told, map(or_, counted.votes, counted.votes_below)))
    columns = [
        list(compress(islice(column, 1, None), islice(is_told, 1, None)))
        for column in (tree.ids, counted.sizes, counted.children, counted.votes, counted.votes_below)
    ]
    if links.excluded:
        left_out = set(links.ids).difference(tree.ids)
        nothing = [0] * len(left_out)
        rest = (
            left_out,
            [LEFT_OUT] * len(left_out),
            nothing,
            [own.get(node, 0) for node in left_out],
            nothing,
        )
        columns = in_order([[*column, *more] for column, more in zip(columns, rest, strict=True)])
    return Stats(*columns)  # type: ignore[arg-type]


def _find_changes(right: Stats, stored: Stats) -> list[StatOf]:
    """The figures to be written, the oldest first: those that are not stored so, and what has become PLAIN."""
    fresh, plain = set(right.ids).difference(stored.ids), set(stored.ids).difference(right.ids)
    changed: list[StatOf] = [(node_id, *PLAIN) for node_id in plain]
    if fresh:
        changed += compress(zip(*right, strict=True), map(fresh.__contains__, right.ids))
    ours, theirs = _leave_out(right, fresh), _leave_out(stored, plain)
    differs = [False] * len(ours.ids)
    for our_column, their_column in zip(ours, theirs, strict=True):
        if our_column != their_column:
            differs = list(map(or_, differs, map(ne, our_column, their_column)))
    changed += compress(zip(*ours, strict=True), differs)
    changed.sort()
    return changed


def _leave_out(stats: Stats, ids: Collection[int]) -> Stats:
    """The figures of all but these."""
    if not ids:
        return stats
    stays = [node_id not in ids for node_id in stats.ids]
    return Stats(*(list(compress(column, stays)) for column in stats))


def _count_channels(links: Links, tree: SpreadTree, counted: Recounted) -> dict[str, ChannelFigures]:
    channels = links.channels
    if links.excluded:
        of_arrival = dict(zip(links.ids, links.channels, strict=True))
        channels = [of_arrival[node_id] for node_id in tree.ids if node_id is not None]
    votes, voters = Counter[str](), Counter[str]()
    if any(counted.votes):
        own = counted.votes[1:]
        voters.update(compress(channels, own))
        for channel, amount in zip(compress(channels, own), compress(own, own), strict=True):
            votes[channel] += amount
    brought = Counter(compress(channels, islice(counted.children, 1, None)))
    return gather_channels(Counter(channels), votes, voters, brought)
