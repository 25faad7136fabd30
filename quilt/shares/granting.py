"""Being allowed to post: to a network and back, and new tokens for old ones.

What signing in knows about providers is used as it is; the scopes, the redirect address and what is kept differ.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from quilt.accounts import bluesky, mastodon
from quilt.accounts.discovery import Metadata
from quilt.accounts.exchange import Client, Facts, Trip, build_address, prove_by_account
from quilt.accounts.proofs import Interrupted, ProviderSilent
from quilt.accounts.providers import Kind, client_id_of, client_secret_of
from quilt.outbound import OutboundFailed, fetch
from quilt.shares.connectors.base import Connector, Errand, Renewal
from quilt.shares.connectors.bluesky import OLD_SCOPE, SCOPE
from quilt.shares.connectors.mastodon import ask_most
from quilt.shares.connectors.table import callback_url

MASTODON_SCOPE = "read:accounts write:statuses"
WRITING = ("write:statuses", "tweet.write", "w_member_social", "submit", "threads_content_publish")
LONGEST_LIFE = timedelta(days=400)


@dataclass
class PostTrip(Trip):
    """A way to a network for posting: its answers come back to an address of their own."""

    connector: Connector | None = None

    @property
    def redirect_uri(self) -> str:
        return callback_url(self.row, self.settings)

    @property
    def row(self) -> Connector:
        if self.connector is None:
            raise TypeError("a trip without a network")
        return self.connector


@dataclass(frozen=True, slots=True)
class Grant:
    """What a network allowed: whose account it is, and the tokens as they are sealed."""

    host: str
    subject: str
    handle: str
    scopes: str
    tokens: dict[str, str]
    expires_at: datetime | None
    most_characters: int = 0


def leave(trip: PostTrip, state: str, verifier: str, where: str) -> tuple[str, Facts]:
    """The address at which the network asks its user, and what must be kept. Raises ServerUnknown, ProviderSilent."""
    kind = trip.provider.kind
    if kind is Kind.BLUESKY:
        return _leave_for_bluesky(trip, state, verifier, where)
    if kind is Kind.MASTODON:
        origin = mastodon.read_server(where, trip.settings)
        metadata = mastodon.find_server(trip, origin)
        client = mastodon.find_or_register(trip, metadata, MASTODON_SCOPE)
        facts = {"issuer": origin, "verifier": verifier, "scope": MASTODON_SCOPE}
        return build_address(trip, client, metadata, facts, state), facts
    facts = {"issuer": trip.provider.issuer, "verifier": verifier, "scope": _scope_of(trip)}
    client = Client(client_id_of(trip.provider, trip.settings), "")
    return build_address(trip, client, _metadata(trip), facts, state), facts


def come_back(trip: PostTrip, facts: Facts, code: str) -> Grant:
    """What the network allowed. Raises Interrupted where it refuses the code or did not allow posting."""
    if trip.provider.kind is Kind.BLUESKY:
        return _come_back_from_bluesky(trip, facts, code)
    origin, metadata, client = _find_office(trip, facts["issuer"])
    token = _ask_token(
        trip, client, metadata, "fetch_token", code=code, code_verifier=facts["verifier"], grant_type="authorization_code"
    )  # fmt: skip
    _check_scope(token)
    if trip.row.renewal is Renewal.EXCHANGE:
        token = _lengthen(trip, token, "th_exchange_token")
    address = f"{origin}{mastodon.ACCOUNT_PATH}" if origin else metadata.userinfo_endpoint
    proof = prove_by_account(trip, facts["issuer"], address, token)
    most = 0
    if origin:
        most = ask_most(Errand(trip.row, trip.settings, trip.now, origin))
    handle = f"{trip.row.handle_sign}{proof.label}"
    if origin:
        handle = f"@{proof.label.partition('@')[0]}@{origin.partition('://')[2]}"
    kept = {name: str(token[name]) for name in ("access_token", "refresh_token") if token.get(name)}
    expires = _expiry(token.get("expires_in"), trip.now)
    return Grant(origin, proof.subject, handle[:255], facts["scope"], kept, expires, most)


def renew(trip: PostTrip, host: str, tokens: dict[str, str]) -> tuple[dict[str, str], datetime | None]:
    """New tokens and when they end. Raises Interrupted where the network refuses, ProviderSilent where it is away."""
    if trip.provider.kind is Kind.BLUESKY:
        return _renew_bluesky(trip, tokens)
    _, metadata, client = _find_office(trip, host or trip.provider.issuer)
    if trip.row.renewal is Renewal.EXCHANGE:
        token = _lengthen(trip, tokens, "th_refresh_token")
    else:
        token = _ask_token(trip, client, metadata, "refresh_token", refresh_token=tokens["refresh_token"])
    kept = tokens | {name: str(token[name]) for name in ("access_token", "refresh_token") if token.get(name)}
    return kept, _expiry(token.get("expires_in"), trip.now)


def _leave_for_bluesky(trip: PostTrip, state: str, verifier: str, where: str) -> tuple[str, Facts]:
    account = bluesky.find_account(trip, where) if where.strip() else None
    metadata = bluesky.find_server(trip, account.issuer if account else bluesky.DEFAULT_SERVER)
    facts = {"issuer": metadata.issuer, "verifier": verifier, "did": account.did if account else ""}
    for scope in (SCOPE, OLD_SCOPE):
        key = bluesky.make_key()
        try:
            address = bluesky.push_request(
                trip, metadata, key, state=state, verifier=verifier, scope=scope, redirect_uri=trip.redirect_uri,
                hint=account.handle if account else "",
            )  # fmt: skip
        except ProviderSilent:
            if scope == OLD_SCOPE:
                raise
            continue
        break
    return address, facts | {"key": bluesky.pack_key(key), "scope": scope, "is_issuer_told": "yes"}


def _come_back_from_bluesky(trip: PostTrip, facts: Facts, code: str) -> Grant:
    metadata = bluesky.find_server(trip, facts["issuer"])
    token = bluesky.redeem(trip, metadata, facts, code, trip.redirect_uri, facts["scope"])
    did = str(getattr(token, "sub", "") or "")
    if not did or facts["did"] not in ("", did):
        raise Interrupted("another account")
    account = bluesky.find_account(trip, did)
    if account.issuer != facts["issuer"]:
        raise Interrupted("a server that does not keep this account")
    handle = f"@{account.handle}" if account.handle else did
    kept = _keep_bound(token) | {"issuer": facts["issuer"], "scope": facts["scope"]}
    return Grant(account.data_server, did, handle[:255], facts["scope"], kept, _end_of(token))


def _renew_bluesky(trip: PostTrip, tokens: dict[str, str]) -> tuple[dict[str, str], datetime | None]:
    metadata = bluesky.find_server(trip, tokens["issuer"])
    client = bluesky.open_client(trip, metadata, trip.redirect_uri, tokens["scope"])
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    try:
        token = client.token_request(form, dpop=True, dpop_key=bluesky.unpack_key(tokens["key"]))
    except OutboundFailed as failure:
        raise ProviderSilent(type(failure).__name__) from None
    except bluesky.list_failures() as error:
        raise Interrupted(f"a renewal that was not taken: {type(error).__name__}") from None
    return tokens | _keep_bound(token), _end_of(token)


def _keep_bound(token: Any) -> dict[str, str]:
    """A bound token with its key, as texts."""
    kept = {"access_token": str(token.access_token), "key": bluesky.pack_key(token.dpop_key)}
    if getattr(token, "refresh_token", None):
        kept["refresh_token"] = str(token.refresh_token)
    return kept


def _end_of(token: Any) -> datetime | None:
    end = getattr(token, "expires_at", None)
    return end if isinstance(end, datetime) else None


def _find_office(trip: PostTrip, issuer: str) -> tuple[str, Metadata, Client]:
    """The server's origin ('' for a network that is one), its endpoints, and who we are there."""
    if trip.provider.kind is Kind.MASTODON:
        client = mastodon.find_client(trip, issuer, MASTODON_SCOPE)
        if client is None:
            raise Interrupted("our registration is gone")
        return issuer, mastodon.find_server(trip, issuer), client
    row, settings = trip.provider, trip.settings
    return (
        "",
        _metadata(trip),
        Client(client_id_of(row, settings), client_secret_of(row, settings), row.auth.value),
    )


def _metadata(trip: PostTrip) -> Metadata:
    row = trip.provider
    return Metadata(
        row.issuer, row.authorization_endpoint, row.token_endpoint, userinfo_endpoint=row.account_endpoint
    )


def _scope_of(trip: PostTrip) -> str:
    return trip.row.scope_separator.join(trip.provider.scopes)


def _ask_token(
    trip: PostTrip, client: Client, metadata: Metadata, act: str, **parameters: str
) -> dict[str, Any]:
    """The token endpoint's answer to `fetch_token` or `refresh_token`. Raises Interrupted or ProviderSilent."""
    import requests
    from authlib.common.errors import AuthlibBaseError
    from authlib.integrations.requests_client import OAuth2Session

    from quilt.outbound_session import guard

    session = OAuth2Session(
        client.client_id, client.client_secret, token_endpoint_auth_method=client.auth, redirect_uri=trip.redirect_uri
    )  # fmt: skip
    guard(session, trip.adapter)
    try:
        token = getattr(session, act)(metadata.token_endpoint, **parameters)
    except OutboundFailed as failure:
        raise ProviderSilent(type(failure).__name__) from None
    except AuthlibBaseError as error:
        raise Interrupted(f"a token endpoint that refuses: {type(error).__name__}") from None
    except requests.HTTPError as error:
        raise ProviderSilent(f"a token endpoint that fails: {type(error).__name__}") from None
    except (requests.RequestException, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ProviderSilent(f"a token endpoint that makes no sense: {type(error).__name__}") from None
    if not isinstance(token, dict) or not isinstance(token.get("access_token"), str):
        raise ProviderSilent("no access token")
    return dict(token)


def _check_scope(token: dict[str, Any]) -> None:
    """Who unticks posting on the way is told, before the first post fails."""
    told = token.get("scope")
    if isinstance(told, str) and told and not any(scope in told for scope in WRITING):
        raise Interrupted("posting was not allowed")


def _lengthen(trip: PostTrip, token: dict[str, Any], grant: str) -> dict[str, Any]:
    """A token handed in for one that lasts: at Threads one of an hour for sixty days, or that one for a fresh one."""
    base = trip.provider.token_endpoint.removesuffix("/oauth/access_token")
    query = {"grant_type": grant, "access_token": str(token["access_token"])}
    path = "refresh_access_token"
    if grant == "th_exchange_token":
        path, query["client_secret"] = "access_token", client_secret_of(trip.provider, trip.settings)
    answer = fetch_json_once(trip, f"{base}/{path}?{urlencode(query)}")
    if not isinstance(answer.get("access_token"), str):
        raise Interrupted("no lasting token")
    return answer


def fetch_json_once(trip: PostTrip, address: str) -> dict[str, Any]:
    """An object that is asked for anew each time. Raises Interrupted or ProviderSilent."""
    from quilt.accounts.discovery import read_object

    try:
        answer = fetch(
            "GET", address, headers={"Accept": "application/json"}, deadline_seconds=trip.seconds_left,
            allow_loopback=trip.settings.may_ask_loopback,
        )  # fmt: skip
    except OutboundFailed as failure:
        raise ProviderSilent(type(failure).__name__) from None
    if not answer.is_good:
        raise Interrupted("a token that is refused")
    return read_object(answer.body)


def _expiry(seconds: object, now: datetime) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | str) or not str(seconds).isdecimal():
        return None
    return now + min(timedelta(seconds=int(seconds)), LONGEST_LIFE)
