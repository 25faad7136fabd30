"""JSON that somebody sent."""

from typing import Any

import orjson
from flask import abort, request


def read_json() -> Any:
    """The request's JSON body; answers 415 for another type and 400 for what cannot be read."""
    if not request.is_json:
        abort(415, "Send this as application/json.")
    try:
        return orjson.loads(request.get_data(cache=False))
    except orjson.JSONDecodeError:
        abort(400, "We could not read that request.")
