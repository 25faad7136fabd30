"""Finished videos and pictures by their keys; what was uploaded is never served."""

from flask import Response, abort, send_file

from quilt.media.storage import BadKey, results_of
from quilt.web.settings import get_settings
from quilt.web.site import site

TYPES = {"mp4": "video/mp4", "jpg": "image/jpeg", "png": "image/png", "pdf": "application/pdf"}
A_YEAR = 31_536_000


@site.get("/media/<path:key>")
def show_media(key: str) -> Response:
    """One file, whole or by range; a key never changes its content."""
    try:
        path = results_of(get_settings()).path(key)
    except BadKey:
        abort(404)
    kind = TYPES.get(path.suffix.removeprefix("."))
    if kind is None or not path.is_file():
        abort(404)
    response = send_file(path, mimetype=kind, conditional=True, etag=path.stem, max_age=A_YEAR)
    response.headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Content-Disposition"] = (
        "attachment; filename=poster.pdf" if path.suffix == ".pdf" else "inline"
    )
    if kind != TYPES["mp4"]:
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # other sites may show a poster
    return response
