"""Who may call a view."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import abort, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

P = ParamSpec("P")
R = TypeVar("R")


def signed_in_only(view: Callable[P, R]) -> Callable[P, R | Response]:
    """Send people who are not signed in to the sign-in page, and back here afterwards."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
        if current_user.is_authenticated:
            return view(*args, **kwargs)
        return redirect(url_for("auth.show_sign_in", next=own_path()))

    return guarded


def staff_only(view: Callable[P, R]) -> Callable[P, R | Response]:
    """Moderators and admins, once they have shown their second factor where one is asked for; for everybody
    else who is signed in the page does not exist."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
        if not current_user.is_authenticated:
            return redirect(url_for("auth.show_sign_in", next=own_path()))
        if current_user.waiting_role:
            return redirect(url_for("auth.show_confirm", next=own_path()))
        if not current_user.is_staff:
            abort(404)
        return view(*args, **kwargs)

    return guarded


def own_path() -> str:
    """The path to come back to: of this page, or of the page whose form was sent."""
    return request.full_path.rstrip("?") if request.method in ("GET", "HEAD") else request.path


def admin_only(view: Callable[P, R]) -> Callable[P, R | Response]:
    """Admins; moderators are told which role it takes, for everybody else the page does not exist."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
        if current_user.role != "admin":
            abort(403, "You need the admin role for that. Nothing was changed.")
        return view(*args, **kwargs)

    return staff_only(guarded)
