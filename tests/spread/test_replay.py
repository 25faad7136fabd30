import csv
import gzip
import io
import json
import random
from pathlib import Path

import pytest

from quilt.spread.fold import NewNode
from quilt.spread.measures import EMPTY, Measures, measure
from quilt.spread.replay import (
    COLUMNS,
    FOREST_COLUMNS,
    BrokenReplay,
    Forest,
    ReplayTree,
    read_trees,
    replay_forest,
    replay_tree,
    write_forest_rows,
    write_rows,
)
from quilt.spread.tree import list_depths, list_sizes
from tests.spread.oracle import measure_cascades
from tests.spread.trees import SHAPES, list_new_nodes, tree

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "data"
CASCADES = REFERENCE / "cascades_dev.jsonl.gz"
FOREST = REFERENCE / "forest_dev.jsonl.gz"
needs_cascades = pytest.mark.skipif(
    not CASCADES.exists(), reason="the reference cascades are not on this machine"
)
needs_forest = pytest.mark.skipif(not FOREST.exists(), reason="the reference forest is not on this machine")

Edges = list[tuple[object, object, object]]
GROWN: Edges = [(0, 1, 5), (0, 2, 6), (1, 3, 7.5), (1, 4, 8), (3, 5, 9)]


def write_lines(path: Path, *lines: object, packed: bool = True) -> Path:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return path


def read_one(folder: Path, edges: Edges) -> ReplayTree:
    (one,) = read_trees(write_lines(folder / "trees.jsonl.gz", {"id": "t", "edges": edges}))
    return one


@pytest.mark.parametrize("packed", [True, False])
def test_trees_are_read_one_by_one(tmp_path: Path, packed: bool) -> None:
    path = write_lines(
        tmp_path / "trees", {"id": "a", "edges": GROWN}, "", {"id": 7, "edges": []}, packed=packed
    )
    first, second = read_trees(path)
    assert first.arrivals[:3] == (NewNode(1, None, 1), NewNode(2, None, 1), NewNode(3, 1, 2))
    assert first.seconds == (5, 6, 7.5, 8, 9)
    assert second == ReplayTree("7", (), ())


def test_a_forest_hangs_below_one_entry(tmp_path: Path) -> None:
    read = read_one(
        tmp_path, [(-1, 0, None), (0, 1, None), (0, 2, None), (-1, 3, None), (3, 4, None), (-1, 5, None)]
    )
    assert read.arrivals[:2] == (NewNode(0, None, 1), NewNode(1, 0, 2))
    assert set(read.seconds) == {None}
    assert replay_tree(read.arrivals, 2).wiener_index == 46


def test_numbers_may_have_gaps(tmp_path: Path) -> None:
    read = read_one(tmp_path, [(0, 10, None), (10, 500, None), (0, 20, None)])
    assert replay_tree(read.arrivals, 1) == measure(tree("a, b<a, c"))


def test_a_child_before_its_parent_is_put_right(tmp_path: Path) -> None:
    read = read_one(tmp_path, [(1, 2, 4), (0, 1, 5), (2, 3, 6)])
    assert [node.id for node in read.arrivals] == [1, 2, 3]
    assert read.seconds == (5, 4, 6)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "null",
        "1",
        {"id": "t"},
        {"edges": []},
        {"id": "t", "edges": [[0, 1]]},
        {"id": "t", "edges": [[0, "1", None]]},
        {"id": "t", "edges": [[0, True, None]]},
        {"id": "t", "edges": [[0, 1.0, None]]},
        {"id": "t", "edges": [[0, 1, "soon"]]},
        {"id": "t", "edges": [[0, 1, None], [0, 1, None]]},
        {"id": "t", "edges": [[1, 1, None]]},
        {"id": "t", "edges": [[0, 2, None], [2, 1, None]]},
        {"id": "t", "edges": [[4, 5, None]]},
        {"id": "t", "edges": [[0, 0, None]]},
        {"id": "t", "edges": 5},
        '{"id": "t", "edges": ' + "[" * 100_000,
        {"id": "t", "edges": [[0, 1, 10**400]]},
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: object) -> None:
    path = write_lines(tmp_path / "trees.jsonl.gz", {"id": "good", "edges": GROWN}, line)
    trees = read_trees(path)
    assert next(trees).id == "good"
    with pytest.raises(BrokenReplay, match="line 2"):
        next(trees)


@pytest.mark.parametrize(
    "raw",
    [
        gzip.compress(b'{"id": 1, "edges": []}\n' * 99)[:-9],
        gzip.compress(bytes(99))[:12] + b"nonsense nonsense",
        b"\x1f\x8bnonsense",
        b"\xff\xfe",
    ],
    ids=["cut", "garbled", "only its mark", "no archive"],
)
def test_a_file_that_cannot_be_unpacked_is_named(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "cut.gz").write_bytes(raw)
    with pytest.raises(BrokenReplay, match="cut.gz"):
        list(read_trees(tmp_path / "cut.gz"))


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read_trees(tmp_path / "none"))


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_a_replay_equals_a_recount(tmp_path: Path, batch: int) -> None:
    read = read_one(tmp_path, GROWN)
    assert replay_tree(read.arrivals, batch) == measure(tree("a, b, c<a, d<a, e<c"))


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        replay_tree([], 0)


def test_rows_are_written_to_the_last_digit() -> None:
    out = io.StringIO()
    n = 10**7
    long = Measures(n, n * (n - 1) // 2, (n - 1) * n * (2 * n - 1) // 6, (1,) * 3, n - 2)
    assert write_rows(out, [("long", long), ("lone, and alone", EMPTY)]) == 2
    assert out.getvalue().splitlines() == [
        ",".join(COLUMNS),
        "long,10000000,2,1,4999999.500000000,166666666666665000000,3333333.666666667",
        '"lone, and alone",1,0,1,0.000000000,0,',
    ]


@needs_cascades
@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_the_reference_cascades_are_equal_in_every_row(batch: int) -> None:
    with CASCADES.with_name("cascades_dev_metrics.csv").open(newline="") as lines:
        reference = list(csv.DictReader(lines))
    out = io.StringIO()
    measured = [(one.id, replay_tree(one.arrivals, batch)) for one in read_trees(CASCADES)]
    assert write_rows(out, measured) == len(reference) == 304
    found = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert found == [{column: row[column] for column in COLUMNS} for row in reference]
    for row, (_, measures) in zip(reference, measured, strict=True):
        _compare_the_rest(row, measures)


def _compare_the_rest(row: dict[str, str], measures: Measures) -> None:
    assert int(row["total_depth"]) == measures.total_depth
    assert int(row["leaves"]) == measures.leaves
    assert row["breadth"] == ";".join(map(str, measures.breadth))
    assert row["R"] == ";".join(f"{r:.6f}" for r in measures.reproduction)


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_a_forest_has_its_own_row(tmp_path: Path, batch: int) -> None:
    """The forest of spread.md's figures: seeds 0, 3 and 5 with two, one and no people below them."""
    read = read_one(
        tmp_path, [(-1, 0, None), (0, 1, None), (0, 2, None), (-1, 3, None), (3, 4, None), (-1, 5, None)]
    )
    out = io.StringIO()
    assert write_forest_rows(out, [("six", replay_forest(read.arrivals, batch)), ("none", NOBODY)]) == 2
    assert out.getvalue().splitlines() == [
        ",".join(FOREST_COLUMNS),
        "six,6,3,3,1,3,3;3,5,1.250000000,46,2.190476190,0.500000000",
        "none,0,0,0,0,0,,0,,0,,0.000000000",
    ]


@pytest.mark.parametrize("seed", range(20))
def test_the_entry_as_one_more_node_follows_from_the_seeds_trees(seed: int) -> None:
    """W of all = Σ W(t) + Σ P(t)·(N − n(t)) + (N² − Σ n(t)²) + P + N, with depths from the seeds."""
    chance = random.Random(seed)
    parents = SHAPES[chance.choice(sorted(SHAPES))](chance.randrange(2, 80), chance)
    forest = replay_forest(list_new_nodes(parents, range(len(parents))), 7)
    assert forest == Forest(measure(parents), measure_cascades(parents))
    depths, sizes = list_depths(parents), list_sizes(parents)
    seed_of = list(range(len(parents)))
    for node, parent in enumerate(parents):
        if parent > 0:
            seed_of[node] = seed_of[parent]
    people = len(parents) - 1
    n = {node: sizes[node] for node in range(1, people + 1) if parents[node] == 0}
    p = dict.fromkeys(n, 0)
    for node in range(1, people + 1):
        p[seed_of[node]] += depths[node] - 1
    assert forest.measures.wiener_index == (
        forest.cascades.wiener_index
        + sum(p[t] * (people - n[t]) for t in n)
        + people**2
        - sum(size**2 for size in n.values())
        + sum(p.values())
        + people
    )


@needs_forest
@pytest.mark.parametrize("batch", [7, 1000])
def test_the_reference_forest_is_equal_to_the_last_letter(batch: int) -> None:
    (forest,) = read_trees(FOREST)
    out = io.StringIO(newline="")
    write_forest_rows(out, [(forest.id, replay_forest(forest.arrivals, batch))])
    reference = FOREST.with_name("forest_dev_metrics.csv").read_text()
    assert out.getvalue().splitlines() == reference.splitlines() and len(forest.arrivals) == 83_606


NOBODY = Forest(EMPTY, measure_cascades([-1]))
