"""The second factor: digits of an app, and ten codes on paper for the day the phone is gone."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from quilt.accounts.models import User
from quilt.accounts.models_security import Authenticator, RecoveryCode
from quilt.accounts.notices import tell_change
from quilt.accounts.rules import FactorRefused, NoFactor, WrongDigits, email_key
from quilt.accounts.sealing import seal, unseal
from quilt.accounts.takeover import remove_ways_in
from quilt.accounts.totp import DIGITS, find_step, make_secret
from quilt.database import db, transaction
from quilt.letters import Compose

CODES = 10
_PURPOSE = "authenticator"


@dataclass(frozen=True, slots=True)
class Factors:
    """What a person has: an app that counts, the secret of one that is being set up, unused codes on paper."""

    has_app: bool
    new_secret: str | None
    codes_left: int


def find_factors(user_id: int, secret: str) -> Factors:
    """The second factors of a person; `secret` is the site's own, which opens theirs."""
    row = db.session.get(Authenticator, user_id, populate_existing=True)
    unused = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    has_app = row is not None and row.confirmed_at is not None
    new = None if row is None or has_app else unseal(row.secret.decode(), secret, _PURPOSE)
    return Factors(has_app, new, db.session.scalar(unused) or 0)


def start_app(user_id: int, *, secret: str, now: datetime, entropy: Callable[[int], bytes]) -> None:
    """Make the secret that the person's app shall learn; it counts once the app has shown its first digits.

    Raises FactorRefused where an app counts already: that one is removed first.
    """
    sealed = seal(make_secret(entropy), secret, _PURPOSE).encode()
    with transaction() as session:
        row = session.get(Authenticator, user_id, with_for_update=True)
        if row is not None and row.confirmed_at is not None:
            raise FactorRefused
        session.merge(Authenticator(user_id=user_id, secret=sealed, last_step=0, created_at=now))


def confirm_app(
    user_id: int,
    digits: str,
    *,
    secret: str,
    compose: Compose,
    now: datetime,
    entropy: Callable[[int], bytes],
) -> list[str]:
    """Let the app count from now on, and return ten recovery codes; they are never shown again.

    Raises NoFactor where none is being set up, or WrongDigits.
    """
    with transaction() as session:
        row = session.get(Authenticator, user_id, with_for_update=True)
        if row is None or row.confirmed_at is not None:
            raise NoFactor
        _use_digits(row, _tidy(digits), secret, now)
        row.confirmed_at = now
        codes = _renew_codes(session, user_id, entropy)
        tell_change(session, session.get_one(User, user_id), "app_added", compose=compose, now=now)
    return codes


def check_second_factor(user_id: int, typed: str, *, secret: str, compose: Compose, now: datetime) -> None:
    """Use up six digits of the app, or a code on paper. Raises NoFactor or WrongDigits."""
    text = _tidy(typed)
    with transaction() as session:
        row = session.get(Authenticator, user_id, with_for_update=True)
        if row is None or row.confirmed_at is None:
            raise NoFactor
        if len(text) == DIGITS:
            _use_digits(row, text, secret, now)
        else:
            _use_code(session, user_id, text, compose, now)


def remove_app(user_id: int, *, compose: Compose, now: datetime) -> None:
    """Take the app and the codes on paper off the account. Raises NoFactor."""
    with transaction() as session:
        row = session.get(Authenticator, user_id, with_for_update=True)
        if row is None:
            raise NoFactor
        session.delete(row)
        session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
        tell_change(session, session.get_one(User, user_id), "app_removed", compose=compose, now=now)


def renew_codes(
    user_id: int, *, compose: Compose, now: datetime, entropy: Callable[[int], bytes]
) -> list[str]:
    """Ten new codes on paper; the ones before open nothing any more. Raises NoFactor without an app."""
    with transaction() as session:
        row = session.get(Authenticator, user_id, with_for_update=True)
        if row is None or row.confirmed_at is None:
            raise NoFactor
        codes = _renew_codes(session, user_id, entropy)
        tell_change(session, session.get_one(User, user_id), "codes_renewed", compose=compose, now=now)
    return codes


def reset_factors(email: str, *, compose: Compose, now: datetime) -> User:
    """What an operator does for somebody who lost phone and paper: no factor is left, every session ends.

    Raises LookupError for nobody.
    """
    with transaction() as session:
        user = session.scalars(select(User).where(User.email_key == email_key(email))).first()
        if user is None:
            raise LookupError(f"Nobody here has the address {email}.")
        remove_ways_in(session, user.id)
        tell_change(session, user, "factors_reset", compose=compose, now=now)
    return user


def _use_digits(row: Authenticator, digits: str, secret: str, now: datetime) -> None:
    own = unseal(row.secret.decode(), secret, _PURPOSE)
    step = None if own is None else find_step(own, digits, now, row.last_step)
    if step is None:
        raise WrongDigits
    row.last_step = step


def _use_code(session: Session, user_id: int, code: str, compose: Compose, now: datetime) -> None:
    own = RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)
    used = (
        update(RecoveryCode).where(*own, RecoveryCode.code_hash == _hash(user_id, code)).values(used_at=now)
    )
    if not session.execute(used).rowcount:  # type: ignore[attr-defined]
        raise WrongDigits
    left = session.scalar(select(func.count()).where(*own))
    tell_change(session, session.get_one(User, user_id), "code_used", compose=compose, now=now, what=left)


def _renew_codes(session: Session, user_id: int, entropy: Callable[[int], bytes]) -> list[str]:
    """Codes of 50 random bits: nothing to guess, so a plain hash keeps them."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes = [base64.b32encode(entropy(7)).decode().rstrip("=").lower()[:10] for _ in range(CODES)]
    session.add_all(RecoveryCode(user_id=user_id, code_hash=_hash(user_id, code)) for code in codes)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def _hash(user_id: int, code: str) -> str:
    return sha256(f"recovery code {user_id} {code}".encode("utf-8", "replace")).hexdigest()


def _tidy(typed: str) -> str:
    return "".join(sign for sign in typed[:100].lower() if sign.isascii() and sign.isalnum())
