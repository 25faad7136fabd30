"""Pick up where you were: what somebody was about to do waits while they sign in, and is finished once, by itself.

The pages that own an act register how it is finished; every way to sign in ends with `go_on`.
"""

from collections.abc import Callable
from typing import Any

from flask import Response, make_response, redirect, session
from flask_login import current_user
from werkzeug.exceptions import HTTPException

from quilt.accounts import pending
from quilt.accounts.pending import Act
from quilt.web.clock import entropy, now
from quilt.web.signing_in import KEPT_ACT, TRIED_BY

Finish = Callable[[dict[str, Any]], Response]
_finishers: dict[str, Finish] = {}


def finishes(kind: str) -> Callable[[Finish], Finish]:
    """Register how an act of this kind is finished, for the person who is signed in by then."""

    def register(finish: Finish) -> Finish:
        _finishers[kind] = finish
        return finish

    return register


def keep_for_later(kind: str, what: str, path: str, **facts: Any) -> None:
    """Keep an act until this browser's person has signed in; a later one takes its place.

    `what` tells its maker what waits ("Your vote for …"), `path` is where it was begun.
    """
    facts |= {"what": what, "path": path}
    session[KEPT_ACT] = pending.keep_act(kind, facts, now(), entropy)
    session.pop(TRIED_BY, None)


def find_kept() -> Act | None:
    """What this browser has waiting, if anything."""
    key = session.get(KEPT_ACT)
    return pending.find_act(key, now()) if isinstance(key, str) else None


def go_on(next_path: str) -> Response:
    """After signing in: finish what waits and show what came of it, else go where they had been going.

    What this person cannot finish, because it is somebody else's, waits on without standing in their way.
    """
    key, is_there = str(session.get(KEPT_ACT, "")), current_user.is_authenticated
    is_tried = is_there and session.get(TRIED_BY) == current_user.id
    act = pending.take_act(key, now()) if key and is_there and not is_tried else None
    if act is None:
        return make_response(redirect(next_path))
    try:
        response = _finishers[act.kind](act.facts)
    except BaseException as error:
        pending.put_back(key)
        if isinstance(error, HTTPException):
            session[TRIED_BY] = current_user.id
        raise
    del session[KEPT_ACT]
    session.pop(TRIED_BY, None)
    return response
