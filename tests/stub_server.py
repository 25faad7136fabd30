"""A small HTTP server on loopback that says what a test tells it to say, and remembers what it was asked."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class StubServer:
    """`answer` gets the handler and the request, and writes whatever it likes."""

    answer: Callable[[BaseHTTPRequestHandler, Asked], None]
    port: int = 0
    asked: list[Asked] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def say(
    body: bytes | str = b"", status: int = 200, content_type: str = "text/plain", **headers: object
) -> Callable[[BaseHTTPRequestHandler, Asked], None]:
    """An answer; underscores in the names of headers become hyphens."""
    content = body if isinstance(body, bytes) else body.encode()

    def answer(handler: BaseHTTPRequestHandler, _asked: Asked) -> None:
        handler.send_response(status)
        for name, value in ({"Content_Length": len(content), "Content_Type": content_type} | headers).items():
            handler.send_header(name.replace("_", "-"), str(value))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


@contextmanager
def open_stub(answer: Callable[[BaseHTTPRequestHandler, Asked], None]) -> Iterator[StubServer]:
    """The server runs for as long as the block does."""
    stub = StubServer(answer)

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(self.command, self.path, dict(self.headers), body)
            stub.asked.append(asked)
            try:
                stub.answer(self, asked)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the client gave up, as some tests mean it to

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _any

        def log_message(self, *_: object) -> None:
            """A test run stays quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
