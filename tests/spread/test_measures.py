import networkx
import pytest
from hypothesis import given, settings

from quilt.spread.measures import EMPTY, measure
from quilt.spread.tree import BrokenTree
from tests.spread.oracle import measure_cascades
from tests.spread.trees import binary, chain, list_distances, random_parents, star, tree


@pytest.mark.parametrize("n", [1, 2, 3, 5, 100, 12_345])
def test_stars_and_chains_have_closed_forms(n: int) -> None:
    broad, long = measure(star(n)), measure(chain(n))
    assert broad.wiener_index == (n - 1) ** 2
    assert long.wiener_index == (n**3 - n) // 6
    assert (broad.depth, long.depth) == (min(1, n - 1), n - 1)
    if n > 1:
        assert broad.structural_virality == pytest.approx(2 * (n - 1) / n)
        assert long.structural_virality == pytest.approx((n + 1) / 3)
        assert (broad.passed_on, long.passed_on) == (0, n - 2)
        assert (broad.leaves, long.leaves) == (n - 1, 1)


@pytest.mark.parametrize(
    ("height", "wiener", "virality"),
    [
        (1, 4, 1.333333),
        (2, 48, 2.285714),
        (3, 368, 3.504762),
        (4, 2304, 4.954839),
        (5, 12864, 6.586790),
        (6, 66816, 8.350956),
        (7, 330496, 10.205218),
    ],
)
def test_perfect_binary_trees(height: int, wiener: int, virality: float) -> None:
    measures = measure(binary(height))
    assert measures.wiener_index == wiener
    assert round(measures.structural_virality or 0, 6) == virality
    assert measures.breadth == tuple(2**g for g in range(height + 1))


@pytest.mark.parametrize(
    ("notation", "figures"),
    [
        ("a", (2, 1, 1, 1, 1.0)),
        ("a, b", (3, 2, 2, 4, 1.3333)),
        ("a, b, c<a", (4, 4, 6, 10, 1.6667)),
        ("a, b, c<a, d<a", (5, 6, 12, 18, 1.8)),
        ("a, b, c<a, d<a, e<c", (6, 9, 23, 31, 2.0667)),
    ],
)
def test_a_growing_tree(notation: str, figures: tuple[float, ...]) -> None:
    m = measure(tree(notation))
    assert m.structural_virality is not None
    found = (m.size, m.total_depth, m.squared_sizes, m.wiener_index, round(m.structural_virality, 4))
    assert found == figures


def test_the_breadth_and_r_of_the_grown_tree() -> None:
    measures = measure(tree("a, b, c<a, d<a, e<c"))
    assert measures.breadth == (1, 2, 2, 1)
    assert measures.reproduction == (2, 1, 0.5)
    assert (measures.max_breadth, measures.depth, measures.reach) == (2, 3, 5)
    assert (measures.passed_on, measures.leaves) == (2, 3)
    assert measures.mean_depth == 1.5


def test_the_entry_alone_has_no_virality() -> None:
    assert measure([-1]) == EMPTY
    assert EMPTY.structural_virality is None
    assert (EMPTY.wiener_index, EMPTY.depth, EMPTY.max_breadth, EMPTY.leaves) == (0, 0, 1, 1)
    assert (EMPTY.mean_depth, EMPTY.reproduction, EMPTY.reach) == (0.0, (), 0)


def test_a_forest_with_and_without_the_entry() -> None:
    parents = tree("s0, a<s0, b<s0, s3, c<s3, s5")
    measures, cascades = measure(parents), measure_cascades(parents)
    assert (measures.size, measures.wiener_index) == (7, 46)
    assert round(measures.structural_virality or 0, 6) == 2.190476
    assert (cascades.seeds, cascades.largest, cascades.wiener_index) == (3, 3, 5)
    assert (cascades.structural_virality, cascades.reproduction) == (1.25, 0.5)


@pytest.mark.parametrize(("parents", "seeds"), [([-1], 0), ([-1, 0], 1), (star(9), 8)])
def test_cascades_without_a_pair_have_no_virality(parents: list[int], seeds: int) -> None:
    cascades = measure_cascades(parents)
    assert (cascades.seeds, cascades.structural_virality, cascades.reproduction) == (seeds, None, 0.0)
    assert (cascades.wiener_index, cascades.largest) == (0, min(1, seeds))


def test_a_broken_tree_is_refused() -> None:
    with pytest.raises(BrokenTree):
        measure([-1, 2, 1])
    with pytest.raises(BrokenTree):
        measure_cascades([0])


@given(random_parents())
def test_the_figures_equal_brute_force(parents: list[int]) -> None:
    distances = [list_distances(parents, node) for node in range(len(parents))]
    n, from_root = len(parents), distances[0]
    measures = measure(parents)
    assert measures.wiener_index == sum(map(sum, distances)) // 2
    assert measures.total_depth == sum(from_root)
    assert measures.breadth == tuple(from_root.count(g) for g in range(max(from_root) + 1))
    assert measures.leaves == sum(node not in parents for node in range(n))
    if n > 1:
        assert measures.structural_virality == sum(map(sum, distances)) / (n * (n - 1))


@settings(max_examples=40)
@given(random_parents())
def test_the_wiener_index_equals_networkx(parents: list[int]) -> None:
    graph = networkx.Graph([(parent, node) for node, parent in enumerate(parents) if parent >= 0])
    graph.add_node(0)
    assert measure(parents).wiener_index == networkx.wiener_index(graph)
    graph.remove_node(0)
    trees = list(networkx.connected_components(graph))
    cascades = measure_cascades(parents)
    assert cascades.seeds == len(trees)
    assert cascades.wiener_index == sum(networkx.wiener_index(graph.subgraph(part)) for part in trees)


def test_a_chain_of_four_million_is_exact() -> None:
    n = 4_000_000
    parents = chain(n)
    measures = measure(parents)
    assert measures.wiener_index == (n**3 - n) // 6 > 2**63
    assert measures.squared_sizes == (n - 1) * n * (2 * n - 1) // 6 > 2**63
    assert (measures.total_depth, measures.depth) == (n * (n - 1) // 2, n - 1)
    assert measures.structural_virality == (n + 1) / 3
