"""The migrations make exactly the tables of the models, go up and down, and carry data, on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import CheckConstraint, Column, MetaData, Table, create_engine, inspect, text
from sqlalchemy.engine import URL, make_url

from quilt.app import create_app
from quilt.config import ROOT, Settings
from quilt.database import Base, ExactInteger, close_writers, db
from tests.conftest import NOW


@pytest.fixture
def empty_app(settings: Settings, tmp_path: Path) -> Iterator[Flask]:
    """An application on a database of its own, without any table."""
    url = make_url(settings.database)
    is_postgresql = url.get_backend_name() == "postgresql"
    own = (
        url.set(database="migrations")
        if is_postgresql
        else URL.create("sqlite", database=str(tmp_path / "m.db"))
    )
    if is_postgresql:
        _maintain(url, "DROP DATABASE IF EXISTS migrations")
        _maintain(url, "CREATE DATABASE migrations")
    address = own.render_as_string(hide_password=False)
    app = create_app(replace(settings, database_url=address, data=tmp_path))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    close_writers()
    if is_postgresql:
        _maintain(url, "DROP DATABASE migrations")


def test_the_migrations_make_the_models_tables(empty_app: Flask) -> None:
    flask_migrate.upgrade()
    with db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_object": _is_ours}
        )
        differences = compare_metadata(context, Base.metadata)
        assert len(inspect(connection).get_table_names()) == len(Base.metadata.tables) + 1 > 25
    assert differences == []


def test_the_checks_are_the_models_too(empty_app: Flask) -> None:
    """Autogeneration does not compare CHECK constraints: the names must agree."""
    flask_migrate.upgrade()
    inspector = inspect(db.engine)
    expected = {
        (table.name, str(constraint.name))
        for table in Base.metadata.sorted_tables
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    made = {
        (table, constraint["name"])
        for table in inspector.get_table_names()
        for constraint in inspector.get_check_constraints(table)
    }
    assert made == expected
    assert len(expected) > 5


def test_a_planted_difference_is_seen(empty_app: Flask) -> None:
    flask_migrate.upgrade()
    planted = MetaData()
    for table in Base.metadata.sorted_tables:
        table.to_metadata(planted)
    planted.tables["vote"].append_column(Column("forgotten", planted.tables["vote"].c.slot.type))
    Table("forgotten", planted, Column("id", planted.tables["vote"].c.id.type, primary_key=True))
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _is_ours})
        kinds = [difference[0] for difference in compare_metadata(context, planted)]
    assert sorted(kinds) == ["add_column", "add_table"]


def test_up_down_up_with_data(empty_app: Flask) -> None:
    """Each step down and up again over filled tables works; what a step does not touch is still there."""
    flask_migrate.upgrade()
    filled = _fill_every_table()
    assert len(filled) == len(Base.metadata.tables)
    revisions = [script.revision for script in ScriptDirectory(str(ROOT / "migrations")).walk_revisions()]
    for revision, before in zip(revisions, [*revisions[1:], "base"], strict=True):
        flask_migrate.downgrade(revision=before)
        kept = _count_rows()
        flask_migrate.upgrade(revision=revision)
        assert kept.items() <= _count_rows().items()
        assert _list_broken_keys() == []
    flask_migrate.upgrade()
    with db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_object": _is_ours}
        )
        assert compare_metadata(context, Base.metadata) == []
    flask_migrate.downgrade(revision="base")
    assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}


def _count_rows() -> dict[str, int]:
    tables = [name for name in inspect(db.engine).get_table_names() if name != "alembic_version"]
    counted = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in tables)
    with db.engine.connect() as connection:
        return {name: rows for name, rows in connection.execute(text(counted))} if tables else {}


def _list_broken_keys() -> list[Any]:
    """Rows that point at nothing; SQLite's tables are made anew, and meanwhile nobody looks at keys."""
    if db.engine.dialect.name != "sqlite":
        return []
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
        return list(connection.exec_driver_sql("PRAGMA foreign_key_check").all())


def _fill_every_table() -> list[str]:
    """One row in each table, every column filled, in the order of the foreign keys."""
    ids: dict[str, dict[str, Any]] = {}
    with db.engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            row = {column.name: _make_value(column, ids) for column in table.columns}
            connection.execute(table.insert(), row)
            ids[table.name] = row
    return list(ids)


def _make_value(column: Column[Any], ids: dict[str, dict[str, Any]]) -> Any:
    if (column.table.name, column.name) in SAMPLES:
        return SAMPLES[column.table.name, column.name]
    targets = [key.column for key in column.foreign_keys]
    for target in targets:
        if target.table.name in ids:
            return ids[target.table.name][target.name]
    if targets:
        return None  # a row of its own table: there is none yet
    if column.name == "state":
        return SAMPLE_STATES.get(column.table.name, "x")
    special = {
        ("video", "kind"): "file",
        ("phase", "ends_at"): NOW.replace(year=2027),
        ("membership", "role"): "owner",
        ("placement", "kind"): "entry",
        ("ballot_policy", "period"): "day",
        ("ballot_policy", "counts"): "live",
        ("mail_domain", "verdict"): "fine",
    }
    if (column.table.name, column.name) in special:
        return special[column.table.name, column.name]
    if isinstance(column.type, ExactInteger):
        return 1
    kind = getattr(column.type, "impl_instance", column.type).python_type
    return {int: 1, str: "x", bytes: b"x" * 16, float: 1.0, bool: True, datetime: NOW, date: NOW.date()}[kind]


SAMPLES = {
    ("sponsor", "logo_key"): "x" * 104,  # longer than it was
    ("vote_decision", "actor"): "reviewer",
    ("vote_decision", "after"): "held",
    ("vote_review", "after"): "held",
    ("appeal", "outcome"): "upheld",
    ("gate_request", "action"): "try",
    ("appeal", "author_id"): None,  # not the one who answers
    ("result", "approved_by"): None,  # not the one who proposed it
}
SAMPLE_STATES = {
    "video": "ready",
    "entry": "published",
    "vote": "counted",
    "account_export": "ready",
    "post": "queued",
    "webhook_delivery": "waiting",
    "result": "proposed",
    "prize": "promised",
}


def _is_ours(_item: object, name: str | None, kind: str, *_: object) -> bool:
    return not (kind == "table" and name == "alembic_version")


def _maintain(url: URL, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
