"""Health for operators: is the process alive, and may this node take requests."""

from flask import Response, jsonify

from quilt.readiness import gather_facts, list_troubles
from quilt.web.clock import now
from quilt.web.settings import get_settings
from quilt.web.site import site


@site.get("/healthz")
def show_health() -> Response:
    """200 while the process answers; asks nothing else."""
    return _answer(jsonify(status="alive"), 200)


@site.get("/readyz")
def show_readiness() -> Response:
    """200 when ready, else 503 with the names of what is wrong."""
    troubles = list_troubles(gather_facts(get_settings().data, now()))
    status = "not ready" if troubles else "ready"
    return _answer(jsonify(status=status, troubles=troubles), 503 if troubles else 200)


def _answer(response: Response, status: int) -> Response:
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response
