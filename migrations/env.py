"""Runs the migrations inside the application's own engine (SQLite or PostgreSQL)."""

from contextlib import contextmanager

from alembic import context
from flask import current_app

target = current_app.extensions["migrate"].db
metadata = target.metadatas[None]


def render_item(kind, item, _autogen):
    """Write our own column types as what they are in the database: a migration outlives the code."""
    if kind == "type" and type(item).__module__ == "quilt.database":
        return f"sa.{item.impl_instance!r}"
    return False


@contextmanager
def let_tables_be_replaced(connection):
    """SQLite's way to change a table is to make it anew, which foreign keys would refuse; they hold again afterwards.

    The driver is told directly: within a transaction, which the engine would begin, SQLite does not hear it.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    raw = connection.connection.driver_connection
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        connection.rollback()  # what a migration that failed has left open
        raw.execute("PRAGMA foreign_keys=ON")


def run() -> None:
    """Apply the migrations, each in a transaction of its own."""
    options = dict(current_app.extensions["migrate"].configure_args)
    with target.engine.connect() as connection, let_tables_be_replaced(connection):
        context.configure(
            connection=connection,
            target_metadata=metadata,
            transaction_per_migration=True,
            include_object=lambda item, name, kind, *_: not (kind == "table" and name == "alembic_version"),
            render_item=render_item,
            **options,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
