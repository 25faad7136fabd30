"""The audit: what is stored twice must agree. Reads one moment of the database, changes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection

from quilt.audit.counters import check_ballots, check_tallies
from quilt.audit.digest import TableDigest, digest_tables
from quilt.audit.files import check_files
from quilt.audit.keys import check_links_between_tables, check_unique_keys
from quilt.audit.ledger import check_ledgers
from quilt.audit.report import Check
from quilt.audit.trees import check_arrivals, check_spreads, check_times
from quilt.config import Settings
from quilt.database import db


def run_audit(settings: Settings, now: datetime) -> list[Check]:
    """Every check, with how many things it looked at and the differences it found."""
    with _one_moment() as connection:
        return [
            check_tallies(connection),
            check_ballots(connection),
            check_unique_keys(connection),
            check_links_between_tables(connection),
            check_arrivals(connection),
            check_spreads(connection),
            check_times(connection, now),
            *check_ledgers(connection, settings, now),
            *check_files(connection, settings, now),
        ]


def run_digest() -> list[TableDigest]:
    """The digest of every table at one moment."""
    with _one_moment() as connection:
        return digest_tables(connection)


@contextmanager
def _one_moment() -> Iterator[Connection]:
    """A connection that sees the database as it is now, whatever is written meanwhile."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with connection.begin() as moment:
            yield connection
            moment.rollback()
