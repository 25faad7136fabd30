"""What every template gets, and the filters it may use."""

import hashlib
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from flask import Flask
from jinja2 import StrictUndefined
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from quilt.accounts.providers import list_on
from quilt.config import ROOT, Settings
from quilt.contests.queries import ContestFacts, list_contests, pick_face
from quilt.database import database_key
from quilt.integrity.facts import get_rulebook
from quilt.media.patches import patch_svg
from quilt.web.clock import now
from quilt.web.headers import csp_nonce
from quilt.web.pages import Memo
from quilt.web.settings import get_settings
from quilt.web.template_cache import keep_compiled

_contests: Memo[list[ContestFacts]] = Memo()


def register(app: Flask, settings: Settings) -> None:
    """Set the template environment up: strict, with our helpers and filters."""
    environment = app.jinja_env
    environment.undefined = StrictUndefined
    environment.trim_blocks = environment.lstrip_blocks = True
    keep_compiled(environment)
    environment.globals.update(
        site_name=settings.site_name,
        contact=settings.contact,
        base_url=settings.base_url,
        sign_in_providers=list_on(settings),
        is_demo=settings.is_demo,
        asset=asset if not app.debug else asset.__wrapped__,
        csp_nonce=LazyNonce(),
        now=now,
        patch=patch,
        find_face_slug=find_face_slug,
        evidence_rules=get_rulebook,
    )
    environment.filters.update(
        number=format_number,
        when=format_when,
        day=format_day,
        iso=format_iso,
        plural=plural,
        duration=format_duration,
    )


class LazyNonce:
    """`{{ csp_nonce }}`: made only for pages that carry a script."""

    def __str__(self) -> str:
        return csp_nonce()

    __html__ = __str__


def find_face_slug() -> str | None:
    """The contest of the first page, for the menu of a page that belongs to no contest.

    None where there is none, or where the database is away: an error's page is shown all the same.
    """
    try:
        contests = _contests.get(database_key(), get_settings().page_freshness, list_contests)
    except SQLAlchemyError:
        return None
    face = pick_face(contests, now())
    return face.slug if face else None


@lru_cache
def asset(path: str) -> str:
    """The address of a static file with its content's hash, so that it may be cached for long."""
    file = ROOT / "static" / path
    digest = hashlib.blake2b(file.read_bytes(), digest_size=6).hexdigest() if file.is_file() else "missing"
    return f"/static/{path}?v={digest}"


@lru_cache(maxsize=2048)
def patch(cause: str) -> Markup:
    """The cause's fabric patch as inline SVG."""
    return Markup(patch_svg(cause))


def format_number(value: float | None, digits: int = 0) -> str:
    """1240 → 1,240; None → an en dash."""
    return "–" if value is None else f"{value:,.{digits}f}"


def format_when(value: datetime, zone: str = "UTC") -> str:
    """An instant in a zone: 1 May 2026, 12:00 (New York)."""
    local = value.astimezone(ZoneInfo(zone))
    place = zone.rpartition("/")[2].replace("_", " ")
    return f"{local.day} {local:%B %Y, %H:%M} ({place})"


def format_day(value: datetime, zone: str = "UTC") -> str:
    """The calendar day of an instant in a zone: 1 May 2026."""
    local = value.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%B %Y}"


def format_iso(value: datetime) -> str:
    """For <time datetime=…>."""
    return value.isoformat(timespec="seconds")


def format_duration(seconds: float | None) -> str:
    """83 → 1:23."""
    if seconds is None:
        return ""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


def plural(count: int, one: str, many: str = "") -> str:
    """'1 vote', '2,310 votes'."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
