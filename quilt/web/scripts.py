"""The script that other sites load, as it lies on disk: one file a release, which never changes once it is out."""

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

from quilt.config import ROOT

FOLDER = ROOT / "static" / "widget"
NEWEST = "v1.0"
_RELEASE = re.compile(r"v1\.[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Script:
    """The file, whole and compressed; `integrity` is what `<script integrity=…>` asks for."""

    plain: bytes
    compressed: bytes
    integrity: str


def has_release(name: str) -> bool:
    """Whether there is a release of that name."""
    return _RELEASE.fullmatch(name) is not None and (FOLDER / f"{name}.js").is_file()


@lru_cache(maxsize=8)
def load_script(release: str) -> Script:
    """A release of the loader as it is on disk."""
    plain = (FOLDER / f"{release}.js").read_bytes()
    digest = base64.b64encode(hashlib.sha384(plain).digest()).decode()
    return Script(plain, gzip.compress(plain, compresslevel=9, mtime=0), f"sha384-{digest}")
