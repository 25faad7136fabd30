"""Reading an ID token: signature, algorithm, issuer, audience, times and nonce, before anything in it is believed."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from quilt.accounts.proofs import Interrupted

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

# Signed with a key pair: whoever can check such a token cannot make one. `none` and HMAC are not among them.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
LEEWAY_SECONDS = 60
MOST_CHARACTERS = 16_384
_TENANT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

FindKeys = Callable[[bool], "KeySet"]  # True asks the issuer anew


def read_id_token(
    token: object,
    find_keys: FindKeys,
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: str,
    now: datetime,
) -> dict[str, Any]:
    """The claims of an ID token that is to be believed (OpenID Connect Core 1.0, section 3.1.3.7).

    `nonce` is '' where the provider is known not to echo it. Raises Interrupted.
    """
    from authlib.oidc.core import CodeIDToken
    from joserfc.errors import JoseError

    if not isinstance(token, str) or not 0 < len(token) <= MOST_CHARACTERS:
        raise Interrupted("no ID token")
    decoded = _decode(token, find_keys)
    facts = dict(decoded.claims)
    options: Any = {
        "iss": {"essential": True, "value": _fill_in(issuer, facts)},
        "aud": {"essential": True, "value": client_id},
        "sub": {"essential": True},
    }
    parameters = {"client_id": client_id, "nonce": nonce or None, "access_token": access_token}
    try:
        claims = CodeIDToken(facts, decoded.header, options, parameters)
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_SECONDS)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise Interrupted(f"an ID token with a wrong claim: {type(error).__name__}") from None
    return facts


def _decode(token: str, find_keys: FindKeys) -> Any:
    from joserfc import jwt
    from joserfc.errors import JoseError

    for is_renewed in (False, True):
        try:
            return jwt.decode(token, find_keys(is_renewed), algorithms=ALGORITHMS)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            failure = error
    raise Interrupted(f"an ID token that is not signed by its issuer: {type(failure).__name__}")


def _fill_in(issuer: str, facts: dict[str, Any]) -> str:
    """Microsoft's issuer has the tenant in it, which the token names; it must look like one."""
    if "{tenantid}" not in issuer:
        return issuer
    tenant = facts.get("tid")
    if not isinstance(tenant, str) or not _TENANT.fullmatch(tenant):
        raise Interrupted("no tenant in the token")
    return issuer.replace("{tenantid}", tenant)
