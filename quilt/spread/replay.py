"""Replaying recorded cascades through the fold, to hold its figures against a reference.

A file has one JSON object a line, plain or gzipped: `{"id": ..., "edges": [[parent, child, seconds], ...]}`.
The edges are in the order of the events, node 0 is the entry and a parent's number is below its child's;
`seconds` may be null. A parent of -1 marks the seeds of a forest: then node 0 is an arrival like the
others, and the entry is one more node above the seeds.
"""

import csv
import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from quilt.spread.fold import NewNode, NodeStat, fold
from quilt.spread.measures import EMPTY, Cascades, Measures

COLUMNS = ("id", "size", "depth", "max_breadth", "mean_depth", "wiener_index", "structural_virality")
FOREST_COLUMNS = (
    "id", "nodes", "seeds", "largest_tree", "depth_from_seed", "max_breadth", "breadth_from_seed", "W_within",
    "nu_within", "W_entry", "nu_entry", "R_overall",
)  # fmt: skip
GZIP_MAGIC = b"\x1f\x8b"


class BrokenReplay(ValueError):
    """A line of the file is not a tree; the message names the line and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class ReplayTree:
    """One recorded cascade: its arrivals in the order they came, and when (seconds, or None)."""

    id: str
    arrivals: tuple[NewNode, ...]
    seconds: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Forest:
    """The figures of the trees below an entry: with it as one more node above them (`measures`), and without."""

    measures: Measures
    cascades: Cascades


def read_trees(path: Path) -> Iterator[ReplayTree]:
    """Yield the trees of a file one by one, never holding more than one. Empty lines are skipped.

    Raises BrokenReplay for a line that is no tree or a file that cannot be unpacked, and OSError when the
    file cannot be read.
    """
    with _open_text(path) as lines:
        for number, line in enumerate(_read_lines(lines, path), 1):
            if line.strip():
                yield _parse_line(line, f"{path.name}, line {number}")


def replay_tree(arrivals: Sequence[NewNode], batch: int) -> Measures:
    """Return the figures of a tree after folding its arrivals in batches of `batch`, in their order."""
    return _fold_all(arrivals, batch)[0]


def replay_forest(arrivals: Sequence[NewNode], batch: int) -> Forest:
    """Return the figures of a forest after folding its arrivals in batches of `batch`, in their order."""
    measures, stored = _fold_all(arrivals, batch)
    return sum_up_forest(
        measures,
        ((node_id, stored[node_id].parent_id, stored[node_id].subtree_size) for node_id in sorted(stored)),
    )


def sum_up_forest(measures: Measures, stored: Iterable[tuple[int, int | None, int]]) -> Forest:
    """Return the figures of a forest from what the folds stored.

    `stored` gives each arrival's id, its parent's (None for a seed) and the size of its subtree, parents
    before their children. Within a seed's tree of n(t) people, the edge above a node lies on the way of
    s(v)·(n(t) − s(v)) pairs; see `measures` for the rest.
    """
    totals: dict[int, int] = {}
    seed_sizes = []
    wiener = 0
    for node_id, parent_id, size in stored:
        if parent_id is None:
            seed_sizes.append(size)
        totals[node_id] = total = size if parent_id is None else totals[parent_id]
        wiener += size * (total - size)
    pairs = sum(size * (size - 1) // 2 for size in seed_sizes)
    cascades = Cascades(
        seeds=len(seed_sizes),
        largest=max(seed_sizes, default=0),
        wiener_index=wiener,
        structural_virality=wiener / pairs if pairs else None,
        reproduction=(len(totals) - len(seed_sizes)) / len(totals) if totals else 0.0,
    )
    return Forest(measures, cascades)


def write_rows(out: TextIO, rows: Iterable[tuple[str, Measures]]) -> int:
    """Write a heading and one CSV row a tree; return how many trees there were.

    Floats have 9 decimals, the Wiener index all its digits; the structural virality of a lone entry is
    left empty.
    """
    return _write(out, COLUMNS, (_list_cells(tree_id, measures) for tree_id, measures in rows))


def write_forest_rows(out: TextIO, rows: Iterable[tuple[str, Forest]]) -> int:
    """Write a heading and one CSV row a forest, as `write_rows` does; return how many forests there were."""
    return _write(out, FOREST_COLUMNS, (_list_forest_cells(forest_id, forest) for forest_id, forest in rows))


def _write(out: TextIO, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    writer = csv.writer(out)
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    return count


def _open_text(path: Path) -> TextIO:
    with path.open("rb") as raw:
        is_gzip = raw.read(2) == GZIP_MAGIC
    return gzip.open(path, "rt", encoding="utf-8") if is_gzip else path.open(encoding="utf-8")


def _read_lines(lines: TextIO, path: Path) -> Iterator[str]:
    try:
        yield from lines
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError) as error:
        raise BrokenReplay(f"{path.name} cannot be unpacked: {error}") from error


def _parse_line(line: str, where: str) -> ReplayTree:
    try:
        record = json.loads(line)
        edges = [_parse_edge(edge) for edge in record["edges"]]
        tree_id = str(record["id"])
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise BrokenReplay(f"{where} is not a tree: {error!r}") from error
    events = _order_events(edges)
    root = -1 if any(parent == -1 for parent, _, _ in edges) else 0
    return ReplayTree(tree_id, _list_arrivals(events, root, where), tuple(when for _, _, when in events))


def _parse_edge(edge: Any) -> tuple[int, int, float | None]:
    parent, child, when = edge
    if type(parent) is not int or type(child) is not int:
        raise TypeError(f"{parent!r} and {child!r} must be whole numbers")
    return parent, child, None if when is None else float(when)


def _order_events(edges: list[tuple[int, int, float | None]]) -> list[tuple[int, int, float | None]]:
    """Return the edges as they are, or by child where a clock that was off put a child before its parent."""
    come: set[int] = {0, -1}
    children = {child for _, child, _ in edges}
    for parent, child, _ in edges:
        if parent not in come and parent in children:
            return sorted(edges, key=lambda edge: edge[1])
        come.add(child)
    return edges


def _list_arrivals(edges: list[tuple[int, int, float | None]], root: int, where: str) -> tuple[NewNode, ...]:
    depths = {root: 0}
    arrivals = []
    for parent, child, _ in edges:
        if parent not in depths or parent >= child or child in depths:
            raise BrokenReplay(f"{where}: edge {parent} to {child} does not fit the tree so far")
        depths[child] = depths[parent] + 1
        arrivals.append(NewNode(child, None if parent == root else parent, depths[child]))
    return tuple(arrivals)


def _fold_all(arrivals: Sequence[NewNode], batch: int) -> tuple[Measures, dict[int, NodeStat]]:
    """Fold in batches; each fold is given exactly the stored figures it may need: the new nodes' ancestors'."""
    if batch < 1:
        raise ValueError("a batch holds at least one arrival")
    measures = EMPTY
    stored: dict[int, NodeStat] = {}
    for start in range(0, len(arrivals), batch):
        new = arrivals[start : start + batch]
        folded = fold(measures, new, _list_ancestors(new, stored))
        stored.update(folded.changed)
        measures = folded.measures
    return measures, stored


def _list_ancestors(new: Sequence[NewNode], stored: dict[int, NodeStat]) -> dict[int, NodeStat]:
    found: dict[int, NodeStat] = {}
    for node in new:
        parent_id = node.parent_id
        while parent_id is not None and parent_id in stored and parent_id not in found:
            found[parent_id] = stored[parent_id]
            parent_id = stored[parent_id].parent_id
    return found


def _list_cells(tree_id: str, measures: Measures) -> tuple[object, ...]:
    return (
        tree_id,
        measures.size,
        measures.depth,
        measures.max_breadth,
        f"{measures.mean_depth:.9f}",
        measures.wiener_index,
        _spell(measures.structural_virality),
    )


def _list_forest_cells(forest_id: str, forest: Forest) -> tuple[object, ...]:
    measures, cascades = forest.measures, forest.cascades
    from_seed = measures.breadth[1:]
    return (
        forest_id,
        measures.reach,
        cascades.seeds,
        cascades.largest,
        max(0, measures.depth - 1),
        max(from_seed, default=0),
        ";".join(map(str, from_seed)),
        cascades.wiener_index,
        _spell(cascades.structural_virality),
        measures.wiener_index,
        _spell(measures.structural_virality),
        _spell(cascades.reproduction),
    )


def _spell(figure: float | None) -> str:
    return "" if figure is None else f"{figure:.9f}"
