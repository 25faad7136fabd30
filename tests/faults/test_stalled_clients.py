"""J11: clients that open a connection, promise a body and keep silent do not keep anybody else waiting."""

import http.client
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from quilt.database import db
from tests.factories import make_contest, make_entry
from tests.live import open_site

FORM = b"Content-Type: application/x-www-form-urlencoded"
FILES = b"Content-Type: multipart/form-data; boundary=xx"
HALF_SENT = (
    b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\n",  # the headers do not end
    b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n%s\r\n\r\nemail=" % FORM,
    b"POST /arrivals HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 200\r\n%s\r\n\r\n" % FORM,
    b"POST /entries/1/vote HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 70000\r\n%s\r\n\r\n--xx\r\n"
    % FILES,
    b"POST /entries/2/vote HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n%s\r\n\r\n4\r\n"
    % FORM,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with open_site(tmp_path_factory.mktemp("stalled")) as site:
        with site.app.app_context():
            contest = make_contest()
            for _ in range(2):
                make_entry(contest)
            db.session.remove()
        yield site


def test_a_body_in_chunks_is_read_as_one_that_says_how_long_it_is(site):
    with closing(http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)) as connection:
        headers = {"Content-Type": "application/json", "Origin": site.url}
        connection.request("POST", "/arrivals", iter([b"{", b"}"]), headers, encode_chunked=True)
        with connection.getresponse() as response:
            assert (response.status, b"could not read" in response.read()) == (400, True)


@pytest.mark.parametrize("count", [4, 20, 200])
def test_J11_others_are_answered_while_so_many_keep_silent(site, count):
    with ExitStack() as stalled:
        for number in range(count):
            connection = stalled.enter_context(socket.create_connection(("127.0.0.1", site.port)))
            connection.sendall(HALF_SENT[number % len(HALF_SENT)])
        time.sleep(0.5)
        # Several at a time, as people come: the server may find a thread for one only when the next one asks.
        with ThreadPoolExecutor(3) as people:
            waits = list(people.map(lambda path: ask(site, path), ("/", "/sign-in", "/contests") * 10))
    assert max(waits) < 5 and sorted(waits)[len(waits) // 2] < 1


def ask(site, path):
    """Seconds until somebody else has the page."""
    start = time.monotonic()
    with closing(http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)) as connection:
        connection.request("GET", path)
        with connection.getresponse() as response:
            response.read()
            assert response.status == 200
    return time.monotonic() - start
