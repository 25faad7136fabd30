"""Answers that are the same for everybody, with a tag by which whoever has them already is told so."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from flask import Response, request

ANY_SITE = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


@dataclass(frozen=True, slots=True)
class TaggedJson:
    """An answer's bytes and their ETag."""

    body: bytes
    tag: str


def tag_json(body: bytes) -> TaggedJson:
    """These bytes with a strong tag of them."""
    return TaggedJson(body, f'"{make_digest(body)}"')


def make_digest(body: bytes) -> str:
    """What the tag of these bytes says: 24 hexadecimal digits."""
    return blake2b(body, digest_size=12).hexdigest()


def answer_tagged(kept: TaggedJson, headers: Mapping[str, str]) -> Response:
    """The bytes with their tag and these headers; 304 for whoever has them."""
    tagged = {"ETag": kept.tag, **headers}
    if "HTTP_IF_NONE_MATCH" in request.environ and request.if_none_match.contains_weak(kept.tag[1:-1]):
        return Response(status=304, headers=tagged)
    return Response(kept.body, headers=tagged, mimetype="application/json")
