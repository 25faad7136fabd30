"""The application for any WSGI server; `quilt serve` needs no such file."""

from quilt.app import create_app

app = create_app()
