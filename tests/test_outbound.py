"""Requests that leave this machine, over real sockets: what is refused, cut off, given up, and what comes back."""

import ipaddress
import socket
import threading
import time

import pytest

from quilt.outbound import (
    AddressRefused,
    AnswerTooLarge,
    Unanswered,
    check_url,
    fetch,
    is_public_address,
)
from tests.stub_server import open_stub, say


@pytest.fixture
def stub():
    with open_stub(say("hello", X_Kind="plain")) as stub:
        yield stub


def ask(stub, path="/", method="GET", **options):
    return fetch(method, stub.url + path, allow_loopback=True, **options)


def test_what_is_sent_and_what_comes_back(stub):
    answer = ask(stub, "/a?b=c", "POST", body=b"x=1", headers={"Accept": "application/json"})
    assert (answer.status, answer.body, answer.headers["x-kind"]) == (200, b"hello", "plain")
    (asked,) = stub.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/a?b=c", b"x=1")
    assert asked.headers["Accept"] == "application/json" and asked.headers["Accept-Encoding"] == "identity"
    assert asked.headers["Host"] == f"127.0.0.1:{stub.port}" and "Cookie" not in asked.headers


def test_a_redirect_is_an_answer_and_is_not_followed(stub):
    stub.answer = say(status=302, Location="/elsewhere")
    assert ask(stub).status == 302 and len(stub.asked) == 1


def test_this_machine_is_asked_only_where_that_is_allowed(stub):
    for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1"):
        with pytest.raises(AddressRefused):
            fetch("GET", f"https://{host}:{stub.port}/")
        with pytest.raises(AddressRefused):
            fetch("GET", f"http://{host}:{stub.port}/")
    assert stub.asked == []


def test_plain_http_reaches_this_machine_at_most():
    with pytest.raises(AddressRefused):
        fetch("GET", "http://93.184.216.34:8080/", allow_loopback=True)
    with pytest.raises(AddressRefused):
        fetch("GET", "https://10.0.0.1/", allow_loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//example.org/",
        "https://",
        "https://user:word@example.org/",
        "https://example.org@127.0.0.1/",
        "https://[broken",
        "https://example.org:99999/",
        "https://example.org:22/",
        "https://example.org:25/",
        "https://example.org/a b",
        "https://example.org/\r\nX: y",
        "https://exa\\mple.org/",
        "https://exämple.org/",
        "https://example.org/" + "a" * 2000,
    ],
)
def test_addresses_that_nobody_is_asked_for(url):
    with pytest.raises(AddressRefused):
        check_url(url, allow_loopback=True)
    with pytest.raises(AddressRefused):
        fetch("GET", url, allow_loopback=True)


def test_a_header_with_a_line_break_is_not_sent(stub):
    with pytest.raises(Unanswered):
        ask(stub, headers={"X-Kind": "a\r\nX-More: b"})
    assert stub.asked == []


def test_the_size_is_limited(stub):
    stub.answer = say(b"x" * 1000)
    assert len(ask(stub, most_bytes=1000).body) == 1000
    with pytest.raises(AnswerTooLarge):
        ask(stub, most_bytes=999)


def test_what_nobody_asked_to_be_compressed_is_refused(stub):
    stub.answer = say(b"xx", Content_Encoding="gzip")
    with pytest.raises(AnswerTooLarge):
        ask(stub)


def test_a_drip_of_bytes_is_given_up_in_time(stub):
    dropped = threading.Event()

    def drip(handler, _asked):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        try:
            for _ in range(100):
                handler.wfile.write(b" ")
                time.sleep(0.05)
        except OSError:
            dropped.set()

    stub.answer = drip
    began = time.monotonic()
    with pytest.raises(Unanswered):
        ask(stub, deadline_seconds=0.4)
    assert time.monotonic() - began < 1.5
    assert dropped.wait(3)


def test_silence_and_nonsense():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(Unanswered):
            fetch("GET", url, deadline_seconds=0.3, allow_loopback=True)
    with pytest.raises(Unanswered):
        fetch("GET", url, allow_loopback=True)
    with pytest.raises(Unanswered):
        fetch("GET", "https://no-such-host.invalid/")


def test_a_certificate_is_asked_for(stub):
    with pytest.raises(Unanswered):
        fetch("GET", stub.url.replace("http:", "https:"), allow_loopback=True, deadline_seconds=2)
    assert stub.asked == []


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("93.184.216.34", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("192.0.0.9", False),
        ("192.0.0.170", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("::7f00:1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("2001:0:7f00:1::", False),
        ("fd00:ec2::254", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("::ffff:0:7f00:1", False),
        ("::ffff:0:a00:1", False),
        ("192.88.99.1", False),
        ("3fff::1", False),
        ("5f00::1", False),
        ("192.88.98.255", True),
    ],
)
def test_which_addresses_are_public(text, public):
    assert is_public_address(ipaddress.ip_address(text)) is public
