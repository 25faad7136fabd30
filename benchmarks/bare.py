"""The limit that our figures are shares of: Flask with one route that does nothing."""

import sys

from flask import Flask, Response
from granian import Granian
from granian.constants import HTTPModes, Interfaces

from quilt.serving import BACKLOG, TURNS


def build_app() -> Flask:
    """An application with a GET and a POST that answer a few bytes."""
    app = Flask("bare", static_folder=None)

    @app.route("/", methods=["GET", "POST"])
    def hello() -> Response:
        return Response("hello", mimetype="text/plain")

    @app.get("/healthz")
    def health() -> Response:
        return Response("ok", mimetype="text/plain")

    return app


if __name__ == "__main__":
    Granian(
        "benchmarks.bare:build_app",
        factory=True,
        interface=Interfaces.WSGI,
        address="127.0.0.1",
        port=int(sys.argv[1]),
        workers=int(sys.argv[2]),
        blocking_threads=TURNS,
        backlog=BACKLOG,
        http=HTTPModes.http1,
        websockets=False,
        log_access=False,
        log_enabled=False,
    ).serve()
