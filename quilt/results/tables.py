"""Tables to take away: what the desk shows of a contest, or of the whole site, as CSV or JSON.

A spreadsheet gets every cell as text that it does not compute; JSON has the values exactly as they are kept.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import structlog
from sqlalchemy.exc import SQLAlchemyError

from quilt.accounts.exports import guard_cell
from quilt.results.pieces import Row, Stretch
from quilt.results.table_rows import (
    list_alerts,
    list_appeals,
    list_changes,
    list_comments,
    list_contests,
    list_decisions,
    list_domains,
    list_entries,
    list_reviews,
)

BYTE_ORDER_MARK = "\ufeff"  # by which some spreadsheets know UTF-8
ROWS_AT_ONCE = 500  # in one write to the socket
CUT_SHORT = "This table is not complete: our database could not be asked for the rest. Take it again."

log = structlog.get_logger("quilt.results")


@dataclass(frozen=True, slots=True)
class Table:
    """One table; `dated` says by what the dates choose rows. `read` takes the contest (0: the site) and a stretch."""

    title: str
    dated: str
    columns: tuple[str, ...]
    read: Callable[[int, Stretch], Iterable[Row]]


def write_csv(table: Table, rows: Iterable[Row], *, has_mark: bool) -> Iterator[str]:
    """The table with its head, lines ended by CR LF (RFC 4180); `has_mark` puts the mark of UTF-8 first.

    Where the database goes away in the middle the last line says so: half a CSV looks as whole as a whole one.
    """
    yield (BYTE_ORDER_MARK if has_mark else "") + _join_cells([table.columns])
    rows = iter(rows)
    try:
        while some := list(islice(rows, ROWS_AT_ONCE)):
            yield _join_cells([guard_cell(_say(cell)) for cell in row] for row in some)
    except SQLAlchemyError:
        log.exception("table_cut_short", table=table.title)
        yield _join_cells([[CUT_SHORT]])


def write_json(table: Table, rows: Iterable[Row]) -> Iterator[str]:
    """The same as a list of objects, one a line, with every value as it is kept; cut short, it is no JSON."""
    rows, start = iter(rows), "["
    while some := list(islice(rows, ROWS_AT_ONCE)):
        named = (dict(zip(table.columns, map(_say, row), strict=True)) for row in some)
        yield start + "\n" + ",\n".join(json.dumps(each, ensure_ascii=False) for each in named)
        start = ","
    yield "[]\n" if start == "[" else "\n]\n"


def _join_cells(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _say(value: object) -> object:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value


OF_CONTESTS = {
    "entries": Table(
        "Entries", "when they were begun",
        ("id", "state", "title", "cause", "story", "entrant", "film", "film_state", "seconds", "is_eligible",
         "created_at", "submitted_at", "published_at", "votes", "reach"),
        list_entries,
    ),
    "comments": Table(
        "Comments", "when they were written", ("id", "entry", "author", "state", "text", "written_at"), list_comments
    ),
    "changes": Table(
        "What was changed", "when it was", ("at", "who", "what", "words", "fields", "is_public"), list_changes
    ),
    "alerts": Table(
        "Alerts about votes", "when they were raised",
        ("raised_at", "entry", "quarter_from", "votes", "expected", "chance", "rules"), list_alerts,
    ),
    "reviews": Table(
        "Decisions about votes", "when they were made",
        ("id", "at", "entry", "after", "reason", "words", "votes", "who", "undoes"), list_reviews,
    ),
    "appeals": Table(
        "Appeals", "when they came",
        ("id", "at", "entry", "words", "outcome", "answer", "answered_at", "answered_by"), list_appeals,
    ),
}  # fmt: skip
OF_THE_SITE = {
    "contests": Table(
        "Contests", "when they were begun",
        ("id", "slug", "title", "prize", "time_zone", "is_published", "fixed_at", "created_at"), list_contests,
    ),
    "log": Table(
        "The log of decisions", "when they were made",
        ("at", "who", "action", "about", "number", "part", "reason", "words"), list_decisions,
    ),
    "domains": Table(
        "Mail domains", "when they were added", ("domain", "verdict", "reason", "who", "added_at", "ends_at"),
        list_domains,
    ),
}  # fmt: skip
