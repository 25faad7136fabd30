"""Finding what an address names, or answering 404."""

from datetime import datetime

from flask import abort

from quilt.arrivals.heads import EntryHead, find_head
from quilt.arrivals.queries import find_link
from quilt.contests.queries import ContestFacts, find_contest
from quilt.database import database_key, db
from quilt.entries.drafts import Draft, find_for_review
from quilt.spread.codes import is_code
from quilt.web.pages import Memo
from quilt.web.settings import get_settings

_heads: Memo[EntryHead | None] = Memo()
_links: dict[tuple[int, str], int] = {}
_MOST_LINKS = 50_000


def get_head_or_404(entry_id: int) -> EntryHead:
    """The published entry's head: versions and states, at most a fraction of a second old."""
    head = None
    if 0 < entry_id < 2**63:
        head = _heads.get(
            (database_key(), entry_id), get_settings().page_freshness, lambda: find_head(entry_id)
        )
    if head is None or head.state != "published" or not head.is_contest_published:
        abort(404, "We cannot find that entry. It may have been withdrawn.")
    return head


def get_contest_or_404(slug: str) -> ContestFacts:
    """The published contest, as it stands in the database at this moment."""
    contest = find_contest(slug)
    if contest is None:
        abort(404, "We cannot find that contest.")
    return contest


def get_any_draft_or_404(entry_id: int) -> Draft:
    """Any entry with its contest, published or not: for those who look after them."""
    draft = find_for_review(entry_id)
    if draft is None:
        abort(404)
    return draft


def get_followed_or_404(code: str) -> int:
    """The id of the entry that a code leads to."""
    entry_id = find_followed(code)
    if entry_id is None:
        abort(404, "We cannot find that link. It may be cut off at the end: look for the entry instead.")
    return entry_id


def find_followed(code: str) -> int | None:
    """The id of the entry that a code leads to, or None where nobody has that code.

    A code never changes its entry, so it is remembered.
    """
    key = (database_key(), code)
    entry_id = _links.get(key)
    if entry_id is None:
        link = find_link(db.session.connection(), code) if is_code(code) else None
        if link is None:
            return None
        entry_id = link.followed.entry_id
        if len(_links) >= _MOST_LINKS:
            _links.clear()
        _links[key] = entry_id
    return entry_id


def phase_mark(head: EntryHead, now: datetime) -> int:
    """Which stretch between the contest's changes `now` lies in: pages built in one do not fit the next."""
    return sum(1 for change in head.changes if change <= now)
