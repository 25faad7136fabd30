"""Finished files on local disk, under names made here: nobody's file name ever becomes a path."""

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from quilt.config import Settings

SUFFIXES = ("mp4", "jpg", "png", "pdf", "upload")
KEY_PATTERN = re.compile(rf"([0-9a-f]{{2}})/\1[0-9a-f]{{30}}\.(?:{'|'.join(SUFFIXES)})", re.ASCII)


class BadKey(ValueError):
    """A text that is not the key of a stored file."""


def new_key(suffix: str, entropy: Callable[[int], bytes]) -> str:
    """A key such as `ab/abcd….mp4` with 128 bits from `entropy` (number of bytes → bytes). Raises BadKey."""
    name = entropy(16).hex()
    return _checked(f"{name[:2]}/{name}.{suffix}")


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
    if not KEY_PATTERN.fullmatch(key):
        raise BadKey(key)
    return key


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
