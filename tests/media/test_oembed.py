"""Title and picture of a link, asked over a real socket; and everything a hostile or slow answer may try."""

import gzip
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from quilt.media.links import parse_link
from quilt.media.oembed import (
    ENDPOINTS,
    OEmbed,
    fetch_bytes,
    fetch_oembed,
    fetch_picture,
)

VIDEO = parse_link("https://youtu.be/dQw4w9WgXcQ")
PICTURE = "https://i.ytimg.com/vi/dQw4w9WgXcQ/hqdefault.jpg"
GOOD = {"title": "A first step", "thumbnail_url": PICTURE, "html": "<iframe srcdoc='<script>'></iframe>"}


class Provider:
    """A provider of our own on loopback: says what it is told to say, and remembers who asked."""

    def __init__(self):
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                provider.asked.append((self.path, dict(self.headers)))
                provider.answer(self)

            def log_message(self, *_):
                """A test run stays quiet."""

        self.asked = []
        self.answer = say(json.dumps(GOOD))
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.endpoint = f"http://127.0.0.1:{self.port}/oembed?format=json&url="
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))


@pytest.fixture
def provider():
    provider = Provider()
    provider.server.daemon_threads = True
    provider.thread.start()
    yield provider
    provider.server.shutdown()
    provider.thread.join()
    provider.server.server_close()


def say(body, status=200, **headers):
    content = body if isinstance(body, bytes) else body.encode()

    def answer(handler):
        handler.send_response(status)
        for name, value in ({"Content_Length": len(content)} | headers).items():
            handler.send_header(name.replace("_", "-"), str(value))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def ask(provider, **options):
    return fetch_oembed(VIDEO, endpoint=provider.endpoint, is_allowed_address=lambda _: True, **options)


def test_title_and_picture(provider):
    assert ask(provider) == OEmbed("A first step", PICTURE)
    path, headers = provider.asked[0]
    assert path.endswith("url=https%3A%2F%2Fwww.youtube.com%2Fwatch%3Fv%3DdQw4w9WgXcQ")
    assert headers["Host"] == f"127.0.0.1:{provider.port}" and "Cookie" not in headers


def test_real_endpoints_are_https_and_fixed():
    assert set(ENDPOINTS) == {"youtube", "vimeo"}
    assert all(address.startswith("https://") for address in ENDPOINTS.values())


def test_our_own_network_is_never_asked(provider):
    assert fetch_oembed(VIDEO, endpoint=provider.endpoint) is None
    by_name = provider.endpoint.replace("127.0.0.1", "localhost")
    assert fetch_oembed(VIDEO, endpoint=by_name) is None
    assert provider.asked == []


def test_the_connection_goes_to_the_address_that_was_checked(provider):
    """A name that would lead elsewhere at a second look-up has no second look-up."""
    checked = []

    def note(address):
        checked.append(str(address))
        return True

    assert fetch_oembed(VIDEO, endpoint=provider.endpoint, is_allowed_address=note) is not None
    assert checked == ["127.0.0.1"] and len(provider.asked) == 1


def test_one_bad_address_among_good_ones_is_enough_to_refuse(provider):
    answers = iter([True, False])
    by_name = provider.endpoint.replace("127.0.0.1", "localhost")
    both = len({entry[4][0] for entry in socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)}) > 1
    found = fetch_oembed(VIDEO, endpoint=by_name, is_allowed_address=lambda _: next(answers))
    assert (found is None) is both or not both


@pytest.mark.parametrize(
    "answer",
    [
        say("moved", 302, Location="/elsewhere"),
        say("gone", 404),
        say("oh", 500),
        say("not json"),
        say(b"\xff\xfe\x00"),
        say("[]"),
        say("{}"),
        say('{"title": 7}'),
        say("[" * 100_000),
        say("x" * 300_000),
        say(gzip.compress(json.dumps(GOOD).encode()), Content_Encoding="gzip"),
        say(json.dumps(GOOD), Content_Length=10),
    ],
    ids=lambda _: "",
)
def test_other_answers_give_nothing(provider, answer):
    provider.answer = answer
    assert ask(provider) is None
    assert len(provider.asked) == 1


def test_nobody_there_gives_nothing():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}/?url="
        assert fetch_oembed(VIDEO, endpoint=endpoint, is_allowed_address=lambda _: True) is None
    assert fetch_oembed(VIDEO, endpoint="http://no-such-host.invalid/?url=") is None


def test_an_https_address_is_spoken_to_in_tls(provider):
    endpoint = provider.endpoint.replace("http:", "https:")
    assert fetch_oembed(VIDEO, endpoint=endpoint, is_allowed_address=lambda _: True, total_s=1) is None
    assert provider.asked == []


def test_a_drip_is_given_up_after_the_whole_time(provider):
    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        try:
            for _ in range(100):
                handler.wfile.write(b" ")
                time.sleep(0.05)
        except OSError:
            dropped.set()

    dropped = threading.Event()
    provider.answer = drip
    start = time.monotonic()
    assert ask(provider, total_s=0.4) is None
    assert time.monotonic() - start < 1
    assert dropped.wait(2)


def test_a_drip_within_the_first_line_is_given_up_too():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip():
            connection, _ = server.accept()
            with connection:
                try:
                    for _ in range(100):
                        connection.sendall(b"H")
                        time.sleep(0.05)
                except OSError:
                    dropped.set()

        dropped = threading.Event()
        thread = threading.Thread(target=drip)
        thread.start()
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}/?url="
        start = time.monotonic()
        assert fetch_oembed(VIDEO, endpoint=endpoint, is_allowed_address=lambda _: True, total_s=0.4) is None
        assert time.monotonic() - start < 1
        thread.join()
        assert dropped.is_set()


def test_an_endless_body_is_cut(provider):
    def pour(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 65536)
        except OSError:
            stopped.set()

    stopped = threading.Event()
    provider.answer = pour
    assert ask(provider) is None
    assert stopped.wait(2)


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("  A   first\n step ", "A first step"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("pay\u202eload\x00", "pay load"),
        ("x" * 5000, "x" * 200),
        ("", ""),
    ],
)
def test_titles_are_plain_text(provider, title, kept):
    provider.answer = say(json.dumps({"title": title}))
    assert ask(provider) == OEmbed(kept, None)


@pytest.mark.parametrize(
    "address",
    [
        "http://i.ytimg.com/vi/a.jpg",
        "https://evil.test/a.jpg",
        "https://i.ytimg.com:444/a.jpg",
        "https://u@i.ytimg.com/a.jpg",
        "https://i.ytimg.com.evil.test/a.jpg",
        "javascript:alert(1)",
        "https://[broken",
        "https://i.ytimg.com/" + "a" * 2000,
        7,
        None,
    ],
)
def test_pictures_come_from_the_providers_only(provider, address):
    provider.answer = say(json.dumps(GOOD | {"thumbnail_url": address}))
    assert ask(provider) == OEmbed("A first step", None)


def test_picture_bytes_are_bounded(provider):
    provider.answer = say(b"p" * 1000)
    address = f"http://127.0.0.1:{provider.port}/a.jpg"
    options = {"total_s": 2, "is_allowed_address": lambda _: True}
    assert fetch_bytes(address, max_bytes=1000, **options) == b"p" * 1000
    assert fetch_bytes(address, max_bytes=999, **options) is None
    assert fetch_picture(OEmbed("t", None)) is None
    assert fetch_picture(OEmbed("t", address)) is None, "loopback is refused unless a test allows it"
