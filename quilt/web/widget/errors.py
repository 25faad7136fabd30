"""Errors inside a frame are visible there: what happened, and a link that leads on."""

from flask import Response, jsonify, request
from werkzeug.exceptions import HTTPException

from quilt.web.errors import WORDS
from quilt.web.headers import allow_framing
from quilt.web.widget import widget
from quilt.web.widget.frames import answer_frame, find_theme, render_frame


@widget.before_request
def let_it_stand_elsewhere() -> None:
    """Whatever is answered here, a failure of ours too, may be shown in a frame."""
    allow_framing()


@widget.errorhandler(HTTPException)
def answer_refusal(error: HTTPException) -> Response:
    """A message that fits into the frame; problem details for the JSON."""
    status = error.code or 500
    title, advice = WORDS.get(status, WORDS[400])
    if request.endpoint == "widget.show_entry_json":
        response = jsonify(type="about:blank", title=title, status=status, detail=advice)
        response.mimetype = "application/problem+json"
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cache-Control"] = "no-store"
    else:
        page = render_frame(
            "widget/message.html",
            title="This story is not here" if status == 404 else title,
            detail="It may have been withdrawn, or the number in the embed code is not right."
            if status == 404
            else advice,
            theme=find_theme(request.args.get("theme", "")),
        )
        response = answer_frame(page, status, cache_control="no-store")
    response.status_code = status
    return response
