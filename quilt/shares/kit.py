"""The entrant's share kit: the words they propose, the pictures drawn of the entry, a named link for each use."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from quilt.arrivals.models import NamedLink
from quilt.database import db, transaction
from quilt.entries.models import Entry
from quilt.entries.rules import tidy_line
from quilt.shares.links import LabelTaken, TooManyLinks, create_link
from quilt.shares.models_posting import KitPicture, ShareKit

MOST_WORDS = 240  # characters: with the link they fit everywhere but SMS
PICTURES = ("square", "story", "a4", "letter")


@dataclass(frozen=True, slots=True)
class Use:
    """One use of the kit, with the label of its own link."""

    key: str
    label: str


USES = (
    Use("poster", "Poster"),
    Use("story", "Story"),
    Use("square", "Square picture"),
    Use("charity", "Mail to the charity"),
    Use("supporters", "Mail to its supporters"),
    Use("press", "Mail to the local paper"),
    Use("friends", "Message to friends and family"),
)
_LABELS = {use.label: use.key for use in USES}


@dataclass(frozen=True, slots=True)
class Kit:
    """An entry's kit: proposed words ('' for ours), keys of the pictures that are drawn, codes of the links."""

    words: str
    pictures: dict[str, str]
    codes: dict[str, str]


class WordsTooLong(Exception):
    """More than fits with a link."""

    message = f"Use at most {MOST_WORDS} characters: the link has to fit as well."


def find_kit(entry_id: int) -> Kit | None:
    """The entry's kit; None where its entrant has not opened it yet."""
    words = db.session.scalar(select(ShareKit.words).where(ShareKit.entry_id == entry_id))
    if words is None:
        return None
    drawn = select(KitPicture.kind, KitPicture.key).where(KitPicture.entry_id == entry_id)
    return Kit(words, {kind: key for kind, key in db.session.execute(drawn)}, list_codes(entry_id))


def find_words(entry_id: int, title: str) -> str:
    """What whoever passes the entry on may say: the entrant's own words, else ours."""
    words = db.session.scalar(select(ShareKit.words).where(ShareKit.entry_id == entry_id))
    return words or f"{title}: watch it, and give it your vote."


def list_codes(entry_id: int) -> dict[str, str]:
    """The code of each use's link; a use without one is not in it."""
    links = select(NamedLink.label, NamedLink.code).where(
        NamedLink.entry_id == entry_id, NamedLink.label.in_(_LABELS)
    )
    return {_LABELS[label]: code for label, code in db.session.execute(links)}


def open_kit(entry_id: int, *, now: datetime, entropy: Callable[[int], bytes]) -> None:
    """Make the kit and its links, those that are missing; its pictures are drawn by the worker after it.

    Somebody with as many links as one may have keeps them: what is missing is told by the entry's own link.
    """
    with transaction() as session:
        if session.get(ShareKit, entry_id, with_for_update=True) is None:
            session.add(ShareKit(entry_id=entry_id, asked_at=now))
    made = list_codes(entry_id)
    for use in USES:
        if use.key in made:
            continue
        try:
            create_link(entry_id, use.label, now=now, entropy=entropy)
        except LabelTaken:
            continue  # somebody was quicker, or spelt it in other letters
        except TooManyLinks:
            return


def save_words(entry_id: int, words: str) -> str:
    """Keep what the entrant proposes ('' for our own words) and return it. Raises WordsTooLong."""
    tidy = tidy_line(words)
    if len(tidy) > MOST_WORDS:
        raise WordsTooLong
    with transaction() as session:
        session.get_one(ShareKit, entry_id, with_for_update=True).words = tidy
        session.get_one(Entry, entry_id, with_for_update=True).version += 1  # its page carries them
    return tidy
