"""The quilt command: serve, worker, demo, audit, and what an operator does to the database and to people."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from quilt.accounts.rules import ROLES
from quilt.collector import pause_collector
from quilt.config import ConfigurationError, Settings, from_environment

if TYPE_CHECKING:
    from flask import Flask


@click.group()
@click.version_option(package_name="quilt")
def main() -> None:
    """Quilt: video contests for causes. Settings come from the environment (QUILT_…; see the README)."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65_535))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Processes.")
@click.option("--with-parent", type=int, hidden=True, help="End when this process does.")
def serve(host: str, port: int, workers: int, with_parent: int | None) -> None:
    """Answer web requests until stopped."""
    from quilt.serving import become_server

    become_server(host, port, workers, with_parent)


@main.command()
@click.option("--threads", default=2, show_default=True, type=click.IntRange(1, 32), help="Jobs at a time.")
@click.option("--with-parent", type=int, hidden=True, help="End when this process does.")
def worker(threads: int, with_parent: int | None) -> None:
    """Process videos, send mail, fold arrivals, until stopped."""
    with _opened_app() as app:
        _check_schema()
    with pause_collector():
        from quilt.database import close_writers
        from quilt.jobs.worker import become_worker
        from quilt.serving import end_with_parent
        from quilt.web.clock import entropy, now
        from quilt.web.requests_log import set_up_logging

    set_up_logging()
    if with_parent is not None:
        end_with_parent(with_parent)
    become_worker(app, now, entropy, threads)
    close_writers()


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65_535))
@click.option(
    "--data", default=None, type=click.Path(path_type=Path), help="Its folder, instead of var/demo."
)
@click.option("--fresh", is_flag=True, help="Throw an earlier demo away and begin anew.")
def demo(host: str, port: int, data: Path | None, fresh: bool) -> None:
    """Open a whole contest to play with; Ctrl-C stops it."""
    from quilt.showing import DEMO_FOLDER, CannotShow, show

    try:
        show(host, port, data or DEMO_FOLDER, fresh=fresh, say=click.echo)
    except CannotShow as error:
        raise click.ClickException(str(error)) from None


@main.group("db")
def database() -> None:
    """The database's tables."""


@database.command()
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the tables up to REVISION (the newest by default)."""
    import flask_migrate

    with _opened_app(has_migrations=True):
        flask_migrate.upgrade(revision=revision)
        click.echo(f"The database is {_find_schema_state()}.")


@database.command()
@click.argument("revision")
@click.confirmation_option(prompt="What the dropped tables and columns hold is lost. Go on?")
def downgrade(revision: str) -> None:
    """Take the tables back to REVISION (`base` drops them all)."""
    import flask_migrate

    with _opened_app(has_migrations=True):
        flask_migrate.downgrade(revision=revision)
        click.echo(f"The database is {_find_schema_state()}.")


@database.command()
def current() -> None:
    """Say whether the tables fit this release; exit with 1 when they are behind."""
    with _opened_app():
        state = _find_schema_state()
        click.echo(f"The database is {state}.")
        raise SystemExit(1 if state == "behind" else 0)


@main.command()
@click.option("--at-least", default=0, help="Fail as well when fewer things than this were looked at.")
@click.option(
    "--digest", is_flag=True, help="Print one hash for each table instead, to compare with another."
)
def audit(at_least: int, digest: bool) -> None:
    """Compare everything that is stored twice; exit with 1 when something differs."""
    from quilt.audit import run_audit, run_digest
    from quilt.audit.digest import spell_digests
    from quilt.audit.report import count_differences, count_looked_at, spell_out
    from quilt.web.clock import now

    with _opened_app() as app:
        _check_schema()
        if digest:
            click.echo("\n".join(spell_digests(run_digest())))
            return
        checks = run_audit(app.extensions["quilt_settings"], now())
    click.echo("\n".join(spell_out(checks)))
    looked_at, differences = count_looked_at(checks), count_differences(checks)
    click.echo(f"{looked_at:,} things looked at, {differences:,} differences.")
    if looked_at < at_least:
        raise click.ClickException(f"That is fewer than {at_least:,}: is this the right database?")
    raise SystemExit(1 if differences else 0)


@main.group()
def spread() -> None:
    """The figures of how far entries spread."""


@spread.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="CSV to write.")
@click.option("--through", type=click.Choice(["services"]), help="Feed the services that requests use.")
@click.option(
    "--batch", default=500, show_default=True, type=click.IntRange(1), help="Arrivals a fold takes."
)
@click.option(
    "--votes", default=0.0, type=click.FloatRange(0, 1), help="The part of the people who also vote."
)
@click.option("--forest", is_flag=True, help="Write the figures of forests: of the seeds' trees as well.")
@click.option("--database", default="", help="A PostgreSQL server for the scratch database; else SQLite.")
def replay(
    file: Path, out: Path, through: str | None, batch: int, votes: float, forest: bool, database: str
) -> None:
    """Write the figures of every tree in FILE (one JSON object a line, plain or gzipped) to a CSV.

    With `--through services` the people of a tree arrive one by another's link in a scratch database, which is
    deleted afterwards and does not wait for the disk (synchronous, or synchronous_commit, is off).
    """
    from quilt.replaying import CannotReplay, Plan, replay_file

    if through is None and (votes or database):
        raise click.UsageError("--votes and --database go with --through services.")
    try:
        count = replay_file(file, out, Plan(batch, votes), through is not None, database, forest)
    except CannotReplay as error:
        raise click.ClickException(str(error)) from None
    things = ("forest" if forest else "tree") + ("" if count == 1 else "s")
    click.echo(f"{count:,} {things} replayed; the figures are in {out}.")


@main.group("user")
def people() -> None:
    """The people who run contests."""


@people.command()
@click.argument("email")
@click.option("--role", default="admin", show_default=True, type=click.Choice(ROLES))
@click.option("--create", is_flag=True, help="Make the account when nobody has this address yet.")
def promote(email: str, role: str, create: bool) -> None:
    """Make the person with this address a member, moderator or admin; they sign in again."""
    from quilt.accounts.rules import AccountRefused
    from quilt.accounts.service import create_user, set_role
    from quilt.web.clock import now

    with _opened_app():
        _check_schema()
        try:
            if create:
                create_user(email, now=now())
            user = set_role(email, role)
        except AccountRefused:
            raise click.ClickException(f"{email} is not an e-mail address.") from None
        except LookupError as error:
            raise click.ClickException(f"{error} They can sign in once, or add --create.") from None
    click.echo(f"{user.email} is {role} now.")


@main.group("connections")
def connections() -> None:
    """The accounts that people have connected for posting."""


@connections.command("new-key")
def make_token_key() -> None:
    """Print a new key for QUILT_TOKEN_KEYS."""
    from quilt.shares.sealing import new_key

    click.echo(new_key())


@connections.command("rotate")
def rotate_token_keys() -> None:
    """Encrypt every token anew with the first key of QUILT_TOKEN_KEYS; the others may go afterwards."""
    from quilt.shares.connections import rotate_keys

    with _opened_app() as app:
        _check_schema()
        settings = app.extensions["quilt_settings"]
        if not settings.token_keys:
            raise click.ClickException("QUILT_TOKEN_KEYS is not set: there is nothing to encrypt with.")
        done, lost = rotate_keys(settings)
    click.echo(f"{done:,} tokens are encrypted with the first key.")
    if lost:
        raise click.ClickException(f"No key opens {lost:,} more: put the old key back behind the first one.")


@people.command("reset-factors")
@click.argument("email")
def reset_factors(email: str) -> None:
    """Take a lost authenticator app and all passkeys off an account; its owner signs in and sets up new ones."""
    from quilt.accounts.rules import AccountRefused
    from quilt.accounts.second_factors import reset_factors as reset
    from quilt.letters import composer
    from quilt.web.clock import now

    with _opened_app() as app:
        _check_schema()
        try:
            user = reset(email, compose=composer(app.extensions["quilt_settings"]), now=now())
        except AccountRefused:
            raise click.ClickException(f"{email} is not an e-mail address.") from None
        except LookupError as error:
            raise click.ClickException(str(error)) from None
    click.echo(f"{user.email} has no second factor now, and was told so by mail.")


def _read_settings() -> Settings:
    """The settings of the environment; libraries that they do without are not loaded from here on."""
    from quilt.serving import spare_imports

    try:
        settings = from_environment()
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from None
    spare_imports(settings)
    return settings


@contextmanager
def _opened_app(*, has_migrations: bool = False) -> Iterator["Flask"]:
    """The application in a context; what an operator can mend ends the command with one line, no traceback.

    Its connections are closed afterwards.
    """
    settings = _read_settings()
    with pause_collector():
        from sqlalchemy.exc import OperationalError

        from quilt.app import create_app
        from quilt.database import db

        try:
            app = create_app(settings, has_migrations=has_migrations)
        except OSError as error:
            raise click.ClickException(str(error)) from None
    with app.app_context():
        try:
            yield app
        except OperationalError as error:
            raise click.ClickException(f"The database cannot be used: {error.orig}") from None
        finally:
            db.session.remove()
            db.engine.dispose()


def _find_schema_state() -> str:
    from quilt.database import db
    from quilt.readiness import find_schema_state

    return find_schema_state(db.engine)


def _check_schema() -> None:
    if _find_schema_state() == "behind":
        raise click.ClickException("The database's tables are behind this release. Run: quilt db upgrade")


if __name__ == "__main__":
    main()
