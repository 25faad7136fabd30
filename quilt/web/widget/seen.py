"""What a placement's frame tells: that it was seen, played, opened. Numbers by day and page; nothing of the person."""

from flask import Response, abort, request

from quilt.embeds.rules import clean_path
from quilt.embeds.seen import KINDS, Sight, record_sights
from quilt.extensions import csrf, limiter
from quilt.web.clock import now
from quilt.web.json_bodies import read_json
from quilt.web.robots import is_robot
from quilt.web.tallies import find_buffer
from quilt.web.widget import widget
from quilt.web.widget.wishes import find_known


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
        page = clean_path(path) if isinstance(path, str) else ""
        find_buffer(record_sights).add([Sight(placement.id, now().date(), page, told["kind"])])
    return Response(status=204, headers={"Cache-Control": "no-store"})
