"""When a node may take requests: the truth table of the verdict, and the facts from both databases."""

import os
from datetime import timedelta
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import text

from quilt.app import create_app
from quilt.config import Settings
from quilt.database import db
from quilt.letters import Letter
from quilt.mail import put_in_outbox
from quilt.readiness import (
    LEAST_DISK,
    LONGEST_WAIT,
    Facts,
    find_longest_wait,
    find_schema_state,
    list_troubles,
)
from tests.conftest import NOW
from tests.factories import make_user, make_video

WELL = Facts(is_database_there=True, schema="current", free_disk=0.5, longest_wait=0.0)


@pytest.mark.parametrize(
    ("change", "troubles"),
    [
        ({}, []),
        ({"is_database_there": False, "schema": None}, ["database", "migrations"]),
        ({"schema": "behind"}, ["migrations"]),
        ({"schema": "ahead"}, []),
        ({"free_disk": LEAST_DISK}, ["disk"]),
        ({"free_disk": LEAST_DISK + 0.001}, []),
        ({"longest_wait": LONGEST_WAIT}, []),
        ({"longest_wait": LONGEST_WAIT + 1}, ["queue"]),
        ({"schema": "behind", "free_disk": 0.0, "longest_wait": 1e9}, ["migrations", "disk", "queue"]),
    ],
)
def test_verdict(change: dict, troubles: list[str]) -> None:
    assert list_troubles(Facts(**{**vars(WELL), **change})) == troubles


def test_schema_state(app: Flask) -> None:
    assert find_schema_state(db.engine) == "current"
    head = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    db.session.rollback()
    try:
        for revision, state in (("from-a-later-release", "ahead"), (None, "behind")):
            _set_revision(revision)
            assert find_schema_state(db.engine) == state
    finally:
        _set_revision(head)


def test_nothing_waits(app: Flask) -> None:
    assert find_longest_wait(NOW) == 0


def test_the_oldest_waiting_thing_counts(app: Flask) -> None:
    put_in_outbox(db.session(), Letter("test", "s", "t", "h"), "a@example.org", NOW - timedelta(minutes=3))
    make_video(make_user(), kind="file", state="queued", lease_until=NOW - timedelta(minutes=7))
    make_video(make_user(), kind="file", state="ready", created_at=NOW - timedelta(days=7))
    assert find_longest_wait(NOW) == 7 * 60


def test_tables_that_are_missing_are_behind(tmp_path: Path) -> None:
    app = create_app(Settings(environment="test", data=tmp_path, are_limits_on=False))
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.json["troubles"]) == (503, ["migrations"])
    with app.app_context():
        flask_migrate.upgrade()
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ready", "troubles": []})


def test_a_database_that_is_away_is_said(tmp_path: Path) -> None:
    nobody = "postgresql://nobody@127.0.0.1:9/nothing"  # port 9: nothing listens there
    app = create_app(Settings(environment="test", data=tmp_path, database_url=nobody, are_limits_on=False))
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.json["troubles"]) == (503, ["database", "migrations"])
    assert app.test_client().get("/healthz").status_code == 200
    with app.app_context():
        db.engine.dispose()


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "quilt.db").write_bytes(os.urandom(4096))
    app = create_app(Settings(environment="test", data=tmp_path, are_limits_on=False))
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.json["troubles"]) == (503, ["database", "migrations"])


def _set_revision(revision: str | None) -> None:
    with db.engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        if revision is not None:
            connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})
