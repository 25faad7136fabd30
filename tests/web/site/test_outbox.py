"""The outbox page: there in a demo, unknown everywhere else."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from quilt.config import Settings
from quilt.database import db, transaction
from quilt.letters import letter
from quilt.mail import MailMessage, deliver_due, put_in_outbox
from tests.conftest import NOW


@pytest.fixture
def run_as(app: Flask, settings: Settings) -> Iterator[Callable[..., None]]:
    """Give the application other settings for one test."""

    def change(**values: object) -> None:
        app.extensions["quilt_settings"] = replace(settings, **values)

    yield change
    app.extensions["quilt_settings"] = settings


def put(title: str = "The library bus") -> int:
    words = letter(
        "vote_code", site_name="Quilt", base_url="http://localhost", code="01234567", minutes=10, title=title,
        entry_id=7, link_key="x",
    )  # fmt: skip
    with transaction() as session:
        put_in_outbox(session, words, "ana@example.org", NOW)
    return db.session.scalars(select(MailMessage.id).order_by(MailMessage.id.desc())).first()


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"environment": "demo"}, 200),
        ({"environment": "development"}, 200),
        ({"environment": "demo", "smtp_url": "smtp://127.0.0.1:25"}, 404),
        ({"environment": "test"}, 404),
    ],
)
def test_who_has_an_outbox(
    client: FlaskClient, run_as: Callable[..., None], values: dict, status: int
) -> None:
    mail_id = put()
    run_as(**values)
    assert client.get("/outbox").status_code == status
    assert client.get(f"/outbox/{mail_id}").status_code == status


def test_the_newest_letter_is_on_top_at_once_and_after_the_worker_kept_it(
    client: FlaskClient, run_as: Callable[..., None], settings: Settings
) -> None:
    put("The first")
    put("The second")
    run_as(environment="demo")
    for _ in range(2):
        page = client.get("/outbox")
        assert page.text.index("The second") < page.text.index("The first") and "01234567" in page.text
        assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
        deliver_due(NOW, settings)


def test_a_letter_stands_in_a_locked_frame(client: FlaskClient, run_as: Callable[..., None]) -> None:
    mail_id = put("<script>alert(1)</script>")
    run_as(environment="demo")
    assert f'src="/outbox/{mail_id}"' in client.get("/outbox").text
    answer = client.get(f"/outbox/{mail_id}")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "sandbox allow-popups" in policy and "script-src" not in policy
    assert "frame-ancestors 'self'" in policy and "<script>alert" not in answer.text
    assert client.get("/outbox/999999").status_code == 404


def test_an_empty_outbox_says_so(client: FlaskClient, run_as: Callable[..., None]) -> None:
    run_as(environment="demo")
    assert "Nothing yet" in client.get("/outbox").text
