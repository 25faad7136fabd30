"""Bluesky: from a handle to the server that vouches for it, and its OAuth with pushed requests and bound tokens.

The AT Protocol's profile of OAuth: https://atproto.com/specs/oauth. A person is their DID; a handle leads to it,
the DID's document names the server that keeps the account, and that server names who may sign people in.
"""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from quilt.accounts.discovery import Metadata, discover, fetch_json
from quilt.accounts.exchange import Facts, Trip
from quilt.accounts.proofs import Interrupted, Proof, ProviderSilent, ServerUnknown
from quilt.config import Settings
from quilt.outbound import OutboundFailed

DEFAULT_SERVER = "https://bsky.social"
CLIENT_PATH = "/sign-in/with/bluesky/client.json"
SIGN_IN_SCOPE = "atproto"
_HANDLE = re.compile(r"([a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9\-]{0,62}")
_DID = re.compile(r"did:(plc:[a-z2-7]{24}|web:[a-z0-9.\-]{1,200}(%3a[0-9]{1,5})?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Account:
    """Where an account lives: its DID, the handle it claims, its data server, and who signs its owner in."""

    did: str
    handle: str
    data_server: str
    issuer: str


def leave(trip: Trip, state: str, _nonce: str, verifier: str, where: str) -> tuple[str, Facts]:
    """Push the request, and the address to go to. Raises ServerUnknown or ProviderSilent."""
    account = find_account(trip, where) if where.strip() else None
    metadata = find_server(trip, account.issuer if account else DEFAULT_SERVER)
    key = make_key()
    address = push_request(
        trip, metadata, key, state=state, verifier=verifier, scope=SIGN_IN_SCOPE, redirect_uri=trip.redirect_uri,
        hint=account.handle if account else "",
    )  # fmt: skip
    facts = {"issuer": metadata.issuer, "verifier": verifier, "key": pack_key(key), "is_issuer_told": "yes"}
    return address, facts | {"did": account.did if account else ""}


def come_back(trip: Trip, facts: Facts, code: str) -> Proof:
    """Whom the code proves: a DID whose own document leads back to this very server."""
    metadata = find_server(trip, facts["issuer"])
    token = redeem(trip, metadata, facts, code, trip.redirect_uri)
    if str(token.token_type).lower() != "dpop":
        raise Interrupted("a token that is not bound to our key")
    did = str(getattr(token, "sub", "") or "")
    if not _DID.fullmatch(did) or facts["did"] not in ("", did):
        raise Interrupted("another account")
    account = find_account(trip, did)
    if account.issuer != facts["issuer"]:
        raise Interrupted("a server that does not keep this account")
    return Proof(trip.provider.name, "https://bsky.app", did, f"@{account.handle}" if account.handle else did)


def find_account(trip: Trip, text: str) -> Account:
    """The account of a handle or DID as people type it. Raises ServerUnknown or ProviderSilent."""
    typed = text.strip().lstrip("@").lower()
    is_did = bool(_DID.fullmatch(typed))
    if not is_did and not _HANDLE.fullmatch(typed):
        raise ServerUnknown("no handle")
    did = typed if is_did else _resolve(trip, typed)
    document = _ask(trip, _document_address(did, trip.settings))
    if document.get("id") != did:
        raise ServerUnknown("another account's document")
    names = [name for name in document.get("alsoKnownAs") or () if isinstance(name, str)]
    handle = next((name.removeprefix("at://") for name in names if name.startswith("at://")), "")
    if not is_did and handle != typed:
        raise ServerUnknown("a handle that the account does not call its own")
    server = _find_data_server(document)
    resource = _ask(trip, f"{server}/.well-known/oauth-protected-resource")
    issuers = resource.get("authorization_servers")
    if not isinstance(issuers, list) or len(issuers) != 1 or not isinstance(issuers[0], str):
        raise ServerUnknown("nobody who signs in")
    return Account(did, handle[:253], server, issuers[0].rstrip("/"))


def find_server(trip: Trip, issuer: str) -> Metadata:
    """The endpoints of a server that signs people in. Raises ProviderSilent."""
    metadata = discover(
        issuer, allow_loopback=trip.settings.may_ask_loopback, seconds=trip.seconds_left,
        path="/.well-known/oauth-authorization-server",
    )  # fmt: skip
    if not metadata.request_endpoint:
        raise ProviderSilent("no pushed requests")
    return metadata


def client_id(settings: Settings, redirect_uri: str, scope: str) -> str:
    """Our name: the address of `describe_client`. A site on loopback has the form that the protocol gives it."""
    if settings.is_https:
        return settings.base_url + CLIENT_PATH
    return f"http://localhost?{urlencode({'redirect_uri': redirect_uri, 'scope': scope})}"


def describe_client(settings: Settings, redirect_uris: list[str], scope: str) -> dict[str, Any]:
    """What servers read about us at the address that is our client id."""
    return {
        "client_id": settings.base_url + CLIENT_PATH,
        "client_name": settings.site_name,
        "client_uri": settings.base_url,
        "redirect_uris": redirect_uris,
        "scope": scope,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "web",
        "token_endpoint_auth_method": "none",
        "dpop_bound_access_tokens": True,
    }


def make_key() -> Any:
    """A new key that tokens are bound to (RFC 9449)."""
    from requests_oauth2client import DPoPKey

    return DPoPKey.generate()


def pack_key(key: Any) -> str:
    """A key and the server's last nonce as text, to be sealed."""
    return json.dumps({"jwk": dict(key.private_key), "nonce": key.as_nonce})


def unpack_key(text: str) -> Any:
    """The key of `pack_key`."""
    from requests_oauth2client import DPoPKey

    facts = json.loads(text)
    return DPoPKey(facts["jwk"], as_nonce=facts["nonce"])


def push_request(
    trip: Trip,
    metadata: Metadata,
    key: Any,
    *,
    state: str,
    verifier: str,
    scope: str,
    redirect_uri: str,
    hint: str,
) -> str:
    """Push an authorization request and return the address where its owner is asked. Raises ProviderSilent."""
    client = open_client(trip, metadata, redirect_uri, scope)
    request = client.authorization_request(
        scope=scope, state=state, code_verifier=verifier, nonce=None, dpop_key=key, dpop=True,
        **({"login_hint": hint} if hint else {}),
    )  # fmt: skip
    try:
        pushed = client.pushed_authorization_request(request)
    except OutboundFailed as failure:
        raise ProviderSilent(type(failure).__name__) from None
    except list_failures() as error:
        raise ProviderSilent(f"a request that was not taken: {type(error).__name__}") from None
    query = urlencode({"client_id": client.client_id, "request_uri": pushed.request_uri})
    return f"{metadata.authorization_endpoint}?{query}"


def redeem(
    trip: Trip, metadata: Metadata, facts: Facts, code: str, redirect_uri: str, scope: str = SIGN_IN_SCOPE
) -> Any:
    """The token for a code, bound to the key of the trip. Raises Interrupted or ProviderSilent."""
    client = open_client(trip, metadata, redirect_uri, scope)
    try:
        return client.authorization_code(
            code, validate=False, dpop=True, dpop_key=unpack_key(facts["key"]),
            code_verifier=facts["verifier"], redirect_uri=redirect_uri,
        )  # fmt: skip
    except OutboundFailed as failure:
        raise ProviderSilent(type(failure).__name__) from None
    except list_failures() as error:
        raise Interrupted(f"a code that was not taken: {type(error).__name__}") from None


def open_client(trip: Trip, metadata: Metadata, redirect_uri: str, scope: str) -> Any:
    """Our client at this server, speaking through the guarded session."""
    import requests
    from requests_oauth2client import OAuth2Client, PublicApp

    from quilt.outbound_session import guard

    session = requests.Session()
    guard(session, trip.adapter)
    return OAuth2Client(
        token_endpoint=metadata.token_endpoint,
        authorization_endpoint=metadata.authorization_endpoint,
        pushed_authorization_request_endpoint=metadata.request_endpoint,
        issuer=metadata.issuer,
        redirect_uri=redirect_uri,
        auth=PublicApp(client_id(trip.settings, redirect_uri, scope)),
        dpop_bound_access_tokens=True,
        session=session,
        testing=trip.settings.may_ask_loopback,
    )


def list_failures() -> tuple[type[Exception], ...]:
    """What a client raises when a server refuses, fails or makes no sense."""
    from requests import RequestException
    from requests_oauth2client import OAuth2Error

    return (OAuth2Error, RequestException, ValueError, TypeError, KeyError, AttributeError)


def _resolve(trip: Trip, handle: str) -> str:
    address = (
        f"{trip.settings.bluesky_resolver}/xrpc/com.atproto.identity.resolveHandle?handle={quote(handle)}"
    )
    did = _ask(trip, address).get("did")
    if not isinstance(did, str) or not _DID.fullmatch(did):
        raise ServerUnknown("nobody has this handle")
    return did


def _document_address(did: str, settings: Settings) -> str:
    if did.startswith("did:plc:"):
        return f"{settings.bluesky_directory}/{did}"
    host = did.removeprefix("did:web:").replace("%3a", ":").replace("%3A", ":")
    return f"https://{host}/.well-known/did.json"


def _find_data_server(document: dict[str, Any]) -> str:
    for service in document.get("service") or ():
        if isinstance(service, dict) and str(service.get("id", "")).endswith("#atproto_pds"):
            address = service.get("serviceEndpoint")
            if isinstance(address, str):
                return address.rstrip("/")
    raise ServerUnknown("no server keeps this account")


def _ask(trip: Trip, address: str) -> dict[str, Any]:
    try:
        return fetch_json(address, allow_loopback=trip.settings.may_ask_loopback, seconds=trip.seconds_left)
    except ProviderSilent as silence:
        raise ServerUnknown(silence.why) from None
