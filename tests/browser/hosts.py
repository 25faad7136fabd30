"""Somebody else's site: pages of a test, served from another origin than Quilt's."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class HostSite:
    """Pages by path; `localhost`, 127.0.0.2 and so on are other sites than 127.0.0.1, where Quilt stands in these tests."""

    def __init__(self, address: str = "127.0.0.1", name: str = "localhost") -> None:
        self.pages: dict[str, tuple[bytes, dict[str, str]]] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body, headers = site.pages.get(self.path, (b"", {}))
                self.send_response(200 if self.path in site.pages else 404)
                for header, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                    self.send_header(header, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """The tests' output stays quiet."""

        self.server = ThreadingHTTPServer((address, 0), Handler)
        self.url = f"http://{name}:{self.server.server_address[1]}"

    def put(self, path: str, body: str, **headers: str) -> str:
        """Publish a page; `content_security_policy=` becomes that header. Returns the page's address."""
        page = f"<!doctype html><meta charset=utf-8><title>A blog</title><body>{body}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = (page.encode(), named)
        return self.url + path


@contextmanager
def open_host(address: str = "127.0.0.1", name: str = "localhost") -> Iterator[HostSite]:
    """Serve until the end of the block."""
    host = HostSite(address, name)
    with serving(host.server):
        yield host


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    """Let a server answer, in a thread of its own, until the end of the block."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
