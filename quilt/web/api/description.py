"""The description of the API (OpenAPI 3.1), made from the table of operations, and its page for people."""

from collections.abc import Iterator
from typing import Any

from flask import Response, render_template

from quilt.web.api import api
from quilt.web.api.answers import answer_public
from quilt.web.api.operations import operation
from quilt.web.api.shapes import PROBLEM
from quilt.web.api.table import OPERATIONS, ROOT, Operation, Query
from quilt.web.errors import WORDS
from quilt.web.settings import get_settings

VERSION = "1.0.0"
GOOD_WORDS = {200: "Here it is.", 201: "Done.", 304: "Nothing has changed since that tag."}
DOCUMENT = {"type": "object"}
INTRODUCTION = (
    "What everybody may read needs no token and may be read by any page (CORS). What is one person’s takes a token from "
    "/me/tokens as `Authorization: Bearer …`. Refusals are Problem Details with a `code`. Lists go on with `after`. "
    "Fields are never renamed or removed in v1; new ones may come, so pass over what you do not know. An address that "
    "will go says so for six months in `Deprecation` and `Sunset` headers."
)


@operation(
    Operation("show_description", "GET", "/openapi.json", "This description.", "Description", DOCUMENT)
)
def show_description() -> Response:
    """The description as JSON."""
    return answer_public(build_description())


@api.get("/api/docs")
def show_docs() -> str:
    """The description as a page."""
    tags: dict[str, list[dict[str, Any]]] = {}
    for each in OPERATIONS.values():
        tags.setdefault(each.tag, []).append(_describe_for_people(each))
    return render_template("api/docs.html", tags=tags, introduction=INTRODUCTION, version=VERSION)


def build_description() -> dict[str, Any]:
    """The whole API as an OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS.values():
        paths.setdefault(fill_path(each), {})[each.method.lower()] = _describe(each)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{get_settings().site_name} API",
            "version": VERSION,
            "description": INTRODUCTION,
        },
        "servers": [{"url": get_settings().base_url}],
        "paths": paths,
        "components": {
            "schemas": {"Problem": PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def fill_path(each: Operation) -> str:
    """`/entries/<int:entry_id>` → `/api/v1/entries/{entry_id}`."""
    parts = each.path.split("/")
    return ROOT + "/".join(
        f"{{{part.strip('<>').rpartition(':')[2]}}}" if part.startswith("<") else part for part in parts
    )


def _describe(each: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": each.name,
        "summary": each.summary,
        "tags": [each.tag],
        "parameters": list(_list_parameters(each)),
        "responses": {str(status): _describe_answer(each, status) for status in each.list_statuses()},
    }
    if each.scope:
        described["security"] = [{"token": []}]
        described["description"] = f"Takes a token with the scope `{each.scope}`."
    if each.body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": each.body}}}
    return described


def _list_parameters(each: Operation) -> Iterator[dict[str, Any]]:
    for name in each.parameters:
        is_number = f"<int:{name}>" in each.path
        schema = {"type": "integer", "minimum": 1} if is_number else {"type": "string", "minLength": 1}
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    for query in each.queries:
        words = {"name": query.name, "in": "query", "description": query.words}
        yield {**words, "required": query.is_needed, "schema": _describe_query(query)}
    for header in each.headers:
        schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
        yield {"name": header, "in": "header", "required": True, "schema": schema}


def _describe_query(query: Query) -> dict[str, Any]:
    return {"type": "integer", "minimum": query.least} if query.kind == "integer" else {"type": "string"}


def _describe_answer(each: Operation, status: int) -> dict[str, Any]:
    if status in each.good:
        content = {"application/json": {"schema": each.answer}}
        return {"description": GOOD_WORDS[status], "content": content}
    if status == 304:
        return {"description": GOOD_WORDS[304]}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": WORDS[status][0], "content": problem}


def _describe_for_people(each: Operation) -> dict[str, Any]:
    return {
        "name": each.name,
        "method": each.method,
        "path": fill_path(each),
        "summary": each.summary,
        "scope": each.scope,
        "parameters": [
            {**parameter, "kind": parameter["schema"]["type"]} for parameter in _list_parameters(each)
        ],
        "body": list(each.body["properties"]) if each.body else [],
        "fields": _list_fields(each),
        "statuses": [(status, GOOD_WORDS.get(status) or WORDS[status][0]) for status in each.list_statuses()],
    }


def _list_fields(each: Operation) -> list[tuple[str, str]]:
    """The answer's fields with their kinds; of a list's items where it is one."""
    shape = each.answer
    if "items" in shape.get("properties", {}):
        shape = shape["properties"]["items"]["items"]
    return [(name, _name_kind(kind)) for name, kind in shape.get("properties", {}).items()]


def _name_kind(schema: Any) -> str:
    kind = schema["type"]
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
