"""What a placement's frame tells: that it was seen, played, opened. Numbers by day and page; nothing of the person."""

import threading
from collections.abc import Mapping

from flask import Flask, Response, abort, current_app, request

from quilt.embeds.rules import clean_path
from quilt.embeds.seen import KINDS, Sight, record_sights
from quilt.extensions import csrf, limiter
from quilt.web.clock import now
from quilt.web.json_bodies import read_json
from quilt.web.robots import is_robot
from quilt.web.settings import get_settings
from quilt.web.tallies import TallyBuffer
from quilt.web.widget import widget
from quilt.web.widget.wishes import find_known

_making = threading.Lock()


@widget.post("/widget/seen")
@csrf.exempt  # type: ignore[untyped-decorator]
@limiter.limit("600 per minute")  # an address may be a whole school: only a flood is refused
def record_seen() -> Response:
    """Count one thing that happened in a frame; robots and ended placements are passed over."""
    told = read_json(request)
    if not isinstance(told, dict) or told.get("kind") not in KINDS or not isinstance(told.get("code"), str):
        abort(400)
    placement = find_known(told["code"])
    if (
        placement is not None
        and not placement.is_ended
        and not is_robot(request.headers.get("User-Agent", ""))
    ):
        path = told.get("path")
        _get_buffer().add(
            Sight(placement.id, now().date(), clean_path(path) if isinstance(path, str) else "", told["kind"])
        )
    return Response(status=204, headers={"Cache-Control": "no-store"})


def _get_buffer() -> TallyBuffer[Sight]:
    """This application's buffer, made by the first frame that needs it."""
    with _making:
        buffer: TallyBuffer[Sight] | None = current_app.extensions.get("quilt_sights")
        if buffer is None:
            buffer = _make_buffer(current_app._get_current_object())  # type: ignore[attr-defined]
            current_app.extensions["quilt_sights"] = buffer
    return buffer


def _make_buffer(app: Flask) -> TallyBuffer[Sight]:
    def save(counts: Mapping[Sight, int]) -> None:
        with app.app_context():
            record_sights(counts)

    return TallyBuffer(save, 1.0 if get_settings().page_freshness else 0.0)
