"""The colours of static/css/tokens.css can be read: WCAG 2.2 AA, by day and by lamplight."""

import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).resolve().parents[2] / "static" / "css" / "tokens.css"
TOKEN = re.compile(r"--([\w-]+):\s*light-dark\(\s*(#[0-9a-f]{6})\s*,\s*(#[0-9a-f]{6})\s*\)")
FABRIC = re.compile(r"\.(fabric-\w+)\s*\{([^}]*)\}")

TEXT, LARGE_OR_DRAWN = 4.5, 3.0
GROUNDS = ("linen", "linen-deep", "cloth", "cloth-raised")
TEXT_COLOURS = ("ink", "muted", "link", "thread", "action", "bad", "good", "warn")
STATES = ("good", "warn", "bad", "info")
CHARTS = ("chart-1", "chart-2", "chart-3", "chart-4", "chart-5")

PAIRS = (
    [(text, ground, TEXT) for text in TEXT_COLOURS for ground in GROUNDS]
    + [(state, f"{state}-ground", TEXT) for state in STATES]
    + [("ink", f"{state}-ground", TEXT) for state in STATES]
    + [("on-action", "action", TEXT), ("on-action", "action-deep", TEXT), ("cloth", "gold", TEXT)]
    + [("binding-thread", "binding", LARGE_OR_DRAWN)]
    + [("focus", ground, LARGE_OR_DRAWN) for ground in GROUNDS]
    + [("edge", ground, LARGE_OR_DRAWN) for ground in ("linen", "cloth", "cloth-raised")]
    + [(chart, "cloth", LARGE_OR_DRAWN) for chart in CHARTS]
    + [("chart-1", "chart-track", LARGE_OR_DRAWN)]
)


def read_tokens(text: str) -> dict[str, tuple[str, str]]:
    """The colours outside the fabrics: name to (day, lamplight)."""
    return {name: (day, night) for name, day, night in TOKEN.findall(FABRIC.sub("", text))}


def read_fabrics(text: str) -> dict[str, dict[str, tuple[str, str]]]:
    """Of each fabric, its dyes."""
    return {name: {n: (d, k) for n, d, k in TOKEN.findall(body)} for name, body in FABRIC.findall(text)}


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.2 between two colours written #rrggbb, 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def too_faint(tokens: dict[str, tuple[str, str]]) -> tuple[list[str], int]:
    """What cannot be read, in words, and how many pairs were looked at."""
    faint, looked_at = [], 0
    for text, ground, least in PAIRS:
        for light, index in (("day", 0), ("lamplight", 1)):
            ratio = contrast(tokens[text][index], tokens[ground][index])
            looked_at += 1
            if ratio < least:
                faint.append(f"--{text} on --{ground} by {light}: {ratio:.2f}, needs {least}")
    return faint, looked_at


def test_every_text_can_be_read_on_its_ground() -> None:
    faint, looked_at = too_faint(read_tokens(TOKENS.read_text()))
    assert looked_at >= 100, f"only {looked_at} pairs"
    assert not faint, "\n".join(faint)


def test_every_fabric_reads_without_colour() -> None:
    fabrics = read_fabrics(TOKENS.read_text())
    assert len(fabrics) == 8
    for name, dyes in fabrics.items():
        for index in (0, 1):
            ground, figure, accent = (dyes[part][index] for part in ("ground", "figure", "accent"))
            assert contrast(ground, figure) >= TEXT, f"{name}: figure on ground"
            assert contrast(ground, accent) >= LARGE_OR_DRAWN, f"{name}: accent on ground"


def test_a_faint_pair_is_found() -> None:
    tokens = read_tokens(TOKENS.read_text()) | {"muted": ("#b8b0a8", "#bdb0a0")}
    faint, _ = too_faint(tokens)
    assert [line for line in faint if line.startswith("--muted on --linen by day")]


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#ffffff", 21), ("#777777", "#ffffff", 4.48), ("#abcdef", "#abcdef", 1)],
)
def test_contrast_is_the_ratio_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.01)


def _luminance(colour: str) -> float:
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
