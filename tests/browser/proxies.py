"""A server in front of Quilt's that has a bad day: it is slow, or dies in the midst of an answer."""

import http.client
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.browser.hosts import serving

HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


class Proxy:
    """Passes GETs on to `target`. What holds for the paths that begin with `where`: `delay` seconds before the answer,
    `cut` bytes of it before the line breaks (None: all of it)."""

    def __init__(self, target: str, where: str = "/embed/") -> None:
        self.where, self.delay, self.cut = where, 0.0, None
        self.asked: list[str] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                proxy.asked.append(self.path)
                is_meant = self.path.startswith(proxy.where)
                if is_meant and proxy.delay:
                    time.sleep(proxy.delay)
                there = http.client.HTTPConnection(urlsplit(target).netloc, timeout=20)
                names = ("Accept-Encoding", "Origin", "User-Agent", "Cookie", "Range")
                there.request(
                    "GET", self.path, headers={n: self.headers[n] for n in names if n in self.headers}
                )
                answer = there.getresponse()
                body = answer.read()
                there.close()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if is_meant and proxy.cut is not None:
                    self.wfile.write(body[: proxy.cut])
                    self.wfile.flush()
                    time.sleep(0.2)
                    # As the kernel does when a process is killed: a reset, no orderly end.
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    return
                self.wfile.write(body)

            def handle(self) -> None:
                try:
                    super().handle()
                except (OSError, ValueError):
                    self.close_connection = True  # the browser went away, or we have cut the line

            def finish(self) -> None:
                try:
                    super().finish()
                except (OSError, ValueError):
                    return

            def log_message(self, *_: object) -> None:
                """The tests' output stays quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def open_proxy(target: str, where: str = "/embed/") -> Iterator[Proxy]:
    """Serve until the end of the block."""
    proxy = Proxy(target, where)
    with serving(proxy.server):
        yield proxy
