"""Why a frame does not show: asked by the script on the page around it once the frame kept silent."""

from flask import Response, jsonify, request

from quilt.web.widget import widget
from quilt.web.widget.wishes import find_known


@widget.get("/widget/why.json")
def show_reason() -> Response:
    """One word for the console: `site` (not among the owner's sites), `ended`, `unknown`, or `frame`.

    `frame` says that nothing here forbids it: the page's own policy does, or the network.
    """
    code, origin = request.args.get("via", ""), request.headers.get("Origin", "")
    placement = find_known(code)
    reason = "frame"
    if placement is None and request.args.get("by") == "code":
        reason = "unknown"
    elif placement is not None and placement.is_ended:
        reason = "ended"
    elif placement is not None and placement.origins and origin not in placement.origins:
        reason = "site"
    response = jsonify(reason=reason)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
