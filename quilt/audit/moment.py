"""One moment of the database, to compare what belongs together."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from quilt.database import db


@contextmanager
def one_moment() -> Iterator[Connection]:
    """A connection that sees the database as it is now, whatever is written meanwhile."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with connection.begin() as moment:
            yield connection
            moment.rollback()
