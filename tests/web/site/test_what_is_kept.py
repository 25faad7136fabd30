"""GET /privacy, and where people can write to."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from quilt.config import ConfigurationError, Settings


@pytest.fixture
def contact(app: Flask) -> Iterator[str]:
    """The site has an address to write to for the length of the test."""
    before = app.jinja_env.globals["contact"]
    app.jinja_env.globals["contact"] = "people@example.org"
    yield "people@example.org"
    app.jinja_env.globals["contact"] = before


def test_every_page_leads_to_what_is_kept(client: FlaskClient) -> None:
    assert 'href="/privacy"' in client.get("/sign-in").text
    page = client.get("/privacy").text
    for span in (
        "seven days",
        "emptied 30 days after",
        "30 days after the result is final",
        "it goes 7 days later",
        "after 30 days at the latest",
    ):
        assert span in page


def test_where_there_is_an_address_every_page_says_so(client: FlaskClient, contact: str) -> None:
    for path in ("/sign-in", "/privacy"):
        assert f'href="mailto:{contact}"' in client.get(path).text


def test_without_an_address_nobody_is_sent_anywhere(client: FlaskClient) -> None:
    assert "mailto:" not in client.get("/privacy").text


@pytest.mark.parametrize("text", ["people", "a@b@c", "A <a@example.org>", "a@example.org, b@example.org"])
def test_the_address_is_one_address(text: str) -> None:
    replace(Settings(environment="test"), contact="people@example.org").check()
    with pytest.raises(ConfigurationError, match="QUILT_CONTACT"):
        replace(Settings(environment="test"), contact=text).check()
