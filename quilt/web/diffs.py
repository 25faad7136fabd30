"""What changed between two texts, word by word."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

MOST_WORDS = 2_000  # beyond, the comparison takes its time: the texts then stand whole


@dataclass(frozen=True)
class Piece:
    """A run of words that is kept, added or gone."""

    kind: Literal["same", "added", "gone"]
    text: str


def compare(old: str, new: str) -> list[Piece]:
    """The new text as runs of kept, added and gone words, in reading order."""
    before, after = _words(old), _words(new)
    if max(len(before), len(after)) > MOST_WORDS:
        return [piece for piece in (Piece("gone", old), Piece("added", new)) if piece.text]
    pieces: list[Piece] = []
    for tag, start, end, from_, to in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", "".join(before[start:end])))
            continue
        pieces += [Piece("gone", "".join(before[start:end]))] if end > start else []
        pieces += [Piece("added", "".join(after[from_:to]))] if to > from_ else []
    return pieces


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|[^\s]+", text)
