"""The votes of a contest as one table, made by a worker: every vote below a signed head, with its state there.

What was asked for is a mark in the data folder, and what was made a file beside it, under a name that says of how many
leaves it is. Such a file never changes, so that it can be fetched piece by piece; it is there whole or not at all.
Whoever has begun may be killed: the mark stays until a worker has come to the end, and two who make the same file at
once put the same bytes in its place.
"""

import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from quilt.config import Settings
from quilt.ledger.leaves import RECORDED, STATES, DecisionLeaf, Leaf, VoteLeaf, decode_leaf
from quilt.results.tables import BYTE_ORDER_MARK
from quilt.votes.ledgers import find_head, read_lines

KEPT = timedelta(days=3)
FORMATS = ("csv", "json")
COLUMNS = ("tree_size", "leaf", "entry", "period", "tier", "hour", "state", "commitment")
_NO_VOTE = len(STATES)


@dataclass(frozen=True, slots=True)
class VoteFile:
    """Which table: the votes of a contest below its head of `size` leaves."""

    contest_id: int
    size: int
    file_format: str  # csv | json
    has_mark: bool = False  # of UTF-8, for spreadsheets that need it

    @property
    def name(self) -> str:
        """What the file is called on disk."""
        return f"votes-{self.contest_id}-{self.size}{'-mark' if self.has_mark else ''}.{self.file_format}"


def folder_of(settings: Settings) -> Path:
    """Where the tables lie."""
    return settings.data / "exports" / "tables"


def find_votes(wanted: VoteFile, settings: Settings) -> Path | None:
    """The file, where it has been made."""
    path = folder_of(settings) / wanted.name
    return path if path.is_file() else None


def ask_for_votes(wanted: VoteFile, settings: Settings) -> None:
    """Let a worker make the file; asking twice is asking once."""
    mark = _mark_of(wanted, settings)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch(mode=0o600)


def is_wanted(wanted: VoteFile, settings: Settings) -> bool:
    """Whether somebody waits for it."""
    return _mark_of(wanted, settings).is_file()


def make_wanted(settings: Settings, entropy: Callable[[int], bytes]) -> int:
    """Make every table that is asked for; returns how many."""
    marks = sorted(folder_of(settings).glob("*.wanted"))
    for mark in marks:
        wanted = read_name(mark.stem)
        if wanted is not None and find_votes(wanted, settings) is None:
            write_votes(wanted, settings, entropy)
        mark.unlink(missing_ok=True)
    return len(marks)


def write_votes(wanted: VoteFile, settings: Settings, entropy: Callable[[int], bytes]) -> Path:
    """Write the file and return where it lies. Raises LookupError where no signed head has that size."""
    target = folder_of(settings) / wanted.name
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{entropy(4).hex()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            file.writelines(_WRITERS[wanted.file_format](wanted))
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


def drop_old_votes(settings: Settings, now: datetime) -> int:
    """Delete tables that were made more than three days ago, and what a killed worker has left; returns how many."""
    old = [
        path for path in folder_of(settings).glob("votes-*")
        if path.suffix != ".wanted" and path.stat().st_mtime < (now - KEPT).timestamp()
    ]  # fmt: skip
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def read_name(name: str) -> VoteFile | None:
    """The table that a file of this name holds, None for a name that is none of ours."""
    stem, _, file_format = name.partition(".")
    kind, *numbers = stem.split("-")
    has_mark = numbers[2:] == ["mark"]
    is_ours = kind == "votes" and file_format in FORMATS and len(numbers) == (3 if has_mark else 2)
    if not is_ours or not all(number.isdecimal() for number in numbers[:2]):
        return None
    return VoteFile(int(numbers[0]), int(numbers[1]), file_format, has_mark)


def _mark_of(wanted: VoteFile, settings: Settings) -> Path:
    return folder_of(settings) / f"{wanted.name}.wanted"


def _list_leaves(wanted: VoteFile) -> Iterator[Leaf]:
    for piece in read_lines(wanted.contest_id, wanted.size):
        for line in piece.splitlines():
            yield decode_leaf(line.encode())


def _find_states(wanted: VoteFile) -> bytearray:
    """The state of each leaf's vote at the head, a byte each: a million votes are a megabyte."""
    states = bytearray()
    for leaf in _list_leaves(wanted):
        states.append(STATES.index(RECORDED) if isinstance(leaf, VoteLeaf) else _NO_VOTE)
        if isinstance(leaf, DecisionLeaf):
            code = bytes([STATES.index(leaf.state)])
            for first, last in leaf.votes:
                states[first : last + 1] = code * (last + 1 - first)
    return states


def _list_rows(wanted: VoteFile) -> Iterator[tuple[object, ...]]:
    states = _find_states(wanted)
    for number, leaf in enumerate(_list_leaves(wanted)):
        if isinstance(leaf, VoteLeaf):
            state, commitment = STATES[states[number]], leaf.commitment.hex()
            yield wanted.size, number, leaf.entry, leaf.period, leaf.tier, leaf.hour, state, commitment


def _write_csv(wanted: VoteFile) -> Iterator[str]:
    yield BYTE_ORDER_MARK if wanted.has_mark else ""
    line = io.StringIO(newline="")
    writer = csv.writer(line)
    writer.writerow(COLUMNS)
    for row in _list_rows(wanted):  # numbers and words of ours alone: no cell can be a formula
        writer.writerow(row)
        if line.tell() > 1 << 16:
            yield line.getvalue()
            line.seek(0)
            line.truncate()
    yield line.getvalue()


def _write_json(wanted: VoteFile) -> Iterator[str]:
    head = find_head(wanted.contest_id, wanted.size)
    if head is None:
        raise LookupError(f"No signed head has {wanted.size} leaves.")
    begin = json.dumps({"tree_size": wanted.size, "head": json.loads(head.line), "columns": COLUMNS[1:]})
    yield begin[:-1] + ', "votes": ['
    for number, row in enumerate(_list_rows(wanted)):
        yield ("," if number else "") + "\n" + json.dumps(row[1:], separators=(",", ":"))
    yield "\n]}\n"


_WRITERS: dict[str, Callable[[VoteFile], Iterator[str]]] = {"csv": _write_csv, "json": _write_json}
