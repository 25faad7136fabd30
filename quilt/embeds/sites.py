"""Sites: named by their owner, shown to be theirs by DNS, a file or a meta tag, taken off the list again."""

from collections.abc import Callable
from datetime import datetime
from html.parser import HTMLParser
from urllib.parse import urlsplit

from sqlalchemy import select

from quilt.database import db, transaction
from quilt.embeds.models import Site
from quilt.embeds.rules import MOST_SITES, LimitReached, Method, read_origins
from quilt.embeds.service import hold_organisation
from quilt.outbound import Answer, OutboundFailed, fetch

FILE_PATH = "/.well-known/quilt-site.txt"
META_NAME = "quilt-site"
RECORD_NAME = "_quilt"  # the TXT record stands at _quilt.<host>
MOST_PAGE_BYTES = 2 << 20
DEADLINE_SECONDS = 5.0

LookUp = Callable[[str], list[str]]


def add_sites(
    organisation_id: int,
    text: str,
    *,
    now: datetime,
    entropy: Callable[[int], bytes],
    allow_plain: bool = False,
) -> list[Site]:
    """Add the origins of a text, one a line, all or none; those that are there already stay as they are.

    Raises OriginRefused or LimitReached.
    """
    origins = read_origins(text, allow_plain)
    with transaction() as session:
        known = set(session.scalars(select(Site.origin).where(Site.organisation_id == organisation_id)))
        fresh = [
            Site(organisation_id=organisation_id, origin=origin, token=entropy(16).hex(), created_at=now)
            for origin in origins
            if origin not in known
        ]
        if len(known) + len(fresh) > MOST_SITES:
            raise LimitReached(f"An organisation can have {MOST_SITES} sites.", "origins")
        session.add_all(fresh)
    return fresh


def check_site(
    site: Site, *, now: datetime, allow_loopback: bool = False, look_up: LookUp | None = None
) -> Site:
    """Look for the site's token in DNS, in the file, in the home page; keep where it was found, or why it was not.

    Nobody waits for us in a transaction: the looking is done before. A site that was verified stays so.
    """
    site_id, organisation_id, origin, token = site.id, site.organisation_id, site.origin, site.token
    db.session.rollback()
    method, problem = _find_token(origin, token, allow_loopback, look_up or look_up_txt)
    with transaction() as session:
        organisation = hold_organisation(session, organisation_id)
        row = session.get_one(Site, site_id)
        row.checked_at, row.problem = now, problem[:200]
        if method is not None:
            row.method, row.verified_at = method.value, row.verified_at or now
            organisation.version += 1
    return row


def remove_site(site: Site) -> None:
    """Take a site off the list: embeds no longer show there, unless it was the last verified one."""
    with transaction() as session:
        organisation = hold_organisation(session, site.organisation_id)
        session.delete(session.get_one(Site, site.id))
        organisation.version += 1


def look_up_txt(name: str) -> list[str]:
    """The TXT records of a name; none where the name is not there or its servers keep silent for five seconds."""
    import dns.exception
    import dns.resolver

    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=DEADLINE_SECONDS)
    except dns.exception.DNSException:
        return []
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


def find_meta(html: str) -> list[str]:
    """What the meta tags of our name say in a page."""
    reader = _MetaReader()
    reader.feed(html)
    return reader.found


def _find_token(origin: str, token: str, allow_loopback: bool, look_up: LookUp) -> tuple[Method | None, str]:
    host = urlsplit(origin).hostname or ""
    if token in (record.strip() for record in look_up(f"{RECORD_NAME}.{host}")):
        return Method.DNS, ""
    file, problem = _ask(origin + FILE_PATH, allow_loopback)
    if file is not None and file.is_good and file.body.strip() == token.encode():
        return Method.FILE, ""
    page, problem = _ask(origin + "/", allow_loopback)
    if page is not None and token in find_meta(page.body.decode("utf-8", "replace")):
        return Method.META, ""
    return None, problem or f"The site answers, but none of the three places has {token}."


def _ask(url: str, allow_loopback: bool) -> tuple[Answer | None, str]:
    try:
        return fetch("GET", url, most_bytes=MOST_PAGE_BYTES, allow_loopback=allow_loopback), ""
    except OutboundFailed as failure:
        return None, f"We could not read {url}: {failure}."


class _MetaReader(HTMLParser):
    """Collects `<meta name="quilt-site" content="…">`."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag == "meta" and (values.get("name") or "").lower() == META_NAME:
            self.found.append((values.get("content") or "").strip())
