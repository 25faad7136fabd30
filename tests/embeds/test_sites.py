"""Showing that a site is one's own: by DNS, a file, or a meta tag; never by a look into our own network."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from quilt.database import db
from quilt.embeds.desk import list_sites
from quilt.embeds.models import Organisation, Site
from quilt.embeds.queries import list_origins
from quilt.embeds.rules import MOST_SITES, LimitReached, OriginRefused
from quilt.embeds.sites import FILE_PATH, add_sites, check_site, find_meta, remove_site
from tests.conftest import NOW
from tests.embeds.brands import make_organisation
from tests.factories import make_user


@contextmanager
def serve(pages):
    """Somebody's site on loopback: path → body; redirects for bodies that begin with >."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = pages.get(self.path)
            self.send_response(404 if body is None else 302 if body.startswith(b">") else 200)
            if body and body.startswith(b">"):
                self.send_header("Location", body[1:].decode())
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            """The tests' output stays quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def organisation(app):
    return make_organisation(make_user())


def add(organisation, origin) -> Site:
    return add_sites(organisation.id, origin, now=NOW, entropy=lambda n: b"\xab" * n, allow_plain=True)[0]


def check(site, records=(), allow_loopback=True):
    return check_site(
        site, now=NOW, allow_loopback=allow_loopback, look_up=lambda name: records_of(name, records)
    )


def records_of(name, records):
    assert name.startswith("_quilt.")
    return list(records)


def test_a_site_is_shown_by_a_txt_record(organisation):
    site = check(add(organisation, "https://www.example.org"), ["v=spf1 -all", "ab" * 16])
    assert (site.method, site.verified_at, site.problem) == ("dns", NOW, "")
    assert list_origins(organisation.id) == ("https://www.example.org",)
    assert db.session.get(Organisation, organisation.id, populate_existing=True).version == 2


@pytest.mark.parametrize(("pages", "method"), [
    ({FILE_PATH: b" " + b"ab" * 16 + b"\n"}, "file"),
    ({"/": b'<html><head><META content="' + b"ab" * 16 + b'" name="Quilt-Site">'}, "meta"),
])  # fmt: skip
def test_a_site_is_shown_by_a_file_or_a_tag(organisation, pages, method):
    with serve(pages) as (origin, _):
        assert check(add(organisation, origin)).method == method


@pytest.mark.parametrize("pages", [
    {}, {FILE_PATH: b"ab" * 15}, {FILE_PATH: b"x" + b"ab" * 16}, {"/": b"<p>" + b"ab" * 16}, {"/": b"\xff\xfe"},
    {"/": b'<meta name="quilt-site">'}, {FILE_PATH: b">http://127.0.0.1:1/"}, {"/": b"x" * 3_000_000},
])  # fmt: skip
def test_what_proves_nothing(organisation, pages):
    with serve(pages) as (origin, _):
        site = check(add(organisation, origin), ["ab" * 15])
    assert site.verified_at is None and site.problem and site.checked_at == NOW
    assert list_origins(organisation.id) == ()


def test_our_own_network_is_never_asked(organisation):
    with serve({FILE_PATH: b"ab" * 16}) as (origin, asked):
        site = check(add(organisation, origin), allow_loopback=False)
        assert site.verified_at is None and "https" in site.problem and asked == []


def test_a_site_that_was_verified_stays_so_when_it_is_down(organisation):
    site = check(add(organisation, "http://127.0.0.1:1025"), ["ab" * 16])
    again = check(site)
    assert again.verified_at == NOW and again.problem


def test_all_lines_or_none_and_each_once(organisation):
    with pytest.raises(OriginRefused):
        add_sites(organisation.id, "https://a.example\n*", now=NOW, entropy=bytes)
    assert list_sites(organisation.id) == []
    assert (
        len(add_sites(organisation.id, "https://a.example\nhttps://b.example", now=NOW, entropy=bytes)) == 2
    )
    assert add_sites(organisation.id, "https://a.example", now=NOW, entropy=bytes) == []
    many = "\n".join(f"https://s{number}.example" for number in range(MOST_SITES))
    with pytest.raises(LimitReached):
        add_sites(organisation.id, many, now=NOW, entropy=bytes)
    remove_site(list_sites(organisation.id)[0])
    assert [site.origin for site in list_sites(organisation.id)] == ["https://b.example"]


def test_meta_tags_are_found_in_broken_pages():
    assert find_meta(
        '<meta name=quilt-site content=a><body <meta name="quilt-site" content=" b "><meta name=x content=c>'
    ) == ["a"]
