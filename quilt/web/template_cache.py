"""Compiled templates kept beside Python's own compiled modules: each process would compile them anew otherwise."""

import hashlib
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from types import CodeType

from jinja2 import Environment, FileSystemBytecodeCache
from jinja2.bccache import Bucket

# What is compiled depends on the template's text, on Jinja, and on how its environment is set up.
_SET_UP = hashlib.sha256(Path(__file__).with_name("context.py").read_bytes()).hexdigest()[:12]
FOLDER = Path(__file__).with_name("__pycache__") / f"templates-{version('jinja2')}-{_SET_UP}"


class TemplateCache(FileSystemBytecodeCache):
    """Compiled templates in a folder; a folder that cannot be written is done without."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what is kept; a file that is damaged counts as none, and is written anew."""
        try:
            super().load_bytecode(bucket)
        except Exception:  # noqa: BLE001 pickle raises whatever the bytes before it make it do
            bucket.reset()
        if not isinstance(bucket.code, CodeType):
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled, or go on without."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


def keep_compiled(environment: Environment, folder: Path = FOLDER) -> None:
    """Let `environment` keep what it compiles; a template whose text has changed is compiled again.

    Compiling the templates of one page leaves a worker megabytes larger, and costs it a quarter of a second.
    """
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    if folder.is_dir():
        environment.bytecode_cache = TemplateCache(str(folder), "%s.cache")
