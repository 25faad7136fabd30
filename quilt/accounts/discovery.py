"""What a provider publishes about itself: its endpoints and its keys, kept for an hour."""

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quilt.accounts.proofs import ProviderSilent
from quilt.outbound import OutboundFailed, check_url, fetch

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

KEPT_SECONDS = 3600.0
RENEWED_SECONDS = 60.0  # keys are asked for again this often at most, when one is missing
MOST_KEPT = 200
_kept: dict[str, tuple[float, Any]] = {}


@dataclass(frozen=True, slots=True)
class Metadata:
    """The part of an issuer's metadata that we use (OpenID Connect Discovery 1.0, RFC 8414)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str = ""
    userinfo_endpoint: str = ""
    tells_issuer: bool = False  # RFC 9207: the answer names its issuer
    scopes: tuple[str, ...] = ()
    registration_endpoint: str = ""
    request_endpoint: str = ""  # where requests are pushed to (RFC 9126)

    def facts(self, **more: str) -> dict[str, str]:
        """What a trip keeps of the issuer until its answer comes, with `more`."""
        told = {"is_issuer_told": "yes"} if self.tells_issuer else {}
        return {"issuer": self.issuer, **told, **more}


def discover(
    issuer: str,
    *,
    allow_loopback: bool,
    seconds: float = 4.0,
    path: str = "/.well-known/openid-configuration",
) -> Metadata:
    """The metadata of an issuer, which must call itself exactly that. Raises ProviderSilent.

    An issuer whose name has a place for a tenant ({tenantid}, Microsoft's) is believed as it stands.
    """
    address = issuer.rstrip("/") + path
    facts = fetch_json(address, allow_loopback=allow_loopback, seconds=seconds)
    told = facts.get("issuer")
    if told != issuer and "{tenantid}" not in str(told):
        raise ProviderSilent("another issuer in the metadata")
    try:
        metadata = Metadata(
            issuer=str(told),
            authorization_endpoint=_endpoint(facts, "authorization_endpoint", allow_loopback),
            token_endpoint=_endpoint(facts, "token_endpoint", allow_loopback),
            jwks_uri=_endpoint(facts, "jwks_uri", allow_loopback, is_needed=False),
            userinfo_endpoint=_endpoint(facts, "userinfo_endpoint", allow_loopback, is_needed=False),
            tells_issuer=facts.get("authorization_response_iss_parameter_supported") is True,
            scopes=tuple(str(it) for it in facts.get("scopes_supported") or () if isinstance(it, str)),
            registration_endpoint=_endpoint(facts, "app_registration_endpoint", allow_loopback, is_needed=False),
            request_endpoint=_endpoint(
                facts, "pushed_authorization_request_endpoint", allow_loopback, is_needed=False
            ),
        )  # fmt: skip
    except (TypeError, OutboundFailed):
        raise ProviderSilent("metadata that cannot be used") from None
    _keep(address, facts)
    return metadata


def fetch_keys(address: str, *, allow_loopback: bool, seconds: float, is_renewed: bool = False) -> "KeySet":
    """An issuer's public keys; `is_renewed` asks again where the kept ones are older than a minute."""
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    if is_renewed and address in _kept and time.monotonic() - _kept[address][0] > RENEWED_SECONDS:
        del _kept[address]
    facts = fetch_json(address, allow_loopback=allow_loopback, seconds=seconds)
    told = facts.get("keys")
    pairs = [key for key in told if _is_pair(key)] if isinstance(told, list) else []
    try:
        keys = KeySet.import_key_set({"keys": pairs})
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise ProviderSilent("keys that cannot be read") from None
    _keep(address, facts)
    return keys


def fetch_json(address: str, *, allow_loopback: bool, seconds: float) -> dict[str, Any]:
    """An object that somebody publishes, or what was kept of it. Raises ProviderSilent."""
    kept = _kept.get(address)
    if kept is not None and time.monotonic() - kept[0] < KEPT_SECONDS:
        return dict(kept[1])
    try:
        answer = fetch(
            "GET", address, headers={"Accept": "application/json"}, deadline_seconds=seconds,
            allow_loopback=allow_loopback,
        )  # fmt: skip
    except OutboundFailed as failure:
        raise ProviderSilent(type(failure).__name__) from None
    if answer.status != 200:
        raise ProviderSilent("metadata without a good status")
    return read_object(answer.body)


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises ProviderSilent for anything else."""
    try:
        facts = json.loads(body)
    except (ValueError, RecursionError):
        raise ProviderSilent("no JSON") from None
    if not isinstance(facts, dict):
        raise ProviderSilent("no JSON object")
    return facts


def _is_pair(key: object) -> bool:
    """Whether this is the public half of a key pair: a shared secret has no place in what everybody reads."""
    return isinstance(key, dict) and key.get("kty") in ("RSA", "EC")


def _endpoint(facts: dict[str, Any], name: str, allow_loopback: bool, is_needed: bool = True) -> str:
    address = facts.get(name)
    if address is None and not is_needed:
        return ""
    if not isinstance(address, str):
        raise TypeError(name)
    check_url(address, allow_loopback=allow_loopback)
    return address


def _keep(address: str, facts: dict[str, Any]) -> None:
    if address not in _kept:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        _kept[address] = (time.monotonic(), facts)
