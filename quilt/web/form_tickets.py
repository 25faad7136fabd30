"""The tickets of pages and their forms: made for whoever is signed in, or for nobody, and read back from what they send."""

from collections.abc import Iterable
from datetime import timedelta

from flask import current_app, request
from flask_login import current_user

from quilt.spread.counting import NonceState
from quilt.web.clock import entropy, now
from quilt.web.settings import get_settings
from quilt.web.tickets import FORM_AGE, TicketRefused, issue_ticket, read_ticket


def new_ticket(entry_id: int) -> str:
    """A page ticket for this entry and this person."""
    return issue_ticket(entry_id, ticket_binding(), get_settings().secret_key, now(), entropy)


def has_fitting_ticket(entry_id: int) -> bool:
    """Whether the form came from our own page for this entry and this person, within twelve hours."""
    return find_nonce(entry_id) is not None


def find_nonce(entry_id: int) -> bytes | None:
    """The nonce of the form's ticket; None where it is not ours, not this person's, or older than twelve hours."""
    return read_nonce(entry_id, request.form.get("ticket", ""), (ticket_binding(),), FORM_AGE)[0]


def read_nonce(
    entry_id: int, ticket: str, bindings: Iterable[str], max_age: timedelta
) -> tuple[bytes | None, NonceState]:
    """The nonce of a ticket that is for one of these, and what is to be said of it; a fresh one may have been used."""
    state = NonceState.MISSING
    for binding in bindings:
        try:
            nonce = read_ticket(ticket, entry_id, binding, get_settings().secret_key, now(), max_age)
        except TicketRefused as refusal:
            state = refusal.state
        else:
            return nonce, NonceState.FRESH
    return None, state


def ticket_binding() -> str:
    """Whom a ticket is for: the signed-in person, or nobody; no session is read where there is none."""
    if not has_session():
        return ""
    return str(current_user.id) if current_user.is_authenticated else ""


def has_session() -> bool:
    """Whether the browser brought a session cookie."""
    return current_app.config["SESSION_COOKIE_NAME"] in request.cookies
