"""Answers for everybody are repeated for a moment, and for that moment only."""

import time

from quilt.web.pages import Page, slot
from quilt.web.repeats import MARK, Repeatable, Repeats


def make(freshness=0.2, mark=True, status="200 OK"):
    """A counting application behind the repeats, and a function that asks it."""
    made = []

    def app(environ, start_response):
        made.append(environ["PATH_INFO"])
        if mark:
            environ[MARK] = Repeatable("/things")
        start_response(status, [("ETag", '"1"'), ("Content-Length", "1"), ("X-Request-Id", "first")])
        return [str(len(made)).encode()]

    repeats = Repeats(app, freshness)

    def ask(path="/a", method="GET", query="", **headers):
        told = []
        environ = {"PATH_INFO": path, "REQUEST_METHOD": method, "QUERY_STRING": query, **headers}
        body = b"".join(repeats(environ, lambda status, headers: told.append((status, dict(headers)))))
        return (*told[0], body)

    return ask, made


def test_the_same_bytes_answer_for_a_moment():
    ask, made = make()
    first, second = ask(), ask()
    assert first[2] == second[2] == b"1" and len(made) == 1
    assert second[1]["X-Request-Id"] != "first"
    time.sleep(0.25)
    assert ask()[2] == b"2"


def test_who_knows_the_bytes_gets_none():
    ask, made = make()
    ask()
    status, headers, body = ask(HTTP_IF_NONE_MATCH='"1"')
    assert (status, body) == ("304 NOT MODIFIED", b"") and "Content-Length" not in headers and len(made) == 1


def test_other_methods_queries_unmarked_answers_and_errors_go_through():
    for arguments, asked in (({}, {"method": "POST"}), ({}, {"query": "x=1"}), ({"mark": False}, {}),
                             ({"status": "404 NOT FOUND"}, {}), ({"freshness": 0.0}, {})):  # fmt: skip
        ask, made = make(**arguments)
        assert [ask(**asked)[2], ask(**asked)[2]] == [b"1", b"2"] and len(made) == 2


def test_a_page_is_filled_anew_for_each_visitor_without_a_cookie():
    made = []

    def app(environ, start_response):
        made.append(environ)
        page = Page(f"<{slot('csp_nonce')}|{slot('channel')}>")
        environ[MARK] = Repeatable("/page", page, "first", lambda nonce, channel: fill(nonce, channel))
        start_response(
            "200 OK", [("Content-Security-Policy", "script-src 'nonce-first'"), ("Content-Length", "7")]
        )
        return [page.fill(fill("first", ""))]

    def fill(nonce, channel):
        return {"csp_nonce": nonce.encode(), "channel": channel.encode()}

    repeats = Repeats(app, 5.0)

    def ask(query="", **more):
        told = []
        environ = {"PATH_INFO": "/s/a", "REQUEST_METHOD": "GET", "QUERY_STRING": query, **more}
        body = b"".join(repeats(environ, lambda status, headers: told.append(dict(headers))))
        return told[0], body

    assert ask()[1] == b"<first|>"
    headers, body = ask("c=wa")
    nonce = body[1:].partition(b"|")[0].decode()
    assert body == f"<{nonce}|wa>".encode() and nonce != "first"
    assert headers["Content-Security-Policy"] == f"script-src 'nonce-{nonce}'"
    assert headers["Content-Length"] == str(len(body)) and len(made) == 1
    for asked in ({"HTTP_COOKIE": "a=b"}, {"query": "c=<script>"}, {"query": "play=1"}):
        ask(**asked)
    assert len(made) == 4
