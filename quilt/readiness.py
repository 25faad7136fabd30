"""Whether this node may take requests: the facts, gathered; the verdict, pure."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Engine, column, func, inspect, select, table
from sqlalchemy.exc import SQLAlchemyError

from quilt.config import ROOT
from quilt.database import db
from quilt.mail import MailMessage
from quilt.media.models import Video

_VERSION = table("alembic_version", column("version_num"))
LEAST_DISK = 0.05  # the share of the disk that must be free
LONGEST_WAIT = 15 * 60.0  # seconds that a mail or a video may wait before somebody should look


@dataclass(frozen=True)
class Facts:
    """What readiness depends on. `schema` is current, behind or ahead; None where it cannot be known."""

    is_database_there: bool
    schema: str | None
    free_disk: float
    longest_wait: float  # seconds


def list_troubles(facts: Facts) -> list[str]:
    """The names of what is wrong: database, migrations, disk, queue; nothing means ready.

    A schema that is ahead is fine: it is what the nodes of the last release meet during an upgrade.
    """
    checks = {
        "database": facts.is_database_there,
        "migrations": facts.schema in ("current", "ahead"),
        "disk": facts.free_disk > LEAST_DISK,
        "queue": facts.longest_wait <= LONGEST_WAIT,
    }
    return [name for name, is_well in checks.items() if not is_well]


def gather_facts(data: Path, now: datetime) -> Facts:
    """The facts of this moment; `data` is the folder whose disk must not run full."""
    disk = shutil.disk_usage(data)
    free = disk.free / disk.total if disk.total else 0.0
    try:
        schema = find_schema_state(db.engine)
        wait = find_longest_wait(now) if schema != "behind" else 0.0
    except SQLAlchemyError:
        db.session.rollback()
        return Facts(False, None, free, 0.0)
    return Facts(True, schema, free, wait)


def find_schema_state(engine: Engine) -> str:
    """How the database's tables stand to this code: current, behind, or ahead (a newer release was here)."""
    with engine.connect() as connection:
        is_there = inspect(connection).has_table(_VERSION.name)
        revision = connection.scalar(select(_VERSION.c.version_num)) if is_there else None
    known, head = _known_revisions()
    if revision == head:
        return "current"
    return "behind" if revision is None or revision in known else "ahead"


def find_longest_wait(now: datetime) -> float:
    """Seconds since the oldest mail or video became due that no worker has taken; 0 when none waits."""
    mail = select(func.min(MailMessage.due_at)).where(MailMessage.state == "waiting")
    video = select(func.min(Video.lease_until)).where(Video.state == "queued")
    waiting = [since for since in (db.session.scalar(mail), db.session.scalar(video)) if since is not None]
    return max(((now - since).total_seconds() for since in waiting), default=0.0)


@lru_cache(maxsize=1)
def _known_revisions() -> tuple[frozenset[str], str]:
    """All revisions and the newest: their files are numbered (0001_…), one after the other."""
    known = frozenset(path.name[:4] for path in (ROOT / "migrations" / "versions").glob("[0-9]*_*.py"))
    return known, max(known)
