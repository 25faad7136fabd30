"""Mastodon: many servers, each of which registers us by itself when the first person from there comes."""

import re
from urllib.parse import urlencode, urlsplit

from sqlalchemy import delete, select

from quilt.accounts.discovery import Metadata, discover, read_object
from quilt.accounts.exchange import Client, Facts, Trip, build_address, fetch_token, prove_by_account
from quilt.accounts.models_identity import InstanceClient
from quilt.accounts.proofs import Interrupted, Proof, ProviderSilent, ServerUnknown
from quilt.accounts.sealing import seal, unseal
from quilt.config import Settings
from quilt.database import db, insert_if_new, transaction
from quilt.outbound import OutboundFailed, check_url, fetch

PURPOSE = "instance client"
ACCOUNT_PATH = "/api/v1/accounts/verify_credentials"
_HOST = re.compile(r"[a-z0-9.\-]{1,253}(:\d{1,5})?")


def leave(trip: Trip, state: str, _nonce: str, verifier: str, where: str) -> tuple[str, Facts]:
    """The address at the person's own server. Raises ServerUnknown for what is no Mastodon server."""
    origin = read_server(where, trip.settings)
    metadata = find_server(trip, origin)
    scope = choose_scope(metadata)
    client = find_or_register(trip, metadata, scope)
    facts = metadata.facts(verifier=verifier, scope=scope)
    return build_address(trip, client, metadata, facts, state), facts


def come_back(trip: Trip, facts: Facts, code: str) -> Proof:
    """Whom the code proves at that server. Raises Interrupted or ProviderSilent."""
    origin, scope = facts["issuer"], facts["scope"]
    client = find_client(trip, origin, scope)
    if client is None:
        raise Interrupted("our registration is gone")
    metadata = find_server(trip, origin)
    try:
        token = fetch_token(trip, client, metadata, facts, code)
    except Interrupted:
        _forget_client(
            origin, trip.redirect_uri, scope
        )  # it may have been deleted there: the next try registers
        raise
    proof = prove_by_account(trip, origin, origin + ACCOUNT_PATH, token)
    host = urlsplit(origin).netloc
    return Proof(proof.provider, origin, proof.subject, f"@{proof.label.partition('@')[0]}@{host}"[:320])


def read_server(text: str, settings: Settings) -> str:
    """The origin of a server as people type it: a host, an address, or @name@host. Raises ServerUnknown."""
    typed = text.strip().lower()
    is_plain = typed.startswith("http://") and settings.may_ask_loopback
    host = re.sub(r"^https?://", "", typed).partition("/")[0].rpartition("@")[2].rstrip(".")
    try:
        host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise ServerUnknown("no host") from None
    if not _HOST.fullmatch(host) or ("." not in host and not settings.may_ask_loopback):
        raise ServerUnknown("no host")
    origin = f"{'http' if is_plain else 'https'}://{host}"
    try:
        check_url(origin, allow_loopback=settings.may_ask_loopback)
    except OutboundFailed:
        raise ServerUnknown("no host") from None
    return origin


def find_server(trip: Trip, origin: str) -> Metadata:
    """The server's endpoints: as it publishes them (since 4.3), else where they have always been."""
    is_loopback_fine = trip.settings.may_ask_loopback
    try:
        metadata = discover(
            origin, allow_loopback=is_loopback_fine, seconds=trip.seconds_left / 2,
            path="/.well-known/oauth-authorization-server",
        )  # fmt: skip
    except ProviderSilent:
        return Metadata(
            origin, f"{origin}/oauth/authorize", f"{origin}/oauth/token",
            registration_endpoint=f"{origin}/api/v1/apps",
        )  # fmt: skip
    addresses = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.registration_endpoint)
    if any(address and not address.startswith(f"{origin}/") for address in addresses):
        raise ServerUnknown("endpoints of another server")
    return metadata


def choose_scope(metadata: Metadata) -> str:
    """The least that tells whose account it is: `profile` where the server knows it (4.3), else read:accounts."""
    return "profile" if "profile" in metadata.scopes else "read:accounts"


def find_or_register(trip: Trip, metadata: Metadata, scope: str) -> Client:
    """Our client at this server, registered now if we have none. Raises ServerUnknown."""
    found = find_client(trip, metadata.issuer, scope)
    if found is not None:
        return found
    settings = trip.settings
    wish = {
        "client_name": settings.site_name, "redirect_uris": trip.redirect_uri, "scopes": scope,
        "website": settings.base_url,
    }  # fmt: skip
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    address = metadata.registration_endpoint or f"{metadata.issuer}/api/v1/apps"
    try:
        answer = fetch(
            "POST", address, headers=headers, body=urlencode(wish).encode(), deadline_seconds=trip.seconds_left,
            allow_loopback=settings.may_ask_loopback,
        )  # fmt: skip
        facts = read_object(answer.body) if answer.is_good else {}
    except (OutboundFailed, ProviderSilent):
        raise ServerUnknown("no registration") from None
    client_id, secret = facts.get("client_id"), facts.get("client_secret")
    if not isinstance(client_id, str) or not isinstance(secret, str) or not 0 < len(client_id) <= 255:
        raise ServerUnknown("no registration")
    _keep_client(trip, metadata.issuer, scope, client_id, secret)
    return Client(client_id, secret)


def find_client(trip: Trip, issuer: str, scope: str) -> Client | None:
    """Our client at this server for this scope, or None where we have not registered (or with another secret)."""
    row = db.session.scalars(
        select(InstanceClient).where(
            InstanceClient.issuer == issuer,
            InstanceClient.redirect_uri == trip.redirect_uri,
            InstanceClient.scope == scope,
        )
    ).first()
    secret = None if row is None else unseal(row.sealed_secret, trip.settings.secret_key, PURPOSE)
    if row is not None and secret is None:  # sealed with another secret: of no use any more
        _forget_client(issuer, trip.redirect_uri, scope)
    return None if row is None or secret is None else Client(row.client_id, secret)


def _keep_client(trip: Trip, issuer: str, scope: str, client_id: str, secret: str) -> None:
    values = {
        "issuer": issuer, "redirect_uri": trip.redirect_uri, "scope": scope, "client_id": client_id,
        "sealed_secret": seal(secret, trip.settings.secret_key, PURPOSE), "created_at": trip.now,
    }  # fmt: skip
    with transaction() as session:
        session.execute(insert_if_new(InstanceClient.__table__, session.get_bind().dialect.name), values)


def _forget_client(issuer: str, redirect_uri: str, scope: str) -> None:
    with transaction() as session:
        session.execute(
            delete(InstanceClient).where(
                InstanceClient.issuer == issuer,
                InstanceClient.redirect_uri == redirect_uri,
                InstanceClient.scope == scope,
            )
        )
