"""The script that puts frames on somebody's page: `v1.js` moves on with us, `v1.0.js` never changes and can be pinned;
and what stands in the frames themselves."""

from flask import Response, abort, request

from quilt.web.scripts import NEWEST, Script, has_release, load_frame_part, load_script
from quilt.web.tagged import ANY_SITE
from quilt.web.widget import widget

A_DAY, A_YEAR = 86_400, 31_536_000


@widget.get("/widget/v1.js")
def show_script() -> Response:
    """The loader; the same bytes for everybody, usable from any origin."""
    response = _answer(load_script(NEWEST))
    response.headers["Cache-Control"] = f"public, max-age={A_DAY}, stale-while-revalidate=604800"
    return response


@widget.get("/widget/<release>.js")
def show_release(release: str) -> Response:
    """One release of the loader, the same bytes for ever: for pages that pin it by its hash."""
    if not has_release(release):
        abort(404)
    response = _answer(load_script(release))
    response.headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
    return response


@widget.get("/widget/frame.<any(css, js):part>")
def show_frame_part(part: str) -> Response:
    """The style sheet or the script of every frame; its address has a version."""
    response = _answer(load_frame_part(part), {"css": "text/css", "js": "text/javascript"}[part])
    response.headers["Cache-Control"] = f"public, max-age={A_YEAR if 'v' in request.args else A_DAY}"
    return response


def _answer(script: Script, media_type: str = "text/javascript") -> Response:
    is_compressed = request.accept_encodings["gzip"] > 0
    response = Response(
        script.compressed if is_compressed else script.plain,
        mimetype=media_type,
        headers={
            **ANY_SITE,
            "Vary": "Accept-Encoding",
        },
    )
    if is_compressed:
        response.headers["Content-Encoding"] = "gzip"
    response.set_etag(f"{script.tag}-gzip" if is_compressed else script.tag)
    response.make_conditional(request)
    return response
