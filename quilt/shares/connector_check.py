"""Whether a network answers as posting needs it: the desk's test button."""

from datetime import datetime

from quilt.accounts.provider_check import CheckFailed, ask_provider
from quilt.config import Settings
from quilt.shares.connectors.base import Connector
from quilt.shares.connectors.table import complete, list_missing
from quilt.shares.granting import PostTrip


def check_connector(connector: Connector, settings: Settings, now: datetime) -> str:
    """Ask a network for any answer; nobody is connected and nothing is posted by it.

    Returns what was found, in words. A wrong client secret shows only when somebody connects. Raises CheckFailed.
    """
    missing = list_missing(connector, settings)
    if missing:
        raise CheckFailed(f"Not set: {', '.join(missing)}.")
    row = complete(connector, settings)
    return ask_provider(row.provider, PostTrip(row.provider, settings, now, row))
