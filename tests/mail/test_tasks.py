"""What the worker does about mail and codes, every second and every hour."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import func, select

from quilt.accounts.models import EmailCode
from quilt.accounts.service import request_code
from quilt.accounts.tasks import forget_codes
from quilt.config import Settings
from quilt.database import db
from quilt.jobs.queue import PERIODIC, Job
from quilt.letters import composer
from quilt.mail import MailMessage
from quilt.mail_tasks import send_due_mail
from tests.conftest import NOW


def entropy(size: int) -> bytes:
    return b"7" * size


def test_the_worker_knows_both(app: Flask) -> None:
    assert PERIODIC["mail_tasks.send_due_mail"].seconds == 1
    assert "accounts.tasks.forget_codes" in PERIODIC


def test_a_code_asked_for_is_kept_within_a_second_and_forgotten_after_a_day(
    app: Flask, settings: Settings
) -> None:
    request_code(
        "ana@example.org", compose=composer(settings), secret=settings.secret_key, now=NOW, entropy=entropy
    )
    send_due_mail(Job(settings, lambda: NOW, entropy))
    assert db.session.scalars(select(MailMessage.state)).all() == ["kept"]
    forget_codes(Job(settings, lambda: NOW + timedelta(hours=25), entropy))
    assert db.session.scalar(select(func.count()).select_from(EmailCode)) == 0
