"""Finished files on local disk, under names made here: nobody's file name ever becomes a path.

A name begins with the SHA-256 of the file's bytes, so whoever has the name, a row of the database first of all, can
tell whether they are still the same. Its last part keeps apart the files of two owners with equal bytes.
"""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from quilt.config import Settings

SUFFIXES = ("mp4", "jpg", "png", "pdf", "upload")
OWN_BYTES = 8  # of a name, besides the hash
KEY_PATTERN = re.compile(  # the short form is that of the first files, whose names were nothing but chance
    rf"([0-9a-f]{{2}})/(?:(?P<hash>\1[0-9a-f]{{62}})-[0-9a-f]{{{2 * OWN_BYTES}}}|\1[0-9a-f]{{30}})"
    rf"\.(?:{'|'.join(SUFFIXES)})",
    re.ASCII,
)


class BadKey(ValueError):
    """A text that is not the key of a stored file."""


def make_key(source: Path, suffix: str, owner: bytes) -> str:
    """A key such as `ab/abcd…-0123….mp4` for the bytes at `source`: their hash, and the eight bytes of `owner`.

    Those are of chance, or tell whose file it is: two may have the same bytes. Raises BadKey and OSError.
    """
    name = _hash(source)
    return _checked(f"{name[:2]}/{name}-{owner.hex()}.{suffix}")


def has_hash(key: str) -> bool:
    """Whether this is a name that tells the file's bytes; those of the first files do not."""
    match = KEY_PATTERN.fullmatch(key)
    return match is not None and bool(match["hash"])


class Storage:
    """A folder of files by key. Files appear whole or not at all, readable by the web server's proxy too."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def path(self, key: str) -> Path:
        """Where the file of a key is or would be; always inside the root. Raises BadKey."""
        path = self.root / _checked(key)
        if not path.resolve().is_relative_to(self.root):
            raise BadKey(key)
        return path

    def save(self, key: str, source: Path) -> Path:
        """Moves the file at `source` into the storage and returns its place. Raises BadKey and OSError."""
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        source.chmod(0o644)
        _flush(source)
        try:
            os.replace(source, target)
        except OSError as failed:
            if failed.errno != errno.EXDEV:
                raise
            _copy_across(source, target)
        _flush(target.parent)
        return target

    def save_all(self, sources: Mapping[str, Path]) -> None:
        """Moves several files in, each under its key; where one fails none stays. Raises BadKey and OSError."""
        try:
            for key, source in sources.items():
                self.save(key, source)
        except Exception:
            self.delete_all(sources)
            raise

    def exists(self, key: str) -> bool:
        """Whether a file is stored under this key. Raises BadKey."""
        return self.path(key).is_file()

    def is_unchanged(self, key: str) -> bool:
        """Whether the bytes of a file are those that its name tells. Raises BadKey and OSError."""
        return _hash(self.path(key)) == _match(key)["hash"]

    def delete(self, key: str) -> None:
        """Removes the file of a key; one that is gone already is no error. Raises BadKey."""
        self.path(key).unlink(missing_ok=True)

    def delete_all(self, keys: Iterable[str]) -> None:
        """Removes the files of these keys; '' is none. Raises BadKey."""
        for key in keys:
            if key:
                self.delete(key)

    def list_keys(self) -> Iterator[str]:
        """The keys of all stored files, sorted; half-written and foreign files are not among them."""
        for path in sorted(self.root.glob("??/*")):
            key = path.relative_to(self.root).as_posix()
            if KEY_PATTERN.fullmatch(key) and path.is_file():
                yield key


def originals_of(settings: Settings) -> Storage:
    """Where uploads are kept as they came; nothing of it is ever served."""
    return Storage(settings.uploads)


def results_of(settings: Settings) -> Storage:
    """Where what we made of them is kept, and served from."""
    return Storage(settings.media)


def parts_of(settings: Settings) -> Path:
    """The folder that uploads are written into while they come, made where it is missing."""
    folder = settings.uploads / "parts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _checked(key: str) -> str:
    return _match(key)[0]


def _match(key: str) -> re.Match[str]:
    match = KEY_PATTERN.fullmatch(key)
    if match is None:
        raise BadKey(key)
    return match


def _hash(path: Path) -> str:
    if not path.is_file() and path.exists():  # a pipe would never end
        raise OSError(errno.EINVAL, "It is no file")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy_across(source: Path, target: Path) -> None:
    """From another disk: copied beside its place first, so that the last step is a rename here too."""
    part = target.with_name(f".{target.name}.part")
    shutil.copyfile(source, part)
    part.chmod(0o644)
    _flush(part)
    os.replace(part, target)
    source.unlink()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
