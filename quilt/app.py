"""create_app(): the one place that knows every part."""

from wsgiref.headers import Headers

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from quilt import mail_tasks, tables  # noqa: F401 tables and tasks register themselves
from quilt.accounts import privacy as _accounts_privacy  # noqa: F401 what each room tells of a person
from quilt.accounts import tasks as _accounts_tasks  # noqa: F401
from quilt.arrivals import tasks as _arrivals_tasks  # noqa: F401
from quilt.community import privacy as _community_privacy  # noqa: F401
from quilt.config import ROOT, Settings, from_environment
from quilt.contests import tasks as _contests_tasks  # noqa: F401
from quilt.database import choose_options, db, prepare_engine, release_session
from quilt.embeds import privacy as _embeds_privacy  # noqa: F401
from quilt.embeds import tasks as _embeds_tasks  # noqa: F401
from quilt.entries import privacy as _entries_privacy  # noqa: F401
from quilt.entries import tasks as _entries_tasks  # noqa: F401
from quilt.extensions import csrf, limiter, login_manager
from quilt.integrity import batches as _batches  # noqa: F401
from quilt.integrity import privacy as _integrity_privacy  # noqa: F401
from quilt.integrity import tasks as _integrity_tasks  # noqa: F401
from quilt.jobs.queue import queue
from quilt.journeys import privacy as _journeys_privacy  # noqa: F401
from quilt.journeys import tasks as _journeys_tasks  # noqa: F401
from quilt.judging import tasks as _judging_tasks  # noqa: F401
from quilt.media import tasks as _media_tasks  # noqa: F401
from quilt.moderation import privacy as _moderation_privacy  # noqa: F401
from quilt.moderation import tasks as _moderation_tasks  # noqa: F401
from quilt.results import tasks as _results_tasks  # noqa: F401
from quilt.shares import privacy as _shares_privacy  # noqa: F401
from quilt.shares import tasks as _shares_tasks  # noqa: F401
from quilt.votes import privacy as _votes_privacy  # noqa: F401
from quilt.votes import tasks as _votes_tasks  # noqa: F401
from quilt.web import set_up_web
from quilt.web.front import Front
from quilt.web.lean import LeanFlask
from quilt.web.repeats import Repeats
from quilt.webhooks import privacy as _webhooks_privacy  # noqa: F401
from quilt.webhooks import tasks as _webhooks_tasks  # noqa: F401


def create_app(settings: Settings | None = None, *, has_migrations: bool = True) -> Flask:
    """The application for these settings (by default those of the environment).

    A web process does without the commands of migrations: they weigh thirteen megabytes.
    """
    settings = settings or from_environment()
    app = LeanFlask("quilt", root_path=str(ROOT), static_folder=None)
    app.config.update(_flask_config(settings))
    app.extensions["quilt_settings"] = settings
    settings.data.mkdir(parents=True, exist_ok=True)
    db.init_app(app)
    app.teardown_appcontext(lambda _error: release_session())
    with app.app_context():
        prepare_engine(db.engine)
        app.extensions["quilt_engine"] = db.engine
    queue.set_up(settings)
    if has_migrations:
        _set_up_migrations(app)
    login_manager.init_app(app)
    csrf.init_app(app)
    limiter.init_app(app)
    set_up_web(app, settings)
    app.wsgi_app = Repeats(app.wsgi_app, settings.page_freshness)  # type: ignore[method-assign]
    app.wsgi_app = Front(app, app.wsgi_app)  # type: ignore[method-assign]
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app, root=str(ROOT / "static"), prefix="static/", max_age=86_400, index_file=False,
        add_headers_function=_open_to_frames,
    )  # fmt: skip
    if settings.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies, x_host=settings.proxies
        )
    return app


def _open_to_frames(headers: Headers, _path: str, _url: str) -> None:
    """A frame that a page has taken its origin from (WordPress does) loads our style sheet as a stranger."""
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"


def _set_up_migrations(app: Flask) -> None:
    from flask_migrate import Migrate

    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True, compare_type=True)


def _flask_config(settings: Settings) -> dict[str, object]:
    prefix = "__Host-" if settings.is_https else ""
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database,
        "SQLALCHEMY_ENGINE_OPTIONS": choose_options(settings.database),
        "SESSION_COOKIE_NAME": f"{prefix}quilt_session",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.is_https,
        "SESSION_COOKIE_PATH": "/",
        "PERMANENT_SESSION_LIFETIME": 30 * 86_400,
        "SESSION_REFRESH_EACH_REQUEST": False,
        "MAX_CONTENT_LENGTH": 1 << 20,
        "MAX_FORM_MEMORY_SIZE": 1 << 20,
        "MAX_FORM_PARTS": 200,
        "WTF_CSRF_TIME_LIMIT": 12 * 3_600,
        "WTF_CSRF_SSL_STRICT": False,  # the Origin check of web/origins.py is stricter and needs no Referer
        "RATELIMIT_STORAGE_URI": settings.limits_url,
        "RATELIMIT_ENABLED": settings.are_limits_on,
        "JSON_SORT_KEYS": False,
    }
