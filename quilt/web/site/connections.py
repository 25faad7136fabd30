"""Connected accounts: what each may do here, connecting another, and ending it."""

from flask import Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user

from quilt.accounts.proofs import Interrupted, PermissionDenied, ProviderSilent, ServerUnknown, SignInRefused
from quilt.accounts.rules import safe_next
from quilt.arrivals.heads import find_head
from quilt.contests.queries import ContestFacts, list_contests, pick_face
from quilt.contests.rules import is_over
from quilt.extensions import limiter
from quilt.shares.connections import (
    AccountTaken,
    disconnect,
    finish_connecting,
    list_connections,
    start_connecting,
)
from quilt.shares.connectors.base import Connector
from quilt.shares.connectors.table import find_connector, list_on
from quilt.shares.posting import list_posts
from quilt.shares.revoking import Fate
from quilt.web.clock import entropy, now
from quilt.web.events import record_event
from quilt.web.guards import signed_in_only
from quilt.web.settings import get_settings
from quilt.web.site import site

MOST_TYPED, MOST_ARGUMENT = 300, 8_192
WORDS: dict[type[SignInRefused], tuple[int, str]] = {
    AccountTaken: (409, "That {label} account is connected to another profile here."),
    PermissionDenied: (200, "You did not give {label} your permission. Nothing was connected."),
    ProviderSilent: (503, "{label} is not answering. Nothing was connected: try again in a minute."),
    ServerUnknown: (422, "We could not find that at {label}. Look at the spelling and try again."),
    Interrupted: (400, "It was interrupted, or posting was not allowed. Nothing was connected: start again."),
}

FAREWELLS = {
    Fate.TAKEN: "{label} is disconnected: {label} has forgotten our key, and so have we.",
    Fate.NO_DOOR: "{label} is disconnected: our key to it is erased here. {rest}",
    Fate.UNCLEAR: "{label} is disconnected, but does not answer: we go on telling it for three days to forget our key, "
    "then erase it here all the same. You can end it there too, among your connected apps.",
}


@site.get("/me/connections")
@signed_in_only
def show_connections() -> Response:
    """The accounts that post for this person, and the networks that could be added."""
    return _answer()


@site.post("/me/connections/<name>")
@signed_in_only
@limiter.limit("30 per 5 minutes")
def start_connection(name: str) -> Response:
    """Leave for the network, which asks its user: by a page, for a form of ours leads to our own site only."""
    connector, settings = _get_connector(name), get_settings()
    next_path = safe_next(request.form.get("next")) if request.form.get("next") else "/me/connections"
    contest = _find_contest(request.form.get("entry", ""))
    if contest is None:
        return _answer("No contest is running: there is nothing to post about now.", 409, name)
    where = request.form.get("where", "")[:MOST_TYPED]
    try:
        address = start_connecting(
            connector, user_id=current_user.id, contest_id=contest.id, next_path=next_path, where=where,
            settings=settings, now=now(), entropy=entropy,
        )  # fmt: skip
    except SignInRefused as refusal:
        status, words = _describe(refusal, connector)
        return _answer(words, status, name, where, next_path)
    record_event("connection_started", by=name)
    page = render_template("site/connecting.html", connector=connector, address=address)
    response = make_response(page)
    response.headers["Refresh"] = f"0; url={address}"
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@site.get("/me/connections/<name>/back")
@signed_in_only
@limiter.limit("60 per 5 minutes")
def finish_connection(name: str) -> Response:
    """Take the network's answer."""
    connector = _get_connector(name)
    found = request.args
    arguments = {key: found[key][:MOST_ARGUMENT] for key in found if len(found.getlist(key)) == 1}
    try:
        next_path = finish_connecting(
            connector, arguments, user_id=current_user.id, settings=get_settings(), now=now()
        )
    except SignInRefused as refusal:
        record_event("connection_refused", by=name, why=refusal.why)
        status, words = _describe(refusal, connector)
        return _answer(words, status, name)
    record_event("connection_made", by=name)
    flash(
        f"{connector.provider.label} is connected. Nothing is posted before you have read it and said so.",
        "good",
    )
    response = make_response(redirect(next_path))
    response.headers["Cache-Control"] = "private, no-store"
    return response


@site.post("/me/connections/<int:connection_id>/disconnect")
@signed_in_only
@limiter.limit("30 per hour")
def end_connection(connection_id: int) -> Response:
    """Give the tokens back and erase them."""
    connections = {it.id: it for it in list_connections(current_user.id, get_settings())}
    fate = disconnect(current_user.id, connection_id, get_settings(), now())
    if fate is None:
        abort(404)
    record_event("connection_ended", is_confirmed=fate is Fate.TAKEN)
    shown = connections[connection_id]
    flash(FAREWELLS[fate].format(label=shown.label, rest=shown.farewell).rstrip(), "good")
    return make_response(redirect(url_for("site.show_connections"), 303))


def _get_connector(name: str) -> Connector:
    connector = find_connector(name, get_settings())
    if connector is None:
        abort(404, "One cannot post there from here. The share sheet has a plain link for it.")
    return connector


def _find_contest(entry: str) -> ContestFacts | None:
    """The contest of the entry that somebody is about to post about, else the one on the first page."""
    running = [contest for contest in list_contests() if not is_over(contest.phases, now())]
    head = find_head(int(entry)) if entry.isdecimal() and len(entry) < 18 else None
    wanted = head.contest_id if head else None
    return next(
        (contest for contest in running if contest.id == wanted),
        pick_face(running, now()) if running else None,
    )


def _describe(refusal: SignInRefused, connector: Connector) -> tuple[int, str]:
    status, words = WORDS.get(type(refusal), WORDS[Interrupted])
    return status, words.format(label=connector.provider.label)


def _answer(
    problem: str = "", status: int = 200, name: str = "", where: str = "", next_path: str = "/me/connections"
) -> Response:
    settings = get_settings()
    page = render_template(
        "site/connections.html", connections=list_connections(current_user.id, settings),
        connectors=list_on(settings), posts=list_posts(current_user.id, settings), problem=problem, name=name,
        where=where, next_path=next_path,
    )  # fmt: skip
    response = make_response(page, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response
