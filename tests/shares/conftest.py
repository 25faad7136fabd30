import dataclasses
import http.client
import secrets
from urllib.parse import parse_qsl, urlsplit

import pytest

from quilt.shares.connections import finish_connecting, list_connections, start_connecting
from quilt.shares.connectors.table import find_connector
from quilt.shares.sealing import new_key
from tests.conftest import NOW
from tests.factories import make_contest, make_user
from tests.shares.networks import ID, SECRET, play_networks

NETWORKS = ("x", "linkedin", "reddit", "threads", "mastodon")


@pytest.fixture
def played():
    with play_networks() as server:
        yield server


@pytest.fixture
def posting(settings, played):
    """Settings under which every network is on and played by one server."""
    keys = {f"{name}_client_{part}": value for name in ("x", "linkedin", "reddit", "threads")
            for part, value in (("id", ID), ("secret", SECRET))}  # fmt: skip
    return dataclasses.replace(
        settings, networks_at=played.address, post_to=(*NETWORKS, "bluesky"), token_keys=(new_key(),), **keys
    )


def visit(address):
    """What a browser would do that says yes: the arguments with which it comes back to us."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    told = answer.read()
    connection.close()
    assert answer.status == 302, told
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def connect(name, settings, played, *, user=None, contest=None, now=NOW):
    """A connected account of a new person, or of this one: (user, connection id)."""
    user, contest = user or make_user(), contest or make_contest()
    connector = find_connector(name, settings)
    address = start_connecting(
        connector, user_id=user.id, contest_id=contest.id, next_path="/me/connections", settings=settings, now=now,
        where=played.address if name == "mastodon" else "", entropy=secrets.token_bytes,
    )  # fmt: skip
    finish_connecting(connector, visit(address), user_id=user.id, settings=settings, now=now)
    made = next(it for it in list_connections(user.id, settings) if it.name == name)
    return user, made.id
