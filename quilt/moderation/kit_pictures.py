"""The pictures of an entry's share kit, drawn anew when what they show has changed."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import select

from quilt.arrivals.models import NamedLink
from quilt.database import db, transaction
from quilt.jobs.queue import Job
from quilt.media.sandbox import private_folder
from quilt.media.storage import OWN_BYTES, make_key, results_of
from quilt.moderation.cards import CardFacts, find_card_facts
from quilt.shares.kit import PICTURES, list_codes
from quilt.shares.models_posting import KitPicture, ShareKit


def list_kits() -> list[int]:
    """The ids of the entries whose kit was opened."""
    return list(db.session.scalars(select(ShareKit.entry_id).order_by(ShareKit.entry_id)))


def redraw_kit(job: Job, entry_id: int) -> int:
    """Draw the pictures that do not show what the entry is now; returns how many those were.

    An entry that nobody can see keeps what it has.
    """
    facts = find_card_facts(entry_id, job.now())
    if facts is None:
        return 0
    url = f"{job.settings.base_url}/s/{_find_poster_code(entry_id)}"
    shown = _digest(repr((facts, job.settings.site_name, url)).encode())
    drawn = dict(
        db.session.execute(
            select(KitPicture.kind, KitPicture.drawn_of).where(KitPicture.entry_id == entry_id)
        ).all()
    )
    stale = [kind for kind in PICTURES if drawn.get(kind) != shown]
    for kind in stale:
        _redraw(job, entry_id, kind, facts, url, shown)
    return len(stale)


def _find_poster_code(entry_id: int) -> str:
    """The code of the poster's link; the entry's own where there was no room for one."""
    own = select(NamedLink.code).where(NamedLink.entry_id == entry_id, NamedLink.label == "")
    return list_codes(entry_id).get("poster") or db.session.scalars(own).first() or ""


def _redraw(job: Job, entry_id: int, kind: str, facts: CardFacts, url: str, shown: str) -> None:
    storage = results_of(job.settings)
    job.settings.media.mkdir(parents=True, exist_ok=True)
    poster = storage.path(facts.poster_key) if facts.poster_key else None
    with private_folder(job.settings.media) as folder:
        suffix = "jpg" if kind in ("square", "story") else "pdf"
        drawn = folder / f"drawn.{suffix}"
        _find_pen(kind, job.settings.site_name, facts, url)(drawn, poster)
        key = make_key(drawn, suffix, entry_id.to_bytes(OWN_BYTES))
        storage.save(key, drawn)
    with transaction() as session:
        picture = session.get(KitPicture, (entry_id, kind), with_for_update=True, populate_existing=True)
        old = picture.key if picture else ""
        session.merge(KitPicture(entry_id=entry_id, kind=kind, key=key, drawn_of=shown))
    if old and old != key:
        storage.delete(old)


def _find_pen(kind: str, site_name: str, facts: CardFacts, url: str) -> Callable[[Path, Path | None], None]:
    from quilt.media.cards import Card  # only the worker draws, and loads what it draws with
    from quilt.media.posters import PosterWords, draw_poster, draw_square, draw_story

    card = Card(facts.title, facts.cause, facts.line, site_name)
    if kind == "square":
        return lambda target, poster: draw_square(card, target, poster=poster)
    if kind == "story":
        return lambda target, poster: draw_story(card, target, poster=poster)
    parts = urlsplit(url)
    words = PosterWords(f"{url}?c=qr", f"{parts.netloc}{parts.path}")
    return lambda target, poster: draw_poster(card, words, kind, target, poster=poster)


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
