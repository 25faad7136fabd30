"""Patches: the same for the same name, told apart without colour, small, and whole blocks only."""

import ast
import sys
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quilt.media import patches
from quilt.media.patches import BLOCKS, FABRICS, Circle, Fabric, build_patch, draw_block, fabric_of, patch_svg

SVG = "{http://www.w3.org/2000/svg}"
CAUSES = [f"cause {number}" for number in range(600)]


def test_a_name_has_one_patch_for_ever():
    patch = build_patch("Pompe research")
    assert (patch.block, patch.fabric.name) == ("shoo fly", "plum")


@pytest.mark.parametrize(
    "spelling", ["POMPE research", " Pompe  research ", "Pompe\tresearch", "Ｐompe research"]
)
def test_capitals_spaces_and_widths_do_not_matter(spelling):
    assert build_patch(spelling) == build_patch("Pompe research")


def test_there_are_enough_blocks_and_fabrics_and_all_are_used():
    assert len(BLOCKS) >= 12 and len(FABRICS) >= 8
    assert {build_patch(cause).block for cause in CAUSES} == set(BLOCKS)
    assert {fabric_of(cause) for cause in CAUSES} == set(FABRICS)


def test_most_causes_of_a_contest_differ():
    drawn = {(patch.block, patch.fabric.name, patch.shapes) for patch in map(build_patch, CAUSES[:40])}
    assert len(drawn) >= 34


@pytest.mark.parametrize("fabric", FABRICS, ids=lambda fabric: fabric.name)
def test_every_pair_of_dyes_is_readable_without_colour(fabric):
    pairs = list(combinations((fabric.ground, fabric.figure, fabric.accent), 2))
    assert len(pairs) == 3
    assert all(contrast(one, other) >= 3 for one, other in pairs)


def test_the_contrast_test_finds_a_weak_fabric():
    weak = Fabric("weak", "#f8edd3", "#5c3a0c", "#c98f3f")
    assert contrast(weak.ground, weak.accent) < 3


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_is_square_and_every_piece_lies_inside_it(block):
    for rows in BLOCKS[block]:
        assert {len(row) for row in rows} == {len(rows)} == {len(BLOCKS[block][0])}
    patch = draw_block(block, FABRICS[0])
    assert patch.shapes[0].role == "ground" and len(patch.shapes) > 1
    for shape in patch.shapes:
        assert all(0 <= number <= patch.grid for corner in corners(shape) for number in corner)


@pytest.mark.parametrize("block", BLOCKS)
def test_every_sign_of_a_block_is_known(block):
    known = set(patches.PIECES) | set(patches.SQUARES) | set(patches.ROUNDS) | {"."}
    assert {sign for rows in BLOCKS[block] for row in rows for sign in row} <= known


@pytest.mark.parametrize("block", BLOCKS)
def test_pieces_of_one_dye_do_not_overlap(block):
    """Overlaps would punch holes into a path that holds all pieces of a dye."""
    patch = draw_block(block, FABRICS[0])
    for role in ("figure", "accent"):
        pieces = [shape for shape in patch.shapes if shape.role == role]
        assert all(signed_area(piece) > 0 for piece in pieces)
        assert covered(pieces, patch.grid) == pytest.approx(sum(map(signed_area, pieces)), rel=0.03, abs=0.05)


@pytest.mark.parametrize("block", BLOCKS)
def test_swapping_exchanges_the_two_dyes_and_nothing_else(block):
    plain, swapped = (draw_block(block, FABRICS[0], swapped=flag) for flag in (False, True))
    assert [corners(shape) for shape in plain.shapes] == [corners(shape) for shape in swapped.shapes]
    assert [shape.role for shape in plain.shapes] != [shape.role for shape in swapped.shapes]


def test_the_svg_is_small_valid_and_carries_classes_and_fills():
    sizes = []
    for cause in CAUSES:
        text = patch_svg(cause)
        root = ElementTree.fromstring(text)
        assert root.get("aria-hidden") == "true"
        assert root.get("class") == f"patch fabric-{fabric_of(cause).name}"
        roles = [path.get("class") for path in root.iter(f"{SVG}path")]
        assert roles[0] == "ground" and set(roles) <= {"ground", "figure", "accent"} and len(roles) >= 2
        assert all(path.get("fill", "").startswith("#") for path in root.iter(f"{SVG}path"))
        assert "style" not in text
        sizes.append(len(text))
    assert len(sizes) == 600 and max(sizes) < 1000 and sum(sizes) / len(sizes) < 500


def test_a_size_gives_width_and_height():
    root = ElementTree.fromstring(patch_svg("Oceans", size=48))
    assert (root.get("width"), root.get("height")) == ("48", "48")
    assert ElementTree.fromstring(patch_svg("Oceans")).get("width") is None


@given(st.text(max_size=40))
@settings(max_examples=150, deadline=None)
def test_any_text_gets_a_whole_picture_that_never_holds_the_text(name):
    ElementTree.fromstring(patch_svg(name))
    marked = patch_svg(f"{name}<b>")
    assert "<b>" not in marked and ElementTree.fromstring(marked).tag == f"{SVG}svg"


@pytest.mark.parametrize("name", ["", "   ", "\ud800", "ß" * 10_000])
def test_empty_broken_and_endless_names_get_a_patch(name):
    assert patch_svg(name).startswith("<svg ")


def test_the_module_needs_the_standard_library_only():
    tree = ast.parse(Path(patches.__file__).read_text(encoding="utf-8"))
    names = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert names and {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def corners(shape):
    if isinstance(shape, Circle):
        return (
            (shape.x - shape.radius, shape.y - shape.radius),
            (shape.x + shape.radius, shape.y + shape.radius),
        )
    return shape.points


def signed_area(shape):
    """Positive where the corners run clockwise on a page whose y grows downwards."""
    if isinstance(shape, Circle):
        return 3.14159265 * shape.radius**2
    pairs = zip(shape.points, shape.points[1:] + shape.points[:1], strict=True)
    return sum(x * v - u * y for (x, y), (u, v) in pairs) / 2


def covered(pieces, grid, steps=24):
    """The area under the pieces, each spot counted once, by looking at a fine raster of spots."""
    spots = [(0.013 + number) / steps for number in range(grid * steps)]
    hits = sum(any(contains(piece, x, y + 0.007) for piece in pieces) for x in spots for y in spots)
    return hits / steps**2


def contains(piece, x, y):
    if isinstance(piece, Circle):
        return (x - piece.x) ** 2 + (y - piece.y) ** 2 <= piece.radius**2
    pairs = zip(piece.points, piece.points[1:] + piece.points[:1], strict=True)
    return all((u - a) * (y - b) - (v - b) * (x - a) >= 0 for (a, b), (u, v) in pairs)
