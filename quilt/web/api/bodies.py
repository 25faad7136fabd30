"""Bodies that somebody's program sent: JSON objects that hold only what we know, each thing once."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import request

from quilt.web.api.problems import refuse

MOST_BYTES = 16_384


def read_object(texts: Mapping[str, int]) -> dict[str, str]:
    """The body's fields, all of them optional texts with their most characters.

    Answers 413, 415, 400 for what cannot be read or is no object, and 422 for a field that is unknown or of another kind.
    """
    if request.mimetype != "application/json":
        refuse(415, "wrong_type", "Send JSON, as application/json.")
    if (request.content_length or 0) > MOST_BYTES:
        refuse(413, "too_large", f"At most {MOST_BYTES:,} bytes.")
    try:
        body = json.loads(
            request.get_data(cache=False), object_pairs_hook=_build, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError):
        refuse(400, "unreadable", "We could not read that as JSON, or it says a thing twice.")
    if not isinstance(body, dict):
        refuse(400, "unreadable", "Send a JSON object.")
    for name, value in body.items():
        if name not in texts:
            refuse(422, "unknown_field", f"We do not know `{name[:40]}` here. Known: {', '.join(texts)}.")
        if not isinstance(value, str) or len(value) > texts[name] or not value.isprintable():
            refuse(422, "bad_field", f"`{name}` is a text of at most {texts[name]} characters.")
    return body


def _build(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) < len(pairs):
        raise ValueError("a name comes twice")
    return built


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
