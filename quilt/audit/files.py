"""Files against the rows that name them: each is there, belongs to somebody, and has the bytes that its name tells."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import CompoundSelect, Select, literal, select, union_all

from quilt.audit.moment import one_moment
from quilt.audit.report import Check
from quilt.config import Settings
from quilt.embeds.models import Sponsor
from quilt.media.models import Video
from quilt.media.storage import BadKey, Storage, has_hash, originals_of, results_of
from quilt.shares.models_posting import KitPicture

SETTLED = timedelta(hours=1)  # a younger file may belong to work that is not committed yet


def check_files(settings: Settings, now: datetime) -> list[Check]:
    """Each key in a row has its file, and no other row has it; each file that is not new has a row."""
    return [_compare(shelf, now) for shelf in _list_shelves(settings)]


def check_bytes(settings: Settings) -> Check:
    """Each file that a row names has the bytes whose hash is in its name.

    No moment of the database is held while all of them are read: a key never changes its content.
    """
    named = [
        (owners, shelf.storage, key)
        for shelf in _list_shelves(settings)
        for key, owners in shelf.find_owners().items()
    ]
    hashed = [one for one in named if has_hash(one[2])]
    faults = [(owners, key, _find_fault(storage, key)) for owners, storage, key in hashed]
    differences = [f"{_say(owners)}: its file {key} {words}" for owners, key, words in faults if words]
    things = f"files with a hash, {len(named) - len(hashed):,} without"
    return Check("file hashes", len(hashed), things, tuple(differences))


@dataclass(frozen=True, slots=True)
class _Shelf:
    """A storage, and the statement that tells who names which of its files: whose, which one's, key."""

    name: str
    storage: Storage
    owners: CompoundSelect[Any]

    def find_owners(self) -> dict[str, list[str]]:
        """By key, who names it at this moment; there should be one."""
        found: dict[str, list[str]] = {}
        with one_moment() as connection:
            for whose, number, key in connection.execute(self.owners):
                found.setdefault(key, []).append(f"{whose} {number}")
        return found


def _list_shelves(settings: Settings) -> list[_Shelf]:
    return [
        _Shelf("originals", originals_of(settings), _UPLOADED),
        _Shelf("media files", results_of(settings), _MADE),
    ]


def _compare(shelf: _Shelf, now: datetime) -> Check:
    owners, stored = shelf.find_owners(), set(shelf.storage.list_keys())
    missing = [key for key in owners if key not in stored and not _exists(shelf.storage, key)]
    orphans = [key for key in sorted(stored - owners.keys()) if _is_settled(shelf.storage.root / key, now)]
    # A picture may have been drawn anew meanwhile, and its forerunner deleted.
    again = shelf.find_owners() if missing or orphans else owners
    differences = [f"{_say(owners[key])}: its file {key} is missing" for key in missing if key in again]
    differences += [f"{key} belongs to nobody" for key in orphans if key not in again]
    differences += [
        f"{_say(several)} share the file {key}" for key, several in owners.items() if len(several) > 1
    ]
    return Check(shelf.name, len(stored) + len(owners), "files and keys", tuple(differences))


def _find_fault(storage: Storage, key: str) -> str:
    """What is wrong with a file's bytes, in words; '' for nothing, and for a file that is not there."""
    try:
        return "" if storage.is_unchanged(key) else "has other bytes than were stored"
    except FileNotFoundError:  # deleted since, or told to be missing
        return ""
    except BadKey:
        return "is a link that leads elsewhere"
    except OSError as failed:
        return f"cannot be read: {failed.strerror}"


def _exists(storage: Storage, key: str) -> bool:
    try:
        return storage.exists(key)
    except BadKey:
        return False


def _is_settled(path: Path, now: datetime) -> bool:
    try:
        return now.timestamp() - path.stat().st_mtime > SETTLED.total_seconds()
    except FileNotFoundError:  # removed since the listing
        return False


def _say(owners: list[str]) -> str:
    return " and ".join(owners)


def _name(whose: str, number: Any, key: Any) -> Select[Any]:
    return select(literal(whose), number, key).where(key != "")


_UPLOADED = union_all(_name("video", Video.id, Video.original_key))
_MADE = union_all(
    *(
        _name("video", Video.id, key)
        for key in (Video.video_key, Video.poster_key, Video.thumbnail_key, Video.card_key)
    ),
    _name("the kit of entry", KitPicture.entry_id, KitPicture.key),
    _name("the sponsor of organisation", Sponsor.organisation_id, Sponsor.logo_key),
)
