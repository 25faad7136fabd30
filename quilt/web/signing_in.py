"""Starting a session: what signing in and confirming a vote have in common."""

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from flask import g, request, session
from flask_login import current_user, login_user, logout_user
from itsdangerous import BadSignature

from quilt.accounts.models import User
from quilt.accounts.people import Person
from quilt.accounts.queries import find_signed_in, has_app, has_second_factor
from quilt.accounts.rules import is_recent_proof
from quilt.accounts.sessions import end_session_of, is_alive, note_visit, start_session
from quilt.extensions import login_manager
from quilt.running import get_app
from quilt.web.clock import entropy, now
from quilt.web.devices import describe_device
from quilt.web.lean import LeanSessions
from quilt.web.plain import AnyRequest
from quilt.web.settings import get_settings
from quilt.web.visitors import MOST_AGENT

MOST_TEXT = 4_096  # of a session cookie: no browser keeps a longer one
KEY = "key"  # of the session's row
KEPT_ACT = "kept_act"  # the key of what somebody was about to do (quilt/web/resuming.py)
TRIED_BY = "kept_act_tried_by"  # who signed in and could not finish it
_PROVED_AT, _FRESH_AT, _FACTOR_AT = "proved_at", "fresh_at", "factor_at"
_PASSKEY_AT, _PROVIDER_AT = "passkey_at", "provider_at"


def sign_in(
    user: User | Person,
    proved_at: datetime | None = None,
    *,
    way: str = "code",
    factor_at: datetime | None = None,
) -> None:
    """Begin a fresh session for this person: nothing of the old one is carried over but what waits for it, and it ends.

    `proved_at` is when a code proved the address, if one did: for a while it stands in for the password.
    `way` is how they came in (code, link, password, passkey, provider), `factor_at` when they showed what counts as a
    second factor.
    """
    replaced, moment = session.get(KEY, ""), now()
    kept = {name: session[name] for name in (KEPT_ACT, TRIED_BY) if name in session}
    session.clear()
    session.update(kept)  # the one thing that comes along: it is why they sign in
    session.permanent = True
    device = describe_device(request.headers.get("User-Agent", "")[:MOST_AGENT])
    session[KEY] = start_session(user, way=way, device=device, now=moment, entropy=entropy, replaces=replaced)
    login_user(user)
    passkey_at, provider_at = (moment if way == other else None for other in ("passkey", "provider"))
    times = (
        (_PROVED_AT, proved_at), (_FRESH_AT, moment), (_FACTOR_AT, factor_at), (_PASSKEY_AT, passkey_at),
        (_PROVIDER_AT, provider_at),
    )  # fmt: skip
    for name, moment_of in times:
        if moment_of is not None:
            session[name] = int(moment_of.timestamp())


def sign_out() -> None:
    """End this browser's session for good: a copy of its cookie opens nothing either."""
    key = session.get(KEY)
    if key is not None:
        end_session_of(key)
    logout_user()
    session.clear()


def find_session(request: AnyRequest) -> tuple[int, int] | None:
    """Whom the session cookie of this request names, and the epoch of that session; costs no look at the database.

    The cookie may be one of a session that was ended since: only the person's row knows.
    """
    return _split(_read_cookie(request)[0])


def came_by_passkey(request: AnyRequest) -> bool:
    """Whether the session that the cookie of this request names began, or was confirmed last, with a passkey."""
    return _read_cookie(request)[1]


def is_by_passkey() -> bool:
    """The same of the session as it is now: somebody may have signed in by this very request."""
    return _PASSKEY_AT in session


def _read_cookie(request: AnyRequest) -> tuple[str, bool]:
    app = get_app()
    text = request.cookies.get(app.config["SESSION_COOKIE_NAME"])
    if not text or len(text) > MOST_TEXT:
        return "", False
    serializer = LeanSessions().get_signing_serializer(app)
    try:
        return _read_session(serializer, text, app.permanent_session_lifetime, int(time.time() // 60))
    except BadSignature:
        return "", False


def answer_as_to_nobody() -> None:
    """Let the rest of this request be as for who is not signed in: whoever asks cannot be looked up now."""
    g._login_user = login_manager.anonymous_user()  # where Flask-Login keeps whom it has found


def find_reader() -> None:
    """Look up who is signed in, before a page about an error asks for it: it is for nobody where that fails."""
    try:
        _ = current_user.is_authenticated
    except Exception:  # noqa: BLE001 an error page that fails is none
        answer_as_to_nobody()


def load_user(session_id: str) -> Person | None:
    """The user of a session, or None when it was ended, is over, or never was ours.

    Staff without their second factor in this session are members until they show it.
    """
    named = _split(session_id)
    user = None if named is None else _find_in_session(*named)
    if user is not None and user.is_staff and _FACTOR_AT not in session and _needs_factor(user.id):
        user.wait_for_factor()
    return user


def _needs_factor(user_id: int) -> bool:
    return get_settings().asks_second_factor or has_second_factor(user_id)


def _find_in_session(user_id: int, epoch: int) -> Person | None:
    user, moment = find_signed_in(user_id, session.get(KEY, "")), now()
    if user is None or not is_alive(user, moment):
        return None
    if user.session_epoch != epoch:  # another session of theirs ended: the cookie learns of it
        session["_user_id"] = user.get_id()
    note_visit(user, moment)
    return user


def _split(session_id: str) -> tuple[int, int] | None:
    identifier, _, epoch = session_id.partition(".")
    return (int(identifier), int(epoch)) if identifier.isdecimal() and epoch.isdecimal() else None


@lru_cache(maxsize=8192)
def _read_session(serializer: Any, text: str, lifetime: timedelta, _minute: int) -> tuple[str, bool]:
    """Whom a session cookie names, '' for nobody, and whether a passkey brought them; remembered for the minute, for a signature is dear to check.

    Raises BadSignature, which is not remembered: nobody fills our memory with cookies that are not ours.
    """
    told = serializer.loads(text, max_age=int(lifetime.total_seconds()))
    return str(told.get("_user_id", "")), _PASSKEY_AT in told


def find_proof() -> datetime | None:
    """When this session's address was proven by a code, or None."""
    return _read_time(_PROVED_AT)


def find_factor() -> datetime | None:
    """When the second factor, or a passkey, was shown in this session, or None."""
    return _read_time(_FACTOR_AT)


def is_fresh(user_id: int) -> bool:
    """Whether the person who is signed in has shown just now that it is them: by their second factor if they have one.

    Or by a code from their mailbox, or by their provider, where that is as good (`takes_code`, `takes_provider`).
    """
    shown_at = find_factor() if has_second_factor(user_id) else _read_time(_FRESH_AT)
    if is_recent_proof(shown_at, now()):
        return True
    if is_recent_proof(find_proof(), now()) and takes_code(user_id):
        return True
    return is_recent_proof(_read_time(_PROVIDER_AT), now()) and takes_provider(user_id)


def takes_code(user_id: int) -> bool:
    """Whether a code to the address of the person who is signed in is enough for them to confirm a change.

    Not with an app, nor for those who decide about others. But passkeys alone need JavaScript and the device at hand:
    nobody shall be locked out of their own account by having made one.
    """
    return bool(current_user.has_address) and _has_passkeys_at_most(user_id)


def takes_provider(user_id: int) -> bool:
    """Whether signing in once more by their provider is enough: for whoever has no address that a code could go to."""
    return not current_user.has_address and _has_passkeys_at_most(user_id)


def _has_passkeys_at_most(user_id: int) -> bool:
    return not current_user.has_desk and not has_app(user_id)


def _read_time(name: str) -> datetime | None:
    seconds = session.get(name)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
