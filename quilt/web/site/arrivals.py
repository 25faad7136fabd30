"""Links and the beacon: a GET counts nothing, the beacon counts a person once."""

import io
import time
from functools import partial

import segno
from flask import Response, abort, request
from werkzeug.exceptions import HTTPException

from quilt.arrivals.nodes import Node
from quilt.arrivals.recording import NonceUsed
from quilt.arrivals.service import plan_arrival, plan_not_counted, record_arrival, record_not_counted
from quilt.extensions import csrf
from quilt.spread.counting import NonceState, VisitFacts, find_objection
from quilt.spread.counting import NotCounted as Reason
from quilt.web.clock import entropy, now
from quilt.web.floods import FloodGate
from quilt.web.form_tickets import read_nonce, ticket_binding
from quilt.web.front import in_front
from quilt.web.json_bodies import read_json
from quilt.web.later import Promise
from quilt.web.lookups import get_followed_or_404, get_head_or_404
from quilt.web.origins import is_from_here
from quilt.web.plain import Answer, AnyRequest, tell_json
from quilt.web.robots import is_robot
from quilt.web.settings import get_settings
from quilt.web.signing_in import find_session
from quilt.web.site import site
from quilt.web.site.entries import answer_entry_page
from quilt.web.tickets import FORM_AGE, VISIT_AGE, age_of
from quilt.web.visitors import MOST_AGENT, Visitor, build_visit, describe_visitor, remember_code

_gate = FloodGate(600)  # beacons a minute from one address, which may be a whole school
QR_TYPES = {"svg": "image/svg+xml", "png": "image/png"}


@site.get("/s/<code>")
def follow_link(code: str) -> Response:
    """The entry page itself, with the chain kept in it."""
    response = answer_entry_page(get_head_or_404(get_followed_or_404(code)), via=code)
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Cache-Control"] = "private, no-store"
    return response


@site.get("/s/<code>/qr.<kind>")
def show_qr(code: str, kind: str) -> Response:
    """The link as a QR code; who scans it arrives by the channel `qr`."""
    if kind not in QR_TYPES:
        abort(404)
    get_head_or_404(get_followed_or_404(code))
    picture = io.BytesIO()
    qr = segno.make(f"{get_settings().base_url}/s/{code}?c=qr", error="m")
    if kind == "png":
        qr.save(picture, kind="png", scale=12, border=4)
    else:
        qr.save(picture, kind="svg", scale=8, border=4, xmldecl=False, svgclass=None, lineclass=None)
    response = Response(picture.getvalue(), mimetype=QR_TYPES[kind])
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


@site.post("/arrivals")
@csrf.exempt  # type: ignore[untyped-decorator]
def record_beacon() -> Response:
    """The page's beacon: answers with the visitor's own link."""
    try:
        told = plan_beacon(request)
        return (told.keep() if isinstance(told, Promise) else told).as_response()
    except HTTPException:
        if not is_from_here(request):
            abort(403)
        raise


@in_front("/arrivals")
def plan_beacon(request: AnyRequest) -> Answer | Promise:
    """The visit of which the page tells, still to be counted, or why it does not count."""
    if get_settings().are_limits_on and not _gate.lets_in_once(request.environ, time.monotonic()):
        abort(429)
    told = read_json(request)
    if (
        not isinstance(told, dict)
        or not isinstance(told.get("entry"), int)
        or isinstance(told["entry"], bool)
    ):
        abort(400, "We could not read that request.")
    head = get_head_or_404(told["entry"])
    nonce, state = read_nonce(head.id, _text(told, "ticket"), _find_bindings(request), VISIT_AGE)
    objection = find_objection(_facts_of_beacon(request, told, nonce, state), is_robot)
    if objection is not None:
        refused = plan_not_counted(head.id, objection, now())
        return Promise(refused, lambda _: _tell_refused(objection))
    visitor = describe_visitor(request)
    visit = build_visit(
        visitor,
        head.id,
        _text(told, "via"),
        _text(told, "channel"),
        _text(told, "referrer"),
    )

    def refuse(error: Exception) -> Answer:
        if isinstance(error, NonceUsed):
            record_not_counted(head.id, Reason.NONCE_USED, now())
            return _tell_refused(Reason.NONCE_USED)
        raise error

    arrival = plan_arrival(visit, nonce, now=now(), entropy=entropy)
    return Promise(arrival, partial(_answer_node, visitor, head.id), refuse)


def record_form_visit(entry_id: int, ticket: str, via: str, channel: str) -> tuple[Visitor, Node] | None:
    """A button pressed without JavaScript counts as its visitor's visit; None where it was no person's."""
    visitor = describe_visitor(request)
    nonce, _ = read_nonce(entry_id, ticket, (ticket_binding(),), FORM_AGE)
    if nonce is None:
        return None
    facts = VisitFacts(request.method, visitor.user_agent, is_own_origin=True, is_form=True)
    objection = find_objection(facts, is_robot)
    if objection is not None:
        record_not_counted(entry_id, objection, now())
        return None
    visit = build_visit(visitor, entry_id, via, channel)
    try:
        return visitor, record_arrival(visit, nonce, now=now(), entropy=entropy)
    except NonceUsed:
        record_not_counted(entry_id, Reason.NONCE_USED, now())
        return None


def _text(told: dict[str, object], name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) else ""


def _find_bindings(request: AnyRequest) -> tuple[str, ...]:
    """Whom the page's ticket may be for: whoever is signed in, or nobody, where that session was ended."""
    session = find_session(request)
    return (str(session[0]), "") if session else ("",)


def _facts_of_beacon(
    request: AnyRequest, told: dict[str, object], nonce: bytes | None, state: NonceState
) -> VisitFacts:
    headers = request.headers
    return VisitFacts(
        method=request.method,
        user_agent=headers.get("User-Agent", "")[:MOST_AGENT],
        is_own_origin=is_from_here(request),
        sec_purpose=headers.get("Sec-Purpose", ""),
        purpose=headers.get("Purpose", ""),
        x_moz=headers.get("X-Moz", ""),
        is_visible=told.get("visible") is True,
        is_prerendering=told.get("prerendering") is True,
        dwell_ms=_find_dwell(told.get("dwell"), nonce),
        nonce=state,
    )


def _find_dwell(told: object, nonce: bytes | None) -> int | None:
    """Milliseconds on the page: what the page says, and never more than since it was made."""
    if not isinstance(told, int | float) or not 0 <= told < 1e12:
        return None
    return int(told) if nonce is None else min(int(told), age_of(nonce, now()))


def _tell_refused(reason: Reason) -> Answer:
    status = 403 if reason is Reason.FOREIGN_ORIGIN else 200
    return tell_json({"counted": False, "reason": reason.value}, status)


def _answer_node(visitor: Visitor, entry_id: int, node: Node) -> Answer:
    answer = tell_json({"counted": True, "is_new": node.is_new, "code": node.code, "path": f"/s/{node.code}"})
    if visitor.codes.get(entry_id) != node.code:
        remember_code(answer, visitor, entry_id, node.code)
    return answer
