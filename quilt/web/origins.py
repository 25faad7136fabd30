"""No other site's page may change anything here: the Origin check in front of every unsafe request."""

from urllib.parse import urlsplit

from flask import Flask, abort, request

from quilt.web.plain import AnyRequest
from quilt.web.settings import get_settings

SAFE = ("GET", "HEAD", "OPTIONS")
# The beacon refuses other sites itself, and counts how often; Apple's answer is a form, which changes nothing.
JUDGED_LATER = ("/arrivals", "/sign-in/with/apple/callback")


def register(app: Flask) -> None:
    """Check the host and the origin before every request."""
    app.before_request(_check_host)
    app.before_request(_check_origin)


def is_own_origin(origin: str | None, fetch_site: str | None, host: str) -> bool:
    """Whether a request comes from our own page: by Sec-Fetch-Site where sent, by Origin else.

    A request with neither header comes from no browser page; the form's own token still guards it.
    """
    if fetch_site is not None and fetch_site not in ("same-origin", "none"):
        return False
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc == host
    except ValueError:
        return False


def is_from_here(request: AnyRequest) -> bool:
    """Whether an unsafe request comes from a page of ours, or from no page at all."""
    headers = request.headers
    return is_own_origin(headers.get("Origin"), headers.get("Sec-Fetch-Site"), request.host)


def fits_host(request: AnyRequest) -> bool:
    """Whether the request calls this site by its own name (asked in production only)."""
    settings = get_settings()
    return not settings.is_production or request.host == urlsplit(settings.base_url).netloc


def _check_host() -> None:
    if request.path not in ("/healthz", "/readyz") and not fits_host(request):
        abort(400, "This site does not answer to that name.")


def _check_origin() -> None:
    if request.method not in SAFE and request.path not in JUDGED_LATER and not is_from_here(request):
        abort(
            403,
            "That request came from another site, so nothing was changed. Open the page here and try again.",
        )
