"""The networks, as rows: which are on, and what is missing for the others."""

from dataclasses import replace
from urllib.parse import urlsplit

from quilt.config import Settings
from quilt.shares.connectors.base import Connector
from quilt.shares.connectors.bluesky import BLUESKY
from quilt.shares.connectors.linkedin import LINKEDIN
from quilt.shares.connectors.mastodon import MASTODON
from quilt.shares.connectors.reddit import REDDIT
from quilt.shares.connectors.threads import THREADS
from quilt.shares.connectors.x import X

CONNECTORS: dict[str, Connector] = {
    row.provider.name: row for row in (MASTODON, BLUESKY, LINKEDIN, X, REDDIT, THREADS)
}


def find_connector(name: str, settings: Settings) -> Connector | None:
    """The network of this name as these settings complete it; None where it is off or unknown."""
    row = CONNECTORS.get(name)
    return None if row is None or list_missing(row, settings) else complete(row, settings)


def list_on(settings: Settings) -> list[Connector]:
    """The networks to which one can post from here, in the table's order."""
    return [complete(row, settings) for row in CONNECTORS.values() if not list_missing(row, settings)]


def list_missing(connector: Connector, settings: Settings) -> list[str]:
    """What must be set before this network is on, as environment variables."""
    missing = [f"QUILT_{name.upper()}" for name in connector.provider.needs if not getattr(settings, name)]
    if not settings.token_keys:
        missing.insert(0, "QUILT_TOKEN_KEYS")
    if connector.provider.name not in settings.post_to:
        missing.insert(0, f"QUILT_POST_TO={connector.provider.name}")
    return missing


def callback_url(connector: Connector, settings: Settings) -> str:
    """The one redirect address of this connector: what is registered there, letter for letter."""
    return f"{settings.base_url}/me/connections/{connector.provider.name}/back"


def complete(connector: Connector, settings: Settings) -> Connector:
    """The row; while developing, its addresses lead to the one server that plays every network."""
    if not settings.networks_at:
        return connector
    row = connector.provider
    played = replace(
        row,
        authorization_endpoint=_play(row.authorization_endpoint, settings),
        token_endpoint=_play(row.token_endpoint, settings),
        account_endpoint=_play(row.account_endpoint, settings),
    )
    return replace(connector, provider=played, revoke=_play(connector.revoke, settings))


def _play(url: str, settings: Settings) -> str:
    parts = urlsplit(url)
    return (
        url.replace(f"https://{parts.netloc}", f"{settings.networks_at}/{parts.netloc}")
        if parts.netloc
        else url
    )
