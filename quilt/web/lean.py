"""What a request need not pay for: sessions that nobody brought, and views that are never coroutines."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSessionInterface, SessionMixin


class LeanSessions(SecureCookieSessionInterface):
    """Signed cookies as Flask has them; a request without one costs no cryptography."""

    def get_signing_serializer(self, app: Flask) -> Any:
        """The serializer of this application's cookies, kept: making one costs more than reading a cookie."""
        kept = app.extensions.get("quilt_cookies")
        if kept is None:
            kept = app.extensions["quilt_cookies"] = super().get_signing_serializer(app)
        return kept

    def open_session(self, app: Flask, request: Request) -> Any:
        """The browser's session; a fresh empty one where it brought none."""
        if self.get_cookie_name(app) in request.cookies:
            return super().open_session(app, request)
        return self.session_class()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write a session that has something in it; an empty one that was never there leaves no trace."""
        if session or session.modified:
            super().save_session(app, session, response)


class LeanFlask(Flask):
    """Flask without coroutines: every view and hook here is a plain function."""

    session_interface = LeanSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: Flask looks at each one, ten times a request, whether it is a coroutine."""
        return func
