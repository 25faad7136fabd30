"""Settings, read once from the environment: every name starts with QUILT_."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_SECRET = "change-me: any long random text"


class ConfigurationError(Exception):
    """The settings do not allow a start; the message says which one to mend."""


@dataclass(frozen=True)
class Settings:
    """What an operator decides. `from_environment` is the only door in production."""

    environment: str = "production"  # production | development | demo | test
    secret_key: str = field(default=DEFAULT_SECRET, repr=False)
    data: Path = ROOT / "var"
    database_url: str = field(default="", repr=False)
    queue_url: str = field(default="", repr=False)
    limits_url: str = "memory://"
    base_url: str = "http://127.0.0.1:8000"
    site_name: str = "Quilt"
    contact: str = ""  # where people write to: an e-mail address
    smtp_url: str = field(default="", repr=False)
    mail_from: str = "Quilt <quilt@localhost>"
    proxies: int = 0
    max_upload_mb: int = 2048
    max_video_seconds: int = 180
    page_freshness: float = 0.2
    are_limits_on: bool = True
    oembed_on: bool = True
    ledger_minutes: float = 10.0
    ledger_key: str = field(default="", repr=False)
    require_second_factor: bool | None = None

    # Signing in with other providers: each is off until its keys are set (quilt/accounts/providers.py).
    google_client_id: str = ""
    google_client_secret: str = field(default="", repr=False)
    facebook_client_id: str = ""
    facebook_client_secret: str = field(default="", repr=False)
    x_client_id: str = ""
    x_client_secret: str = field(default="", repr=False)
    linkedin_client_id: str = ""
    linkedin_client_secret: str = field(default="", repr=False)
    github_client_id: str = ""
    github_client_secret: str = field(default="", repr=False)
    apple_client_id: str = ""
    apple_team_id: str = ""
    apple_key_id: str = ""
    apple_private_key: str = field(default="", repr=False)
    microsoft_client_id: str = ""
    microsoft_client_secret: str = field(default="", repr=False)
    microsoft_tenant: str = "common"
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = field(default="", repr=False)
    oidc_name: str = "Single sign-on"
    oidc_trusts_email: bool = False
    provider_seconds: float = 4.5  # for everything that is asked of a provider while somebody waits
    mastodon_on: bool = False
    bluesky_on: bool = False
    bluesky_resolver: str = "https://public.api.bsky.app"
    bluesky_directory: str = "https://plc.directory"

    # Posting on people's behalf: a network is off until it is named here and its keys are set (quilt/shares).
    post_to: tuple[str, ...] = ()
    token_keys: tuple[str, ...] = field(default=(), repr=False)  # the first encrypts, the others still read
    reddit_client_id: str = ""
    reddit_client_secret: str = field(default="", repr=False)
    threads_client_id: str = ""
    threads_client_secret: str = field(default="", repr=False)
    networks_at: str = ""  # while developing: one server that plays every network

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    @property
    def asks_second_factor(self) -> bool:
        """Whether nobody decides about others before a second factor was shown."""
        return self.is_production if self.require_second_factor is None else self.require_second_factor

    @property
    def is_demo(self) -> bool:
        return self.environment == "demo"

    @property
    def may_ask_loopback(self) -> bool:
        """Whether requests to other servers may go to this machine: while developing and in tests only."""
        return self.environment in ("development", "test")

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https://")

    @property
    def keeps_mail(self) -> bool:
        """Whether mail stays in the outbox table instead of being sent."""
        return not self.smtp_url

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data / 'quilt.db'}"

    @property
    def queue(self) -> str:
        return self.queue_url or f"sqlite:///{self.data / 'queue.db'}"

    @property
    def media(self) -> Path:
        return self.data / "media"

    @property
    def uploads(self) -> Path:
        return self.data / "uploads"

    def check(self) -> None:
        """Raise ConfigurationError where a start would be unsafe."""
        if self.environment not in ("production", "development", "demo", "test"):
            raise ConfigurationError("QUILT_ENV must be production, development or demo.")
        if self.proxies < 0 or self.max_upload_mb < 1 or self.max_video_seconds < 1:
            raise ConfigurationError(
                "QUILT_PROXIES, QUILT_MAX_UPLOAD_MB and QUILT_MAX_VIDEO_SECONDS count things."
            )
        if not 0 < self.ledger_minutes <= 10:
            raise ConfigurationError("QUILT_LEDGER_MINUTES must be above 0, and at most 10.")
        if self.ledger_key and not re.fullmatch("[0-9a-f]{64}", self.ledger_key):
            raise ConfigurationError("QUILT_LEDGER_KEY must be 64 hexadecimal digits, in small letters.")
        if self.post_to and not self.token_keys:
            raise ConfigurationError(
                "QUILT_POST_TO needs QUILT_TOKEN_KEYS: `quilt connections new-key` makes one."
            )
        if any(not _FERNET_KEY.fullmatch(key) for key in self.token_keys):
            raise ConfigurationError(
                "QUILT_TOKEN_KEYS holds keys as `quilt connections new-key` prints them."
            )
        if self.contact and not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", self.contact):
            raise ConfigurationError("QUILT_CONTACT is one e-mail address: people@example.org.")
        if not 0 <= self.page_freshness <= 60:
            raise ConfigurationError("QUILT_PAGE_FRESHNESS must be between 0 and 60 seconds.")
        if not 0 < self.provider_seconds <= 20:
            raise ConfigurationError("QUILT_PROVIDER_SECONDS must be above 0, and at most 20.")
        if self.smtp_url and not self.smtp_url.startswith(("smtp://", "smtps://", "smtp+starttls://")):
            raise ConfigurationError("QUILT_SMTP_URL must start with smtp://, smtps:// or smtp+starttls://.")
        if not self.is_production:
            return
        if self.networks_at:
            raise ConfigurationError("QUILT_NETWORKS_AT is for development only: posts would go nowhere.")
        if self.secret_key == DEFAULT_SECRET or len(self.secret_key) < 32 or len(set(self.secret_key)) < 8:
            raise ConfigurationError(
                "Set QUILT_SECRET_KEY to at least 32 random characters, for example the output of "
                "`python3 -c 'import secrets; print(secrets.token_urlsafe(48))'`. "
                "To try Quilt on this machine, run `make demo`."
            )
        if not self.is_https:
            raise ConfigurationError("Set QUILT_BASE_URL to the public address; it must start with https://.")
        if not self.smtp_url:
            raise ConfigurationError("Set QUILT_SMTP_URL: voters confirm by an e-mailed code.")


def _is_on(text: str) -> bool:
    return text.lower() not in ("0", "off", "no", "false")


def _list_words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


_FERNET_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")
_FIELDS = {
    "QUILT_ENV": ("environment", str),
    "QUILT_SECRET_KEY": ("secret_key", str),
    "QUILT_DATA": ("data", lambda text: Path(text).expanduser().resolve()),
    "QUILT_DATABASE_URL": ("database_url", str),
    "QUILT_QUEUE_URL": ("queue_url", str),
    "QUILT_LIMITS_URL": ("limits_url", str),
    "QUILT_BASE_URL": ("base_url", lambda text: text.rstrip("/").lower()),
    "QUILT_SITE_NAME": ("site_name", str),
    "QUILT_CONTACT": ("contact", str.strip),
    "QUILT_SMTP_URL": ("smtp_url", str),
    "QUILT_MAIL_FROM": ("mail_from", str),
    "QUILT_PROXIES": ("proxies", int),
    "QUILT_MAX_UPLOAD_MB": ("max_upload_mb", int),
    "QUILT_MAX_VIDEO_SECONDS": ("max_video_seconds", int),
    "QUILT_PAGE_FRESHNESS": ("page_freshness", float),
    "QUILT_LIMITS": ("are_limits_on", lambda text: text.lower() not in ("0", "off", "no", "false")),
    "QUILT_REQUIRE_SECOND_FACTOR": ("require_second_factor", _is_on),
    "QUILT_LEDGER_MINUTES": ("ledger_minutes", float),
    "QUILT_LEDGER_KEY": ("ledger_key", str),
    "QUILT_OEMBED": ("oembed_on", lambda text: text.lower() not in ("0", "off", "no", "false")),
    "QUILT_GOOGLE_CLIENT_ID": ("google_client_id", str),
    "QUILT_GOOGLE_CLIENT_SECRET": ("google_client_secret", str),
    "QUILT_FACEBOOK_CLIENT_ID": ("facebook_client_id", str),
    "QUILT_FACEBOOK_CLIENT_SECRET": ("facebook_client_secret", str),
    "QUILT_X_CLIENT_ID": ("x_client_id", str),
    "QUILT_X_CLIENT_SECRET": ("x_client_secret", str),
    "QUILT_LINKEDIN_CLIENT_ID": ("linkedin_client_id", str),
    "QUILT_LINKEDIN_CLIENT_SECRET": ("linkedin_client_secret", str),
    "QUILT_GITHUB_CLIENT_ID": ("github_client_id", str),
    "QUILT_GITHUB_CLIENT_SECRET": ("github_client_secret", str),
    "QUILT_APPLE_CLIENT_ID": ("apple_client_id", str),
    "QUILT_APPLE_TEAM_ID": ("apple_team_id", str),
    "QUILT_APPLE_KEY_ID": ("apple_key_id", str),
    "QUILT_APPLE_PRIVATE_KEY": ("apple_private_key", lambda text: text.replace("\\n", "\n")),
    "QUILT_MICROSOFT_CLIENT_ID": ("microsoft_client_id", str),
    "QUILT_MICROSOFT_CLIENT_SECRET": ("microsoft_client_secret", str),
    "QUILT_MICROSOFT_TENANT": ("microsoft_tenant", str),
    "QUILT_OIDC_ISSUER": ("oidc_issuer", str),
    "QUILT_OIDC_CLIENT_ID": ("oidc_client_id", str),
    "QUILT_OIDC_CLIENT_SECRET": ("oidc_client_secret", str),
    "QUILT_OIDC_NAME": ("oidc_name", str),
    "QUILT_OIDC_TRUSTS_EMAIL": ("oidc_trusts_email", _is_on),
    "QUILT_PROVIDER_SECONDS": ("provider_seconds", float),
    "QUILT_MASTODON": ("mastodon_on", _is_on),
    "QUILT_BLUESKY": ("bluesky_on", _is_on),
    "QUILT_BLUESKY_RESOLVER": ("bluesky_resolver", lambda text: text.rstrip("/")),
    "QUILT_BLUESKY_DIRECTORY": ("bluesky_directory", lambda text: text.rstrip("/")),
    "QUILT_POST_TO": ("post_to", _list_words),
    "QUILT_TOKEN_KEYS": ("token_keys", _list_words),
    "QUILT_NETWORKS_AT": ("networks_at", lambda text: text.rstrip("/")),
    "QUILT_REDDIT_CLIENT_ID": ("reddit_client_id", str),
    "QUILT_REDDIT_CLIENT_SECRET": ("reddit_client_secret", str),
    "QUILT_THREADS_CLIENT_ID": ("threads_client_id", str),
    "QUILT_THREADS_CLIENT_SECRET": ("threads_client_secret", str),
}


def from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process; raises ConfigurationError naming the variable that is wrong."""
    values: dict[str, object] = {}
    for variable, (name, parse) in _FIELDS.items():
        text = environ.get(variable)
        if not text:
            continue
        try:
            values[name] = parse(text)  # type: ignore[operator]
        except ValueError as error:
            raise ConfigurationError(f"{variable}={text!r} cannot be read: {error}.") from None
    if values.get("environment") == "test":
        raise ConfigurationError("QUILT_ENV must be production, development or demo.")
    settings = Settings(**values)  # type: ignore[arg-type]
    settings.check()
    return settings
