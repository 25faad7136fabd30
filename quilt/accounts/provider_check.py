"""Whether a provider answers as a sign-in needs it: the desk's test button."""

from datetime import datetime

from quilt.accounts import bluesky
from quilt.accounts.discovery import fetch_keys
from quilt.accounts.exchange import Trip, find_metadata, sign_secret
from quilt.accounts.proofs import SignInRefused
from quilt.accounts.providers import Auth, Kind, Provider, complete, list_missing
from quilt.config import Settings
from quilt.outbound import OutboundFailed, fetch


class CheckFailed(Exception):
    """Something is missing or does not answer; `words` say what, for the desk."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


def check_provider(provider: Provider, settings: Settings, now: datetime) -> str:
    """Ask a provider for its endpoints and keys, or for any answer where it publishes none.

    Returns what was found, in words. A wrong client secret shows only when somebody signs in: no provider offers
    a way to try it. Raises CheckFailed.
    """
    missing = list_missing(provider, settings)
    if missing:
        raise CheckFailed(f"Not set: {', '.join(missing)}.")
    row = complete(provider, settings)
    return ask_provider(row, Trip(row, settings, now))


def ask_provider(row: Provider, trip: Trip) -> str:
    """The same for a row that is on, on a trip that is never begun. Raises CheckFailed."""
    try:
        return _ask(row, trip)
    except SignInRefused as refusal:
        raise CheckFailed(f"{row.label} does not answer as it should: {refusal.why}.") from None
    except OutboundFailed as failure:
        raise CheckFailed(f"{row.label} does not answer: {failure}.") from None


def _ask(row: Provider, trip: Trip) -> str:
    is_loopback_fine = trip.settings.may_ask_loopback
    if row.kind is Kind.MASTODON:
        return "It is on. Each server is asked when the first person from there comes."
    if row.kind is Kind.BLUESKY:
        found = bluesky.find_server(trip, bluesky.DEFAULT_SERVER)
        return f"It answers: {found.issuer} takes pushed requests."
    metadata = find_metadata(trip)
    if row.auth is Auth.SIGNED:
        sign_secret(trip, row.issuer)
    if row.kind is Kind.OIDC:
        keys = fetch_keys(metadata.jwks_uri, allow_loopback=is_loopback_fine, seconds=trip.seconds_left)
        return f"It answers: {metadata.issuer} publishes {len(keys.keys)} keys."
    answer = fetch(
        "GET", metadata.token_endpoint, deadline_seconds=trip.seconds_left, allow_loopback=is_loopback_fine
    )
    if answer.status >= 500:
        raise CheckFailed(
            f"{row.label} has trouble: its token endpoint says {answer.status}. Try again in a while."
        )
    return f"It answers: the token endpoint says {answer.status} to an empty request."
