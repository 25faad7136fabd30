"""Signing in through a provider: one way to leave, one way to come back, whoever the provider is.

What the answer is checked with (state, nonce, PKCE verifier, issuer, a key) stays here, encrypted, for ten minutes.
Whoever comes back uses it up, whatever comes of it.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete

from quilt.accounts import bluesky, exchange, mastodon
from quilt.accounts.exchange import Facts, Trip
from quilt.accounts.models_identity import SignInFlow
from quilt.accounts.proofs import Interrupted, PermissionDenied, Proof, SignInRefused
from quilt.accounts.providers import Kind, Provider
from quilt.accounts.rules import safe_next
from quilt.accounts.sealing import seal, unseal
from quilt.config import Settings
from quilt.database import transaction

LIFE = timedelta(minutes=10)
PURPOSE = "trip to a provider"
MOST_CODE_CHARACTERS = 4_096
DENIALS = ("access_denied", "user_cancelled_authorize", "user_cancelled_login", "consent_required")

Leave = Callable[[Trip, str, str, str, str], tuple[str, Facts]]
ComeBack = Callable[[Trip, Facts, str], Proof]
_WAYS: dict[Kind, tuple[Leave, ComeBack]] = {
    Kind.OIDC: (exchange.leave, exchange.come_back),
    Kind.OAUTH: (exchange.leave, exchange.come_back),
    Kind.MASTODON: (mastodon.leave, mastodon.come_back),
    Kind.BLUESKY: (bluesky.leave, bluesky.come_back),
}


@dataclass(frozen=True, slots=True)
class Finished:
    """What a trip brought: the proof, who had been signed in and wants it connected, and the way back."""

    proof: Proof
    user_id: int | None
    next_path: str


@dataclass(frozen=True, slots=True)
class _Kept:
    facts: Facts
    user_id: int | None
    next_path: str


def start_sign_in(
    provider: Provider,
    *,
    settings: Settings,
    browser: str,
    next_path: str,
    now: datetime,
    entropy: Callable[[int], bytes],
    user_id: int | None = None,
    where: str = "",
) -> str:
    """The address at which the provider asks its user.

    `browser` is a random text that this browser alone holds; `where` names the server or the account where a
    network has many. Raises ServerUnknown or ProviderSilent, then nothing was kept.
    """
    state, nonce, verifier = (_make_text(entropy(32)) for _ in range(3))
    trip = Trip(provider, settings, now)
    address, facts = _WAYS[provider.kind][0](trip, state, nonce, verifier, where)
    with transaction() as session:
        session.add(
            SignInFlow(
                state_hash=_hash(state), browser_hash=_hash(browser), provider=provider.name, user_id=user_id,
                sealed=seal(json.dumps(facts), settings.secret_key, PURPOSE), next_path=safe_next(next_path),
                created_at=now,
            )
        )  # fmt: skip
    return address


def finish_sign_in(
    provider: Provider, arguments: Mapping[str, str], *, settings: Settings, browser: str, now: datetime
) -> Finished:
    """Whom the provider's answer proves; the trip is used up. Raises a SignInRefused that knows the way back."""
    kept = _take_flow(provider, arguments.get("state", ""), browser, settings.secret_key, now)
    try:
        check_issuer(kept.facts, arguments.get("iss"))
        code = read_code(arguments)
        proof = _WAYS[provider.kind][1](Trip(provider, settings, now), kept.facts, code)
    except SignInRefused as refusal:
        refusal.next_path = kept.next_path
        raise
    return Finished(proof, kept.user_id, kept.next_path)


def forget_old_flows(now: datetime) -> int:
    """Delete the trips that nobody came back from; returns how many."""
    with transaction() as session:
        done = session.execute(delete(SignInFlow).where(SignInFlow.created_at < now - LIFE))
        return int(done.rowcount)  # type: ignore[attr-defined]


def check_issuer(facts: Facts, told: str | None) -> None:
    """Answers that name their issuer must name the one that was asked (RFC 9207): no mix-up of two providers.

    `told` is the answer's `iss`. Raises Interrupted, also where the provider always names it and did not.
    """
    if told is not None and told.rstrip("/") != facts["issuer"].rstrip("/"):
        raise Interrupted("another issuer answers")
    if told is None and facts.get("is_issuer_told"):
        raise Interrupted("an answer without its issuer")


def read_code(arguments: Mapping[str, str]) -> str:
    """The code in a provider's answer. Raises PermissionDenied where its user said no, Interrupted without a code."""
    error = arguments.get("error")
    if error is not None:
        raise PermissionDenied if error in DENIALS else Interrupted("the provider tells an error")
    code = arguments.get("code", "")
    if not 0 < len(code) <= MOST_CODE_CHARACTERS or not code.isprintable():
        raise Interrupted("no code")
    return code


def _take_flow(provider: Provider, state: str, browser: str, secret: str, now: datetime) -> _Kept:
    """Delete the trip and return what was kept: a second answer with the same state finds nothing."""
    mine = (
        SignInFlow.state_hash == _hash(state),
        SignInFlow.browser_hash == _hash(browser),
        SignInFlow.provider == provider.name,
    )
    with transaction() as session:
        row = session.execute(
            delete(SignInFlow)
            .where(*mine)
            .returning(SignInFlow.sealed, SignInFlow.user_id, SignInFlow.next_path, SignInFlow.created_at)
        ).first()
    if not state or not browser or row is None:
        raise Interrupted("no such trip from this browser")
    if not now - LIFE < row.created_at <= now:
        raise Interrupted("older than ten minutes", row.next_path)
    text = unseal(row.sealed, secret, PURPOSE)
    if text is None:
        raise Interrupted("the site's secret has changed", row.next_path)
    return _Kept(json.loads(text), row.user_id, row.next_path)


def _make_text(chance: bytes) -> str:
    return base64.urlsafe_b64encode(chance).rstrip(b"=").decode()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
