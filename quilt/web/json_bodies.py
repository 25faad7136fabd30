"""JSON that somebody sent, and JSON for one person's eyes."""

from typing import Any

import orjson
from flask import Response, abort

from quilt.web.plain import AnyRequest, tell_json


def read_json(request: AnyRequest) -> Any:
    """The request's JSON body; answers 415 for another type and 400 for what cannot be read."""
    if not request.is_json:
        abort(415, "Send this as application/json.")
    try:
        return orjson.loads(request.get_data(cache=False))
    except orjson.JSONDecodeError:
        abort(400, "We could not read that request.")


def answer_json(facts: object, status: int = 200) -> Response:
    """An answer that nobody may keep."""
    return tell_json(facts, status).as_response()
