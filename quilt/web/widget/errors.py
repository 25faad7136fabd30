"""Errors inside a frame are visible there: what happened, and a link that leads on."""

from flask import Response, jsonify, request
from werkzeug.exceptions import HTTPException

from quilt.embeds.looks import read_options
from quilt.web.errors import WORDS
from quilt.web.headers import allow_framing
from quilt.web.widget import widget
from quilt.web.widget.frames import answer_frame, render_frame
from quilt.web.widget.wishes import ENDED, Wish


@widget.before_request
def let_it_stand_elsewhere() -> None:
    """Whatever is answered here, a failure of ours too, may be shown in a frame."""
    allow_framing()


@widget.errorhandler(HTTPException)
def answer_refusal(error: HTTPException) -> Response:
    """A message that fits into the frame; problem details for everything else that is asked for here."""
    status = error.code or 500
    if request.path.startswith("/embed/"):
        return _answer_message(status, error.description or "")
    title, advice = WORDS.get(status, WORDS[400])
    own_words = error.description if error.description != type(error).description else ""
    response = jsonify(type="about:blank", title=title, status=status, detail=own_words or advice)
    response.mimetype = "application/problem+json"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = "no-store"
    response.status_code = status
    return response


def _answer_message(status: int, words: str) -> Response:
    wish = Wish(read_options(request.args), None, f"{request.path} answers {status}")
    name = "ended" if words == ENDED else "not_here" if status < 500 else "broken"
    page = render_frame(
        "widget/message.html",
        wish,
        title=wish.phrases(name),
        detail=wish.phrases(f"{name}_why"),
        figures_path="",
    )
    return answer_frame(page, status, cache_control="no-store")
