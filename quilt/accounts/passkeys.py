"""Passkeys (WebAuthn Level 2): made, shown as a proof, taken away.

The library that reads what devices send is loaded when the first one does: a process that never sees a passkey
does not carry it.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select

from quilt.accounts.models import User
from quilt.accounts.models_security import Passkey, PasskeyChallenge
from quilt.accounts.notices import tell_change
from quilt.accounts.rules import PasskeyRefused, TooManyPasskeys, check_name
from quilt.database import db, transaction
from quilt.letters import Compose

CHALLENGE_LIFE = timedelta(minutes=5)
MOST_PASSKEYS = 20
MOST_BYTES = 20_000  # of what a device sends
MOST_ID_BYTES = 1023


@dataclass(frozen=True, slots=True)
class Party:
    """Who asks: the site's name, host name and origin as browsers write it."""

    name: str
    host: str
    origin: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a browser hands to the device: the number of the challenge, and the options as JSON."""

    challenge_id: int
    options: str


def list_passkeys(user_id: int) -> list[Passkey]:
    """A person's passkeys, oldest first."""
    statement = select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)
    return list(db.session.scalars(statement.execution_options(populate_existing=True)))


def ask_for_new(
    user_id: int, email: str, party: Party, *, secret: str, now: datetime, entropy: Callable[[int], bytes]
) -> Question:
    """Ask a device to make a passkey that it can find without a name, and unlock itself for it.

    Raises TooManyPasskeys.
    """
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    known = list_passkeys(user_id)
    if len(known) >= MOST_PASSKEYS:
        raise TooManyPasskeys
    challenge_id, challenge = _remember(user_id, now, entropy)
    options = generate_registration_options(
        rp_id=party.host,
        rp_name=party.name,
        user_id=_make_handle(user_id, secret),
        user_name=email,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=key.credential_id) for key in known],
    )
    return Question(challenge_id, options_to_json(options))


def add_passkey(
    user_id: int, challenge_id: int, sent: str, party: Party, *, name: str, compose: Compose, now: datetime
) -> Passkey:
    """Keep the passkey that a device has made. Raises PasskeyRefused."""
    from webauthn import verify_registration_response

    challenge = _use_challenge(challenge_id, user_id, now)
    made = _verify(verify_registration_response, sent, challenge, party, require_user_verification=True)
    if len(made.credential_id) > MOST_ID_BYTES:
        raise PasskeyRefused
    with transaction() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        if session.scalar(select(func.count()).where(Passkey.user_id == user_id)) >= MOST_PASSKEYS:  # type: ignore[operator]
            raise TooManyPasskeys
        if session.scalar(select(Passkey.id).where(Passkey.credential_id == made.credential_id)) is not None:
            raise PasskeyRefused
        passkey = Passkey(
            user_id=user_id, credential_id=made.credential_id, public_key=made.credential_public_key,
            sign_count=made.sign_count, name=check_name(name) or "Passkey", created_at=now,
        )  # fmt: skip
        session.add(passkey)
        tell_change(session, user, "passkey_added", compose=compose, now=now, what=passkey.name)
    return passkey


def ask_for_proof(
    user_id: int | None, party: Party, *, now: datetime, entropy: Callable[[int], bytes]
) -> Question:
    """Ask a device for a proof: of this person's passkeys, or of any that it has for this site."""
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor, UserVerificationRequirement

    known = [] if user_id is None else list_passkeys(user_id)
    challenge_id, challenge = _remember(user_id, now, entropy)
    options = generate_authentication_options(
        rp_id=party.host,
        challenge=challenge,
        allow_credentials=[PublicKeyCredentialDescriptor(id=key.credential_id) for key in known],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return Question(challenge_id, options_to_json(options))


def check_proof(user_id: int | None, challenge_id: int, sent: str, party: Party, now: datetime) -> User:
    """The person whose passkey signed the challenge; it must be `user_id` where somebody is signed in.

    A device that counts its signatures must count on: a count that does not rise betrays a copy (section 6.1.1).
    Raises PasskeyRefused.
    """
    from webauthn import verify_authentication_response

    challenge, credential_id = _use_challenge(challenge_id, user_id, now), _read_id(sent)
    with transaction() as session:
        statement = select(Passkey).where(Passkey.credential_id == credential_id).with_for_update()
        passkey = session.scalars(statement).first()
        if passkey is None or user_id not in (None, passkey.user_id):
            raise PasskeyRefused
        proof = _verify(
            verify_authentication_response, sent, challenge, party, require_user_verification=True,
            credential_public_key=passkey.public_key, credential_current_sign_count=passkey.sign_count,
        )  # fmt: skip
        passkey.sign_count, passkey.used_at = proof.new_sign_count, now
        return session.get_one(User, passkey.user_id)


def remove_passkey(user_id: int, passkey_id: int, *, compose: Compose, now: datetime) -> bool:
    """Take a passkey off the account; False where this person has none of that number."""
    with transaction() as session:
        passkey = session.get(Passkey, passkey_id)
        if passkey is None or passkey.user_id != user_id:
            return False
        session.delete(passkey)
        user = session.get_one(User, user_id)
        tell_change(session, user, "passkey_removed", compose=compose, now=now, what=passkey.name)
    return True


def forget_challenges(now: datetime) -> int:
    """Delete the challenges that nobody answered; returns how many."""
    with transaction() as session:
        old = delete(PasskeyChallenge).where(PasskeyChallenge.created_at < now - CHALLENGE_LIFE)
        return int(session.execute(old).rowcount)  # type: ignore[attr-defined]


def _remember(user_id: int | None, now: datetime, entropy: Callable[[int], bytes]) -> tuple[int, bytes]:
    challenge = entropy(32)
    with transaction() as session:
        row = PasskeyChallenge(challenge=challenge, user_id=user_id, created_at=now)
        session.add(row)
        session.flush()
        return row.id, challenge


def _use_challenge(challenge_id: int, user_id: int | None, now: datetime) -> bytes:
    """Take a challenge away, so that no answer to it counts twice, whether the first one was right or not."""
    with transaction() as session:
        taken = delete(PasskeyChallenge).where(
            PasskeyChallenge.id == challenge_id,
            PasskeyChallenge.user_id.is_(None) if user_id is None else PasskeyChallenge.user_id == user_id,
        )
        found: Any = session.execute(
            taken.returning(PasskeyChallenge.challenge, PasskeyChallenge.created_at),
            execution_options={"synchronize_session": False},
        ).first()
    if found is None or now - found.created_at > CHALLENGE_LIFE:
        raise PasskeyRefused
    return bytes(found.challenge)


def _verify(check: Callable[..., Any], sent: str, challenge: bytes, party: Party, **values: Any) -> Any:
    from webauthn.helpers.exceptions import WebAuthnException

    if len(sent) > MOST_BYTES:
        raise PasskeyRefused
    try:
        return check(
            credential=sent, expected_challenge=challenge, expected_rp_id=party.host,
            expected_origin=party.origin, **values,
        )  # fmt: skip
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError) as error:
        raise PasskeyRefused from error


def _read_id(sent: str) -> bytes:
    from webauthn.helpers import parse_authentication_credential_json
    from webauthn.helpers.exceptions import WebAuthnException

    if len(sent) > MOST_BYTES:
        raise PasskeyRefused
    try:
        return parse_authentication_credential_json(sent).raw_id
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError) as error:
        raise PasskeyRefused from error


def _make_handle(user_id: int, secret: str) -> bytes:
    """What the device keeps of whose passkey it is: no name, no number, the same for all of one person's."""
    key = hashlib.blake2b(secret.encode(), digest_size=32, person=b"passkey owner").digest()
    return hashlib.blake2b(user_id.to_bytes(8), key=key, digest_size=32).digest()
