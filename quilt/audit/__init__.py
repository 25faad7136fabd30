"""The audit: what is stored twice must agree. Reads one moment of the database, then the files; changes nothing."""

from datetime import datetime

from quilt.audit.counters import check_ballots, check_tallies
from quilt.audit.digest import TableDigest, digest_tables
from quilt.audit.files import check_bytes, check_files
from quilt.audit.keys import check_links_between_tables, check_unique_keys
from quilt.audit.ledger import check_ledgers
from quilt.audit.moment import one_moment
from quilt.audit.report import Check
from quilt.audit.trees import check_arrivals, check_spreads, check_times
from quilt.config import Settings


def run_audit(settings: Settings, now: datetime, *, reads_files: bool = True) -> list[Check]:
    """Every check, with how many things it looked at and the differences it found.

    Without `reads_files` files are looked for, but not read: all the bytes of a large site take hours.
    """
    with one_moment() as connection:
        checks = [
            check_tallies(connection),
            check_ballots(connection),
            check_unique_keys(connection),
            check_links_between_tables(connection),
            check_arrivals(connection),
            check_spreads(connection),
            check_times(connection, now),
            *check_ledgers(connection, settings, now),
        ]
    return [*checks, *check_files(settings, now), *([check_bytes(settings)] if reads_files else [])]


def run_digest() -> list[TableDigest]:
    """The digest of every table at one moment."""
    with one_moment() as connection:
        return digest_tables(connection)
