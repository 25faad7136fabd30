"""What other sites load, as it lies on disk: the script, one file a release that never changes once it is out, and
what frames are made of. All of it is compressed once: it stands on pages that are not ours to slow down."""

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from quilt.config import ROOT
from quilt.web.tagged import make_digest

FOLDER = ROOT / "static" / "widget"
NEWEST = "v1.0"
FRAME_PARTS = {"css": ROOT / "static" / "vendor" / "frame.css", "js": FOLDER / "frame.js"}
_RELEASE = re.compile(r"v1\.[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Script:
    """The file, whole and compressed; `integrity` is what `<script integrity=…>` asks for, `tag` its ETag."""

    plain: bytes
    compressed: bytes
    integrity: str
    tag: str


def has_release(name: str) -> bool:
    """Whether there is a release of that name."""
    return _RELEASE.fullmatch(name) is not None and (FOLDER / f"{name}.js").is_file()


@lru_cache(maxsize=8)
def load_script(release: str) -> Script:
    """A release of the loader as it is on disk."""
    return _load(FOLDER / f"{release}.js")


@lru_cache
def load_frame_part(kind: str) -> Script:
    """The style sheet (css) or the script (js) inside frames."""
    return _load(FRAME_PARTS[kind])


@lru_cache
def find_frame_part(kind: str) -> str:
    """The address of that part, with its content's hash, so that it may be cached for long."""
    digest = hashlib.blake2b(load_frame_part(kind).plain, digest_size=6).hexdigest()
    return f"/widget/frame.{kind}?v={digest}"


def _load(path: Path) -> Script:
    plain = path.read_bytes()
    digest = base64.b64encode(hashlib.sha384(plain).digest()).decode()
    return Script(
        plain, gzip.compress(plain, compresslevel=9, mtime=0), f"sha384-{digest}", make_digest(plain)
    )
