"""A small judge of JSON Schema: as much of it as the API's shapes use, and it refuses to guess at the rest."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

KNOWN = {
    "type", "properties", "required", "additionalProperties", "items", "format", "pattern", "maxLength",
}  # fmt: skip
KINDS = {
    "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
    "null": type(None),
}  # fmt: skip


def find_misfits(value: Any, schema: Mapping[str, Any], at: str = "answer") -> list[str]:
    """Where a value does not fit its schema, in words."""
    return list(_look(value, schema, at))


def _look(value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    assert schema.keys() <= KNOWN, schema.keys() - KNOWN
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(_is_kind(value, kind) for kind in kinds):
        yield f"{at}: {value!r} is not {kinds}"
        return
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{at}: {value!r} does not fit {schema['pattern']}"
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _look(item, schema["items"], f"{at}[{index}]")
    if isinstance(value, dict) and "properties" in schema:
        yield from (f"{at}: no {name}" for name in schema["required"] if name not in value)
        yield from (f"{at}: unknown {name}" for name in value if name not in schema["properties"])
        for name in value.keys() & schema["properties"].keys():
            yield from _look(value[name], schema["properties"][name], f"{at}.{name}")


def _is_kind(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, KINDS[kind])
