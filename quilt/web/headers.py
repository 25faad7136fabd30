"""Security headers on every answer; the page's script nonce."""

import base64
import secrets

from flask import Flask, Response, current_app, g

from quilt.config import Settings

FRAMED = "frame_sources"  # g attribute: players that this page may show in a frame
ANCESTORS = "frame_ancestors"  # g attribute: who may show this page in a frame


PLAYERS = "https://www.youtube-nocookie.com https://player.vimeo.com"
ALWAYS = (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "strict-origin-when-cross-origin"))
OVER_HTTPS = (("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),)


def register(app: Flask, settings: Settings) -> None:
    """Add the headers after every request."""
    app.extensions["quilt_headers"] = ALWAYS + (OVER_HTTPS if settings.is_https else ())
    app.after_request(_add_headers)


def list_plain_headers(app: Flask) -> list[tuple[str, str]]:
    """What an answer carries that is no page: no policy, for nothing in it runs."""
    return [*app.extensions["quilt_headers"], ("Cross-Origin-Resource-Policy", "same-origin")]


def csp_nonce() -> str:
    """This response's script nonce."""
    nonce: str | None = g.get("csp_nonce")
    if nonce is None:
        nonce = g.csp_nonce = new_nonce()
    return nonce


def new_nonce() -> str:
    """A script nonce that no other answer has."""
    return base64.b64encode(secrets.token_bytes(16)).decode()


def allow_players() -> None:
    """Let this page show the privacy-friendly players of YouTube and Vimeo once the visitor asks."""
    setattr(g, FRAMED, PLAYERS)


def allow_own_frames() -> None:
    """Let this page show other pages of this site in a frame."""
    setattr(g, FRAMED, "'self'")


def allow_framing(ancestors: str = "*") -> None:
    """Let this answer stand in a frame on other sites (the widget only)."""
    setattr(g, ANCESTORS, ancestors)


def build_policy(nonce: str | None, frames: str, ancestors: str) -> str:
    """The Content-Security-Policy: nothing from elsewhere, nothing inline."""
    script = f"'nonce-{nonce}' 'strict-dynamic'" if nonce else "'none'"
    return (
        f"default-src 'none'; script-src {script}; style-src 'self'; img-src 'self' data:; media-src 'self'; "
        f"font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
        f"object-src 'none'; frame-src {frames}; frame-ancestors {ancestors}; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _add_headers(response: Response) -> Response:
    """Add what is not there yet, in one pass over the headers: every answer pays for this."""
    headers = response.headers
    present = {name.lower(): value for name, value in headers}
    is_framed = ANCESTORS in g
    wanted = [*current_app.extensions["quilt_headers"]]
    wanted.append(("Cross-Origin-Resource-Policy", "cross-origin" if is_framed else "same-origin"))
    if present.get("content-type", "").startswith("text/html"):
        wanted.append(("Permissions-Policy", "camera=(), microphone=(), geolocation=(), interest-cohort=()"))
        if not is_framed:
            wanted.append(("Cross-Origin-Opener-Policy", "same-origin"))
        if "content-security-policy" not in present:
            frames, ancestors = g.get(FRAMED, "'none'"), g.get(ANCESTORS, "'none'")
            wanted.append(("Content-Security-Policy", build_policy(g.get("csp_nonce"), frames, ancestors)))
    for name, value in wanted:
        if name.lower() not in present:
            headers.add(name, value)
    return response
