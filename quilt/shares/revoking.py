"""Giving tokens back to the network that gave them."""

import base64
from enum import Enum
from urllib.parse import urlencode

from quilt.accounts import bluesky, mastodon
from quilt.accounts.discovery import fetch_json
from quilt.accounts.proofs import ProviderSilent
from quilt.accounts.providers import Auth, Kind, client_id_of, client_secret_of
from quilt.outbound import Answer, OutboundFailed, fetch
from quilt.shares.connectors.bluesky import prove_possession
from quilt.shares.granting import MASTODON_SCOPE, PostTrip


class Fate(Enum):
    """What became of tokens that were given back."""

    TAKEN = "the network says that it has forgotten them"
    NO_DOOR = "the network takes none back"
    UNCLEAR = "no good answer: it can be tried again"


def revoke(trip: PostTrip, host: str, tokens: dict[str, str]) -> Fate:
    """Give the tokens back (RFC 7009). Never raises: they go here anyhow."""
    names = [name for name in ("refresh_token", "access_token") if tokens.get(name)]
    if not trip.row.revoke or not names:
        return Fate.NO_DOOR
    address, form, headers = _plan_revocation(trip, host, tokens)
    if not address:
        return Fate.UNCLEAR
    send = _send_bound if trip.provider.kind is Kind.BLUESKY else _send_plain
    try:
        for name in names:
            body = urlencode({**form, "token": tokens[name], "token_type_hint": name}).encode()
            if not send(trip, address, headers, body, tokens).is_good:
                return Fate.UNCLEAR
    except OutboundFailed:
        return Fate.UNCLEAR
    return Fate.TAKEN


def _send_plain(
    trip: PostTrip, address: str, headers: dict[str, str], body: bytes, _tokens: dict[str, str]
) -> Answer:
    return fetch(
        "POST", address, headers=headers, body=body, deadline_seconds=trip.seconds_left,
        allow_loopback=trip.settings.may_ask_loopback,
    )  # fmt: skip


def _send_bound(
    trip: PostTrip, address: str, headers: dict[str, str], body: bytes, tokens: dict[str, str]
) -> Answer:
    """With a proof of the tokens' key: a server forgets bound tokens for nobody else, and says 200 all the same."""
    key = bluesky.unpack_key(tokens["key"])
    nonce = key.as_nonce or ""
    for _ in range(2):
        proof = prove_possession(key, "POST", address, trip.now, nonce=nonce)
        answer = _send_plain(trip, address, {**headers, "DPoP": proof}, body, tokens)
        told = answer.headers.get("dpop-nonce", nonce)
        if answer.is_good or told == nonce:
            break
        nonce = told
    return answer


def _plan_revocation(
    trip: PostTrip, host: str, tokens: dict[str, str]
) -> tuple[str, dict[str, str], dict[str, str]]:
    """Where tokens are given back, with what form and headers; the address is '' where that is not known now."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    row, settings = trip.provider, trip.settings
    if row.kind is Kind.BLUESKY:
        try:
            address = f"{tokens['issuer']}/.well-known/oauth-authorization-server"
            facts = fetch_json(address, allow_loopback=settings.may_ask_loopback, seconds=trip.seconds_left)
        except ProviderSilent:
            return "", {}, {}
        client_id = bluesky.client_id(settings, trip.redirect_uri, tokens["scope"])
        return str(facts.get("revocation_endpoint") or ""), {"client_id": client_id}, headers
    if row.kind is Kind.MASTODON:
        client = mastodon.find_client(trip, host, MASTODON_SCOPE)
        if client is None:
            return "", {}, {}
        secret = {"client_id": client.client_id, "client_secret": client.client_secret}
        return f"{host}{trip.row.revoke}", secret, headers
    client_id, secret_text = client_id_of(row, settings), client_secret_of(row, settings)
    if row.auth is Auth.BASIC:
        basic = f"Basic {base64.b64encode(f'{client_id}:{secret_text}'.encode()).decode()}"
        return trip.row.revoke, {"client_id": client_id}, {**headers, "Authorization": basic}
    return trip.row.revoke, {"client_id": client_id, "client_secret": secret_text}, headers
