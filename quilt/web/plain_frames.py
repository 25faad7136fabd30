"""The plain frame that somebody copies where no script may run: it cannot size itself, so its style knows our sizes.

A page that takes no `style` still has the height of the attribute, which is enough for every width from 320 px on.
The sizes follow embed.css; a test in a real browser holds them against each other.
"""

from dataclasses import dataclass
from html import escape

BESIDE = 448  # px: from here on the picture stands beside the words
PAIRED = 656  # px: from here on a contest's stories stand in two columns
ROW, AROUND_ROWS = 76, 230  # px: a story's row; a contest's title, button and foot
LINE = 26  # px of one more line of the title
LETTERS = (26, 38)  # that a line has room for, below and above the turning point
SPONSOR = 48  # px


@dataclass(frozen=True, slots=True)
class _Heights:
    """Below and above the turning point, as CSS: 1cqw is a hundredth of the frame's width. `most` is in px."""

    turn: int
    below: str
    above: str
    most: int


def write_plain_frame(kind: str, address: str, title: str, top: int = 0, *, has_sponsor: bool = False) -> str:
    """The HTML of a frame of a kind: about as high as its content at any width from 320 px on.

    `top` is how many stories a contest's frame shows; `has_sponsor` adds the room of a sponsor's block.
    """
    heights = _find_heights(kind, title, top)
    more, extra = (SPONSOR, f" + {SPONSOR}px") if has_sponsor else (0, "")
    # A step: far below the turning point the middle is huge and the last holds, above it is negative and the first.
    style = f"clamp({heights.above}{extra}, ({heights.turn}px - 100cqw) * 999, {heights.below}{extra})"
    return (
        f'<div style="container-type:inline-size;max-width:720px"><iframe src="{escape(address)}" width="100%" '
        f'height="{heights.most + more}" loading="lazy" title="{escape(title)}" '
        f'style="border:0;display:block;height:{style}"></iframe></div>'
    )


def _find_heights(kind: str, title: str, top: int) -> _Heights:
    if kind == "entry":
        return _Heights(BESIDE, "252px + 56cqw", "max(262px, 42cqw)", 520)
    below, above = (
        LINE * (_count_lines(title, letters, 2 if kind == "vote" else 3) - 1) for letters in LETTERS
    )
    if kind == "contest":
        below, above = below + AROUND_ROWS + ROW * top, above + AROUND_ROWS + ROW * -(-top // 2)
        return _Heights(PAIRED, f"{below}px", f"{above}px", below)
    least = (196, 136) if kind == "vote" else (228, 240)
    below, above = below + least[0], above + least[1]
    return _Heights(BESIDE, f"{below}px", f"{above}px", max(below, above))


def _count_lines(title: str, letters: int, most: int) -> int:
    return max(1, min(most, -(-len(title) // letters)))
