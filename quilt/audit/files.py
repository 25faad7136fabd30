"""Files against the rows that name them."""

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, select

from quilt.audit.report import Check
from quilt.config import Settings
from quilt.media.models import Video
from quilt.media.storage import BadKey, Storage, originals_of, results_of
from quilt.shares.models_posting import KitPicture

SETTLED = timedelta(hours=1)  # a younger file may belong to work that is not committed yet


def check_files(connection: Connection, settings: Settings, now: datetime) -> list[Check]:
    """Each key in a row has its file, and each file that is not new has a row."""
    videos = connection.execute(
        select(
            Video.id,
            Video.original_key,
            Video.video_key,
            Video.poster_key,
            Video.thumbnail_key,
            Video.card_key,
        )
    ).all()
    originals = {row.original_key: f"video {row.id}" for row in videos if row.original_key}
    results = {key: f"video {row.id}" for row in videos for key in row[2:] if key}
    kits = connection.execute(select(KitPicture.entry_id, KitPicture.key))
    results |= {key: f"the kit of entry {entry_id}" for entry_id, key in kits}
    return [
        _compare("originals", originals_of(settings), originals, now),
        _compare("media files", results_of(settings), results, now),
    ]


def _compare(name: str, storage: Storage, owners: dict[str, str], now: datetime) -> Check:
    stored = set(storage.list_keys())
    differences = [
        f"{owner}: its file {key} is missing"
        for key, owner in owners.items()
        if key not in stored and not _exists(storage, key)
    ]
    orphans = [key for key in sorted(stored - owners.keys()) if _is_settled(storage.path(key), now)]
    differences += [f"{key} belongs to no video" for key in orphans]
    return Check(name, len(stored) + len(owners), "files and keys", tuple(differences))


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
