"""A browser that signs in: it reads its token from the page, follows on, and opens its mail."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from quilt.database import db
from quilt.mail import MailMessage


class Browser:
    """The test client with a form's token sent along, as a page's form would."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **values: object) -> TestResponse:
        return self.client.get(path, **values)

    def send(self, path: str, page: str = "/sign-in", **fields: object) -> TestResponse:
        """Send a form that was found on `page`; answers are not followed."""
        return self.client.post(path, data={"csrf_token": self.token(page), **fields})

    def token(self, page: str = "/sign-in") -> str:
        return re.search(r'name="csrf_token" value="([^"]+)"', self.client.get(page).text)[1]

    def is_signed_in(self) -> bool:
        return self.client.get("/me").status_code == 200


@pytest.fixture
def browser(client: FlaskClient) -> Browser:
    return Browser(client)


@pytest.fixture
def mailed_code(app: object) -> Callable[[], str]:
    def read() -> str:
        db.session.rollback()
        mail = db.session.scalars(select(MailMessage).order_by(MailMessage.id.desc())).first()
        return re.search(r"^\s+(\d{8})$", mail.text, re.MULTILINE)[1]

    return read
