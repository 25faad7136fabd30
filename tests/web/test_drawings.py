"""Trees made ready for SVG, and how long a costly one is kept."""

import re
import threading
import time
from itertools import pairwise

import pytest

from quilt.spread.condense import fold_runs
from quilt.web.drawing_cache import BEHIND, DrawingCache
from quilt.web.drawings import make_drawing as draw_folded
from tests.waiting import wait_until

SHAPES = {
    "alone": [-1, 0],
    "star": [-1] + [0] * 400,
    "chain": [-1, *range(300)],
    "mixed": [-1, *(index // 3 for index in range(600))],
}


def make_drawing(parents, most):
    return draw_folded(fold_runs(parents), most)


def count_dots(drawing):
    return sum(len(re.findall(r"M[\d.]+ [\d.]+h0", dots.path)) for dots in drawing.dots)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("most", [40, 10_000])
def test_everybody_is_in_the_drawing(shape, most):
    drawing = make_drawing(SHAPES[shape], most)
    people = count_dots(drawing)
    for disc in drawing.discs:
        several = re.match(r"([\d,]+) (more|people)", disc.title)
        people += int(several[1]) if several and disc.kind != "person" else 1
    assert people == len(SHAPES[shape]) - 1
    assert count_dots(drawing) + len(drawing.discs) < most


def test_kinds_are_those_that_are_seen():
    assert make_drawing(SHAPES["star"], 1000).kinds == {"lone"}
    assert make_drawing(SHAPES["star"], 100).kinds == {"lone", "more"}
    assert make_drawing(SHAPES["chain"], 1000).kinds == {"lone", "person", "run"}


def test_a_chain_s_ring_names_its_generations():
    assert [ring.label for ring in make_drawing(SHAPES["chain"], 1000).rings] == ["1", "2–299", "300"]


def test_the_numbers_of_rings_have_room_and_the_last_is_always_there():
    parents = [max(0, index // 2 - 1) if index else -1 for index in range(60)]
    rings = make_drawing([*parents, *range(59, 110), *(0 for _ in range(5))], 1000).rings
    labelled = [ring for ring in rings if ring.label]
    assert labelled[-1] is rings[-1] and len(labelled) < len(rings)
    assert all(b.radius - a.radius >= 33 for a, b in pairwise(labelled))


def test_labels_fit_their_discs():
    for most in (20, 60, 200):
        for disc in make_drawing(SHAPES["mixed"], most).discs:
            assert not disc.label or len(disc.label) * 0.56 * disc.label_size <= 2 * disc.radius


def test_what_is_cheap_is_always_of_the_newest_version():
    cache = DrawingCache(most=2)
    assert [cache.get("a", version, lambda version=version: version) for version in (1, 2, 2, 3)] == [
        1,
        2,
        2,
        3,
    ]
    for key in "bcd":
        assert cache.get(key, 1, lambda key=key: key) == key


def test_what_is_costly_is_kept_for_a_while():
    cache = DrawingCache(most=2)

    def build():
        time.sleep(0.06)
        return "first"

    assert cache.get("a", 1, build) == "first"
    assert cache.get("a", 2, lambda: "second") == "first"
    cache._kept["a"].until = time.monotonic()
    assert cache.get("a", 2, lambda: "second") == "first"
    wait_until(lambda: cache.get("a", 2, lambda: "never") == "second")


def test_what_is_costly_is_built_at_once_where_what_there_was_is_too_old():
    cache = DrawingCache(most=2)
    assert cache.get("a", 1, lambda: time.sleep(0.06) or "first") == "first"
    cache._kept["a"].until -= BEHIND + 1
    assert cache.get("a", 2, lambda: "second") == "second"


def test_an_error_in_the_other_thread_is_logged_and_leaves_the_next_one_free_to_build(caplog):
    cache = DrawingCache(most=2)
    assert cache.get("a", 1, lambda: time.sleep(0.06) or "first") == "first"
    cache._kept["a"].until = time.monotonic()
    assert cache.get("a", 2, lambda: 1 // 0) == "first"
    wait_until(lambda: not cache._locks["a"].locked())
    assert "ZeroDivisionError" in caplog.text
    assert cache.get("a", 2, lambda: "second") == "first"
    wait_until(lambda: cache.get("a", 2, lambda: "never") == "second")


def test_one_thread_builds_and_the_others_take_what_there_was():
    cache, may_go_on, builds = DrawingCache(most=2), threading.Event(), []
    assert cache.get("a", 1, lambda: "old") == "old"

    def build():
        builds.append(1)
        may_go_on.wait(10)
        return "new"

    builder = threading.Thread(target=lambda: cache.get("a", 2, build))
    builder.start()
    while not builds:
        time.sleep(0.001)
    assert cache.get("a", 2, build) == "old"
    may_go_on.set()
    builder.join()
    assert cache.get("a", 2, build) == "new" and len(builds) == 1


def test_an_error_leaves_the_next_one_free_to_build():
    cache = DrawingCache(most=2)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", 1, lambda: 1 // 0)
    assert cache.get("a", 1, lambda: "whole") == "whole"
