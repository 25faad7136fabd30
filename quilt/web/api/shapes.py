"""The shapes of what the API says, as JSON Schema: every field is named, always there, and in this order."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
INSTANT: Schema = {"type": "string", "format": "date-time"}
ADDRESS: Schema = {"type": "string", "format": "uri"}
HEX: Schema = {"type": "string", "pattern": "^[0-9a-f]*$"}


def thing(**fields: Schema) -> Schema:
    """An object with exactly these fields."""
    return {
        "type": "object",
        "properties": dict(fields),
        "required": list(fields),
        "additionalProperties": False,
    }


def many(schema: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": schema}


def maybe(schema: Schema) -> Schema:
    """The same, or null where it is hidden, too small to be told, or not there."""
    return {**schema, "type": [schema["type"], "null"]}


def page(schema: Schema) -> Schema:
    """A page of a list; `next` is the `after` of the page that follows, null on the last one."""
    return thing(items=many(schema), next=maybe(TEXT))


_REFUSAL = thing(type=TEXT, title=TEXT, status=NUMBER, detail=TEXT, code=TEXT, request_id=TEXT)
# `opens_at` stands there where voting is still to open.
PROBLEM: Schema = {**_REFUSAL, "properties": {**_REFUSAL["properties"], "opens_at": INSTANT}}
