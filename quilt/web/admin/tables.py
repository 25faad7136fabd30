"""Tables to take away from the desk: CSV and JSON of what admins see there, and every vote as one file."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from flask import Response, abort, flash, make_response, redirect, request, send_file, url_for
from flask_wtf import FlaskForm
from wtforms import BooleanField, StringField
from wtforms.widgets import DateInput

from quilt.contests.models import Contest
from quilt.results.pieces import Stretch
from quilt.results.tables import OF_CONTESTS, OF_THE_SITE, Table, write_csv, write_json
from quilt.results.tasks import make_vote_tables
from quilt.results.vote_tables import FORMATS, VoteFile, ask_for_votes, find_votes, is_wanted
from quilt.votes.ledgers import find_head, find_ledger
from quilt.web.admin import admin
from quilt.web.admin.contests import answer_desk, get_contest_or_404
from quilt.web.clock import now
from quilt.web.events import record_event
from quilt.web.guards import admin_only
from quilt.web.settings import get_settings

FIRST_YEAR, LAST_YEAR = 2000, 2100
TYPES = {"csv": "text/csv", "json": "application/json"}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FORMS = f"<any({', '.join(FORMATS)}):file_format>"
_CONTEST = "/contests/<int:contest_id>/tables"


class StretchForm(FlaskForm):  # type: ignore[misc]
    """Which days, and whether the file says by its first bytes that it is UTF-8."""

    class Meta:
        csrf = False  # it only asks

    since = StringField("From", widget=DateInput())
    until = StringField("To, that day too", widget=DateInput())
    mark = BooleanField(
        "Mark CSV as UTF-8", description="Some spreadsheets show Arabic or emoji wrong without."
    )


@admin.get("/tables")
@admin_only
def show_tables() -> Response:
    """The tables of the whole site."""
    return _answer(None, StretchForm(request.args))


@admin.get(_CONTEST)
@admin_only
def show_contest_tables(contest_id: int) -> Response:
    """The tables of one contest."""
    return _answer(get_contest_or_404(contest_id), StretchForm(request.args))


@admin.get(f"/tables/<any({', '.join(OF_THE_SITE)}):site_table>.{_FORMS}")
@admin_only
def take_table(site_table: str, file_format: str) -> Response:
    """One table of the site."""
    return _take(None, OF_THE_SITE, site_table, file_format)


@admin.get(f"{_CONTEST}/<any({', '.join(OF_CONTESTS)}):contest_table>.{_FORMS}")
@admin_only
def take_contest_table(contest_id: int, contest_table: str, file_format: str) -> Response:
    """One table of a contest."""
    return _take(get_contest_or_404(contest_id), OF_CONTESTS, contest_table, file_format)


@admin.post(f"{_CONTEST}/votes")
@admin_only
def ask_for_vote_table(contest_id: int) -> Response:
    """Have a worker write every vote below the newest head into a file."""
    contest = get_contest_or_404(contest_id)
    wanted = _newest(contest, request.form.get("file_format", ""), "mark" in request.form)
    if wanted is None:
        return _answer(
            contest, StretchForm(None), 409, "Voting has not begun, so there are no votes to take away."
        )
    if find_votes(wanted, get_settings()) is None:
        ask_for_votes(wanted, get_settings())
        make_vote_tables.later()
        flash(
            "We are writing it. A million votes take a minute; reload the page to see whether it is there.",
            "good",
        )
    record_event("vote_table_wanted")
    return make_response(redirect(url_for("admin.show_contest_tables", contest_id=contest.id), 303))


@admin.get(f"{_CONTEST}/votes-<int:size>.{_FORMS}")
@admin_only
def take_vote_table(contest_id: int, size: int, file_format: str) -> Response:
    """The file of the votes below the head of so many leaves, or any part of it; 202 while it is being written."""
    contest = get_contest_or_404(contest_id)
    wanted = VoteFile(contest.id, size, file_format, "mark" in request.args)
    path = find_votes(wanted, get_settings())
    if path is not None:
        name = f"{contest.title} – votes at {size}.{file_format}"
        return _name_download(send_file(path, TYPES[file_format]), name)
    if not is_wanted(wanted, get_settings()):
        abort(410, "Nobody has asked for that table, or its three days are over. Ask for a new one.")
    response = _answer(contest, StretchForm(None), 202)
    response.headers["Retry-After"] = "5"
    return response


def read_stretch(form: StretchForm, zone: str) -> Stretch | None:
    """The days of the form on the clocks of `zone`; None where they are none, with the reason beside the field."""
    first, last = (_read_day(form[name]) for name in ("since", "until"))
    if form.since.errors or form.until.errors:
        return None
    if first and last and first > last:
        form.until.errors = ["The last day comes before the first."]
        return None
    return Stretch(
        _begin(first, zone) if first else None, _begin(last + timedelta(days=1), zone) if last else None
    )


def _read_day(field: StringField) -> date | None:
    text = (field.data or "").strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        field.errors = [f"Enter a day that there is, between {FIRST_YEAR} and {LAST_YEAR}, like 2026-05-01."]
        return None
    return day


def _begin(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def _take(contest: Contest | None, tables: Mapping[str, Table], name: str, file_format: str) -> Response:
    form, table = StretchForm(request.args), tables[name]
    stretch = read_stretch(form, contest.time_zone if contest else "UTC")
    if stretch is None:
        return _answer(contest, form, 422)
    rows = table.read(contest.id if contest else 0, stretch)
    is_csv, mark = file_format == "csv", bool(form.mark.data)
    pieces = write_csv(table, rows, has_mark=mark) if is_csv else write_json(table, rows)
    record_event("table_taken")
    whose = contest.title if contest else get_settings().site_name
    response = Response((piece.encode() for piece in pieces), mimetype=TYPES[file_format])
    return _name_download(response, f"{whose} – {table.title}.{file_format}")


def _name_download(response: Response, name: str) -> Response:
    """A download under a name that a title stands in: what no file name may hold is left out (RFC 6266, RFC 8187)."""
    clean = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|;=]+', " ", name).strip(" .")
    names = {"filename": unicodedata.normalize("NFKD", clean).encode("ascii", "ignore").decode()}
    if names["filename"] != clean:
        names["filename*"] = f"UTF-8''{quote(clean, safe='')}"
    response.headers.set("Content-Disposition", "attachment", **names)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _newest(contest: Contest, file_format: str, has_mark: bool) -> VoteFile | None:
    ledger = find_ledger(contest.id)
    if ledger is None:
        return None
    if file_format not in FORMATS:
        abort(422, "That table is there as CSV and as JSON.")
    return VoteFile(contest.id, ledger.size, file_format, has_mark and file_format == "csv")


def _answer(contest: Contest | None, form: StretchForm, status: int = 200, refusal: str = "") -> Response:
    ledger = find_ledger(contest.id) if contest else None
    files = _list_files(contest.id, ledger.size) if contest and ledger else []
    head = find_head(contest.id, ledger.size) if contest and ledger else None
    return answer_desk(
        "admin/tables.html", status, contest=contest, form=form, refusal=refusal, files=files, head=head,
        tables=OF_CONTESTS if contest else OF_THE_SITE, zone=contest.time_zone if contest else "UTC", moment=now(),
    )  # fmt: skip


def _list_files(contest_id: int, size: int) -> list[tuple[VoteFile, str]]:
    """The files of the newest head that are there (`ready`) or asked for (`waiting`)."""
    settings, found = get_settings(), []
    for file_format, has_mark in (("csv", False), ("csv", True), ("json", False)):
        one = replace(VoteFile(contest_id, size, file_format), has_mark=has_mark)
        if find_votes(one, settings) is not None:
            found.append((one, "ready"))
        elif is_wanted(one, settings):
            found.append((one, "waiting"))
    return found
