"""The Flask extensions, made once and bound to an application by `create_app`."""

from flask import Response
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_wtf import CSRFProtect


class SessionsOnly(LoginManager):  # type: ignore[misc]
    """Sign-ins live in the session alone: no answer opens it just to look for a wish to be remembered."""

    def _update_remember_cookie(self, response: Response) -> Response:
        return response


class ViewLimits(Limiter):
    """Limits stand on the views that need one: the others are not asked, on every request, whether they do."""

    def _check_request_limit(self, callable_name: str | None = None, in_middleware: bool = True) -> None:
        if not in_middleware:
            super()._check_request_limit(callable_name, in_middleware)


login_manager = SessionsOnly()
csrf = CSRFProtect()
limiter = ViewLimits(key_func=get_remote_address, strategy="sliding-window-counter", swallow_errors=True)
