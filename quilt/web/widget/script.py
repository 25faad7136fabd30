"""The script that puts a frame on somebody's page: one address for ever, small, kept for a day."""

import gzip
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from flask import Response, request

from quilt.config import ROOT
from quilt.web.widget import widget

SOURCE = ROOT / "static" / "widget" / "v1.js"


@dataclass(frozen=True, slots=True)
class Script:
    """The file, whole and compressed; `digest` changes with it."""

    plain: bytes
    compressed: bytes
    digest: str


@widget.get("/widget/v1.js")
def show_script() -> Response:
    """The loader; the same bytes for everybody, usable from any origin."""
    script = load_script(SOURCE.stat().st_mtime_ns)
    is_compressed = request.accept_encodings["gzip"] > 0
    response = Response(
        script.compressed if is_compressed else script.plain,
        mimetype="text/javascript",
        headers={
            "Cache-Control": "public, max-age=86400, stale-while-revalidate=604800",
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Vary": "Accept-Encoding",
        },
    )
    if is_compressed:
        response.headers["Content-Encoding"] = "gzip"
    response.set_etag(f"{script.digest}-gzip" if is_compressed else script.digest)
    response.make_conditional(request)
    return response


@lru_cache(maxsize=1)
def load_script(_changed_ns: int) -> Script:
    """The loader as it is on disk; read again only when the file has changed."""
    plain = SOURCE.read_bytes()
    return Script(
        plain, gzip.compress(plain, compresslevel=9, mtime=0), blake2b(plain, digest_size=12).hexdigest()
    )
