"""The authorization code flow with PKCE, by Authlib: where to send people, and whom their code proves.

The libraries are loaded by who first leaves for a provider: a site without providers need not hold them.
"""

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from quilt.accounts.discovery import Metadata, discover, fetch_keys, read_object
from quilt.accounts.proofs import Interrupted, Proof, ProviderSilent
from quilt.accounts.providers import (
    Auth,
    Kind,
    Provider,
    callback_url,
    client_id_of,
    client_secret_of,
)
from quilt.accounts.rules import AccountRefused, clean_email
from quilt.accounts.tokens import read_id_token
from quilt.config import Settings
from quilt.outbound import OutboundFailed

if TYPE_CHECKING:
    import requests

    from quilt.outbound_session import GuardedAdapter

APPLE_SECRET_SECONDS = 300

Facts = dict[str, str]  # what is kept, sealed, between leaving and coming back


@dataclass
class Trip:
    """One person's way to a provider or back: the row, the settings, the hour, and one deadline for all requests."""

    provider: Provider
    settings: Settings
    now: datetime
    adapter: "GuardedAdapter" = field(init=False)

    def __post_init__(self) -> None:
        from quilt.outbound_session import GuardedAdapter

        self.adapter = GuardedAdapter(
            self.settings.provider_seconds, allow_loopback=self.settings.may_ask_loopback
        )

    @property
    def seconds_left(self) -> float:
        return max(self.adapter.ends_at - time.monotonic(), 0.05)

    @property
    def redirect_uri(self) -> str:
        return callback_url(self.provider, self.settings)


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are at a provider."""

    client_id: str
    client_secret: str
    auth: str = "client_secret_post"


def leave(trip: Trip, state: str, nonce: str, verifier: str, _where: str) -> tuple[str, Facts]:
    """The address at which the provider asks its user, and what must be kept until they come back."""
    metadata = find_metadata(trip)
    facts = metadata.facts(nonce=nonce, verifier=verifier)
    parameters = {"nonce": nonce} if trip.provider.kind is Kind.OIDC else {}
    client = Client(client_id_of(trip.provider, trip.settings), "")
    return build_address(trip, client, metadata, facts, state, **parameters), facts


def come_back(trip: Trip, facts: Facts, code: str) -> Proof:
    """Whom the code proves. Raises Interrupted or ProviderSilent."""
    metadata = find_metadata(trip)
    token = fetch_token(trip, _find_client(trip), metadata, facts, code)
    if trip.provider.kind is Kind.OIDC:
        return _prove_by_token(trip, metadata, facts, token)
    return prove_by_account(trip, metadata.issuer, metadata.userinfo_endpoint, token)


def find_metadata(trip: Trip) -> Metadata:
    """The provider's endpoints: from its row, or as it publishes them."""
    row = trip.provider
    if row.kind is Kind.OIDC:
        return discover(row.issuer, allow_loopback=trip.settings.may_ask_loopback, seconds=trip.seconds_left)
    return Metadata(
        row.issuer, row.authorization_endpoint, row.token_endpoint, userinfo_endpoint=row.account_endpoint
    )


def build_address(
    trip: Trip, client: Client, metadata: Metadata, facts: Facts, state: str, **parameters: str
) -> str:
    """The provider's authorization address with everything that the answer is bound to."""
    session = _open(trip, client, facts.get("scope") or " ".join(trip.provider.scopes))
    address, _ = session.create_authorization_url(
        metadata.authorization_endpoint, state=state, code_verifier=facts["verifier"],
        **dict(trip.provider.extra), **parameters,
    )  # fmt: skip
    return str(address)


def fetch_token(trip: Trip, client: Client, metadata: Metadata, facts: Facts, code: str) -> dict[str, Any]:
    """The answer of the token endpoint for a code. Raises Interrupted where it refuses the code."""
    import requests
    from authlib.common.errors import AuthlibBaseError

    session = _open(trip, client, "")
    try:
        token = session.fetch_token(
            metadata.token_endpoint, code=code, code_verifier=facts["verifier"], grant_type="authorization_code"
        )  # fmt: skip
    except OutboundFailed as failure:
        raise ProviderSilent(type(failure).__name__) from None
    except AuthlibBaseError as error:
        raise Interrupted(f"a token endpoint that refuses: {type(error).__name__}") from None
    except (
        requests.RequestException,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
    ) as error:
        raise ProviderSilent(f"a token endpoint that makes no sense: {type(error).__name__}") from None
    if not isinstance(token, dict) or not isinstance(token.get("access_token"), str):
        raise ProviderSilent("no access token")
    if str(token.get("token_type", "")).lower() != "bearer":
        raise ProviderSilent("a token of another kind")
    return dict(token)


def prove_by_account(trip: Trip, issuer: str, address: str, token: dict[str, Any]) -> Proof:
    """Whom an access token stands for, as the provider's API tells."""
    row, access = trip.provider, str(token["access_token"])
    facts = ask_account(trip, address, access)
    email = _dig(facts, row.email_at) if row.email_at else ""
    is_verified = False
    if row.emails_endpoint:
        email, is_verified = _pick_email(trip, row.emails_endpoint, access)
    label = _dig(facts, row.label_at)
    return _make_proof(trip, issuer, _dig(facts, row.subject_at), label, email, is_verified)


def ask_account(trip: Trip, address: str, access_token: str) -> dict[str, Any]:
    """An object from the provider's API."""
    return read_object(_ask(trip, address, access_token).content)


def _prove_by_token(trip: Trip, metadata: Metadata, facts: Facts, token: dict[str, Any]) -> Proof:
    row, access = trip.provider, str(token["access_token"])
    is_loopback_fine = trip.settings.may_ask_loopback

    def find_keys(is_renewed: bool) -> Any:
        return fetch_keys(
            metadata.jwks_uri, allow_loopback=is_loopback_fine, seconds=trip.seconds_left, is_renewed=is_renewed
        )  # fmt: skip

    claims = read_id_token(
        token.get("id_token"), find_keys, issuer=metadata.issuer,
        client_id=client_id_of(row, trip.settings), nonce=facts["nonce"] if row.echoes_nonce else "",
        access_token=access, now=trip.now,
    )  # fmt: skip
    told = claims
    if "email" not in claims and metadata.userinfo_endpoint:
        told = ask_account(trip, metadata.userinfo_endpoint, access)
        if told.get("sub") != claims["sub"]:
            raise Interrupted("another person in the account's facts")
    is_verified = told.get("email_verified") in (True, "true")
    label = told.get(row.label_at) or told.get("email") or told.get("preferred_username")
    return _make_proof(trip, str(claims["iss"]), claims["sub"], label, told.get("email"), is_verified)


def _make_proof(
    trip: Trip, issuer: str, subject: object, label: object, email: object, is_verified: bool
) -> Proof:
    if isinstance(subject, bool) or not isinstance(subject, str | int) or not 0 < len(str(subject)) <= 255:
        raise ProviderSilent("no account number")
    address = _read_email(email)
    return Proof(
        trip.provider.name, issuer, str(subject), _read_label(label), address,
        bool(address) and is_verified and trip.provider.vouches_for_email,
    )  # fmt: skip


def _open(trip: Trip, client: Client, scope: str) -> Any:
    from authlib.integrations.requests_client import OAuth2Session

    from quilt.outbound_session import guard

    session = OAuth2Session(
        client.client_id, client.client_secret or None, token_endpoint_auth_method=client.auth,
        scope=scope or None, redirect_uri=trip.redirect_uri, code_challenge_method="S256",
    )  # fmt: skip
    guard(session, trip.adapter)
    return session


def _ask(trip: Trip, address: str, access_token: str) -> "requests.Response":
    import requests

    from quilt.outbound_session import guard

    session = requests.Session()
    guard(session, trip.adapter)
    headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
    try:
        answer = session.get(address, headers=headers, allow_redirects=False)
    except (OutboundFailed, requests.RequestException) as failure:
        raise ProviderSilent(type(failure).__name__) from None
    if answer.status_code != 200:
        raise ProviderSilent("the account's facts are not told")
    return answer


def _pick_email(trip: Trip, address: str, access_token: str) -> tuple[str, bool]:
    """The account's first address, and whether the provider has verified it (GitHub's list)."""
    try:
        rows = _ask(trip, address, access_token).json()
    except (ValueError, RecursionError):
        raise ProviderSilent("no JSON") from None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("primary") is True:
            return str(row.get("email", "")), row.get("verified") is True
    return "", False


def _find_client(trip: Trip) -> Client:
    row, settings = trip.provider, trip.settings
    client_id = client_id_of(row, settings)
    if row.auth is Auth.SIGNED:
        return Client(client_id, sign_secret(trip, client_id))
    return Client(client_id, client_secret_of(row, settings), row.auth.value)


def sign_secret(trip: Trip, client_id: str) -> str:
    """Apple's client secret: a token that we sign with the key from the developer account."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey

    settings, seconds = trip.settings, int(trip.now.timestamp())
    claims: dict[str, Any] = {
        "iss": settings.apple_team_id, "iat": seconds, "exp": seconds + APPLE_SECRET_SECONDS,
        "aud": trip.provider.issuer, "sub": client_id,
    }  # fmt: skip
    try:
        key = ECKey.import_key(settings.apple_private_key)
        return jwt.encode({"alg": "ES256", "kid": settings.apple_key_id}, claims, key)
    except (JoseError, ValueError, TypeError):
        raise ProviderSilent("QUILT_APPLE_PRIVATE_KEY is no key") from None


def _dig(facts: dict[str, Any], path: str) -> Any:
    """`data.id` of nested objects, or None."""
    found: Any = facts
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _read_email(email: object) -> str:
    try:
        return clean_email(email) if isinstance(email, str) else ""
    except AccountRefused:
        return ""


def _read_label(label: object) -> str:
    text = label if isinstance(label, str) else ""
    return "".join(sign for sign in text if sign.isprintable())[:120].strip()
