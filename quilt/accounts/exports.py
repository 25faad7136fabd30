"""A copy of everything about one person: a ZIP with JSON, CSV and films, made by a worker, there for three days."""

import csv
import io
import json
import os
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from quilt.accounts.belongings import OwnFile, list_files, tell_everything
from quilt.accounts.models import User
from quilt.accounts.models_security import AccountExport
from quilt.accounts.rules import ExportUnderWay, TooManyExports
from quilt.config import Settings
from quilt.database import db, transaction
from quilt.letters import Compose
from quilt.mail import put_in_outbox
from quilt.media.storage import originals_of, results_of

EXPORT_LIFE = timedelta(days=3)
LEASE = timedelta(minutes=30)
MOST_ATTEMPTS = 3
MOST_A_DAY = 3
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "|", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_README = """Everything that {site} knows about you, as of {when}.

everything.json   all of it, exactly as it is kept
*.csv             the same as tables; text that a spreadsheet could take for a formula begins with '
films/            your films as they came and as they were prepared

Not in here, for it leads to nobody: how often pages were shown, and the pseudonyms of visits, which mean nothing
after two days. Passwords, passkeys and codes are kept as hashes or halves of keys, which would be of no use to you.
"""


def folder_of(settings: Settings) -> Path:
    """Where the copies lie; nothing of it is served but to its owner."""
    return settings.data / "exports"


def request_export(user_id: int, now: datetime) -> int:
    """Ask for a copy and return its number. Raises ExportUnderWay, or TooManyExports after three in a day."""
    with transaction() as session:
        session.get_one(User, user_id, with_for_update=True)
        own = AccountExport.user_id == user_id
        if session.scalar(
            select(AccountExport.id).where(own, AccountExport.state.in_(("waiting", "making")))
        ):
            raise ExportUnderWay
        recent = select(func.count()).where(own, AccountExport.created_at > now - timedelta(days=1))
        if (session.scalar(recent) or 0) >= MOST_A_DAY:
            raise TooManyExports
        export = AccountExport(user_id=user_id, state="waiting", due_at=now, created_at=now)
        session.add(export)
        session.flush()
        return export.id


def list_exports(user_id: int, limit: int = 5) -> list[AccountExport]:
    """A person's newest copies, newest first."""
    statement = (
        select(AccountExport).where(AccountExport.user_id == user_id).order_by(AccountExport.id.desc())
    )
    return list(db.session.scalars(statement.limit(limit).execution_options(populate_existing=True)))


def find_export_file(user_id: int, export_id: int, settings: Settings, now: datetime) -> Path | None:
    """The file of a copy that is this person's own and not over, or None."""
    export = db.session.get(AccountExport, export_id, populate_existing=True)
    if export is None or export.user_id != user_id or export.state != "ready":
        return None
    if export.expires_at is None or now >= export.expires_at:
        return None
    path = folder_of(settings) / export.file_name
    return path if path.is_file() else None


def list_due_exports(now: datetime) -> list[int]:
    """The copies that nobody works on."""
    return list(
        db.session.scalars(select(AccountExport.id).where(_is_due(now)).order_by(AccountExport.id).limit(20))
    )


def make_export(
    export_id: int,
    *,
    settings: Settings,
    compose: Compose,
    clock: Callable[[], datetime],
    entropy: Callable[[int], bytes],
) -> str:
    """Make a copy unless somebody else does or did, and tell its owner; the state it came to, or `taken`.

    The file appears whole or not at all. A worker that dies leaves a lease that runs out.
    """
    now = clock()
    if not _claim(export_id, now):
        return "taken"
    export = db.session.get_one(AccountExport, export_id, populate_existing=True)
    name = f"{entropy(16).hex()}.zip"
    target = folder_of(settings) / name
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    try:
        _write(part, export.user_id, settings, now)
        os.replace(part, target)
    except OSError:
        part.unlink(missing_ok=True)
        return _finish(
            export_id,
            "failed" if export.attempts_count >= MOST_ATTEMPTS else "waiting",
            due_at=now + LEASE / 10,
        )
    done = clock()
    with transaction() as session:
        made = update(AccountExport).where(AccountExport.id == export_id, AccountExport.state == "making")
        values = {"state": "ready", "file_name": name, "byte_count": target.stat().st_size, "ready_at": done}
        if not session.execute(made.values(**values, expires_at=done + EXPORT_LIFE)).rowcount:  # type: ignore[attr-defined]
            target.unlink(missing_ok=True)
            return "taken"
        user = session.get_one(User, export.user_id)
        put_in_outbox(
            session, compose("export_ready", name=user.name, days=EXPORT_LIFE.days), user.email, done
        )
    return "ready"


def drop_old_exports(settings: Settings, now: datetime) -> int:
    """Delete the files of copies that are over; returns how many."""
    with transaction() as session:
        over = select(AccountExport).where(AccountExport.state == "ready", AccountExport.expires_at <= now)
        exports = list(session.scalars(over))
        for export in exports:
            (folder_of(settings) / export.file_name).unlink(missing_ok=True)
            export.state, export.file_name = "gone", ""
    return len(exports)


def delete_files(files: list[OwnFile], settings: Settings) -> None:
    """Delete a person's files; one that is gone already is no error."""
    for file in files:
        _find(file, settings).unlink(missing_ok=True)


def guard_cell(value: object) -> object:
    """What a spreadsheet would take for a formula, as text (OWASP, "CSV Injection"); anything else as it is."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _is_due(now: datetime) -> ColumnElement[bool]:
    lost = and_(AccountExport.state == "making", AccountExport.due_at <= now)
    return or_(and_(AccountExport.state == "waiting", AccountExport.due_at <= now), lost)


def _claim(export_id: int, now: datetime) -> bool:
    with transaction() as session:
        claim = update(AccountExport).where(AccountExport.id == export_id, _is_due(now))
        values = {
            "state": "making",
            "due_at": now + LEASE,
            "attempts_count": AccountExport.attempts_count + 1,
        }
        return bool(session.execute(claim.values(**values)).rowcount)  # type: ignore[attr-defined]


def _finish(export_id: int, state: str, due_at: datetime) -> str:
    with transaction() as session:
        session.execute(
            update(AccountExport).where(AccountExport.id == export_id).values(state=state, due_at=due_at)
        )
    return state


def _write(path: Path, user_id: int, settings: Settings, now: datetime) -> None:
    everything = tell_everything(db.session(), user_id)
    files = list_files(db.session(), user_id)
    db.session.rollback()  # no transaction stays open while films are copied
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as raw, ZipFile(raw, "w", ZIP_DEFLATED) as archive:
        archive.writestr(
            "README.txt", _README.format(site=settings.site_name, when=now.isoformat(timespec="seconds"))
        )
        archive.writestr(
            "everything.json", json.dumps(everything, ensure_ascii=False, indent=1, default=_say)
        )
        for name, rows in everything.items():
            if rows:
                archive.writestr(f"{name}.csv", _write_table(rows))
        for file in files:
            source = _find(file, settings)
            if file.name and source.is_file():
                archive.write(source, f"films/{file.name}", ZIP_STORED)


def _write_table(rows: list[dict[str, object]]) -> str:
    text = io.StringIO()
    text.write("\ufeff")  # spreadsheets take it for UTF-8 by this
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(rows[0])
    writer.writerows([guard_cell(_say(cell)) for cell in row.values()] for row in rows)
    return text.getvalue()


def _say(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _find(file: OwnFile, settings: Settings) -> Path:
    if file.storage == "export":
        return folder_of(settings) / file.key
    storage = originals_of(settings) if file.storage == "upload" else results_of(settings)
    return storage.path(file.key)
