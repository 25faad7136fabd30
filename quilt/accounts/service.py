"""Everything that changes an account: codes, passwords, names; one function, one transaction."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import Session

from quilt.accounts.models import EmailCode, User
from quilt.accounts.queries import find_user, find_user_by_email, list_unused_code_times
from quilt.accounts.rules import (
    CODE_LIFE,
    CODE_WINDOW,
    MOST_CODES,
    MOST_PASSWORD_CHARACTERS,
    ROLES,
    CodeExpired,
    CodeUsed,
    PasswordTooLong,
    ProofTooOld,
    TooManyCodes,
    UnknownCode,
    WrongCode,
    WrongPassword,
    check_code,
    check_name,
    check_password,
    clean_email,
    email_key,
    hash_code,
    hash_key,
    is_recent_proof,
    make_code,
    make_key,
    person_key,
    read_code,
    safe_next,
)
from quilt.accounts.sessions import end_all
from quilt.accounts.takeover import take_over
from quilt.database import db, insert_if_new, transaction
from quilt.letters import Compose
from quilt.mail import MailMessage, put_in_outbox

SIGN_IN, VOTE = "sign-in", "vote"
LETTERS = {SIGN_IN: "sign_in_code", VOTE: "vote_code"}
KEEP_CODES = 24 * CODE_WINDOW

# 19 MiB and two passes: what a small server can bear when many sign in at once.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Of nobody's password, made with the same cost: an unknown address takes as long as a known one.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$kRSh/yyHwVr29087M5C/kA$YZ/SaN+RkOvjU1vRdlOteQ47Yuup4knxWOtnuXXibRU"


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a right code opened: whose address it proved, and what they had been about to do.

    `wish` is what the vote that waited is cast with, `sent_at` when the code was sent (or asked for, where
    nobody knows).
    """

    user: User
    purpose: str
    entry_id: int | None
    next_path: str
    wish: dict[str, Any]
    sent_at: datetime
    is_new: bool  # whether the account was made just now
    is_taken_over: bool = False  # whether somebody else had begun it without a proof; that is gone now


def request_code(
    email: str,
    purpose: str = SIGN_IN,
    *,
    compose: Compose,
    secret: str,
    now: datetime,
    entropy: Callable[[int], bytes],
    entry_id: int | None = None,
    title: str = "",
    wish: Mapping[str, Any] | None = None,
    next_path: str = "/",
    due_at: datetime | None = None,
) -> str:
    """Mail a code to this address and return the token of the browser that asked.

    Nothing here depends on whether the address has an account: that is found or made when the code
    comes back. For a vote, give the entry's id, its `title` for the letter, and what it is cast with (`wish`). The
    letter leaves at `due_at`, or at once. Raises AddressMissing, AddressTooLong, NotAnAddress or TooManyCodes.
    """
    address, key = clean_email(email), email_key(email)
    token = base64.urlsafe_b64encode(entropy(18)).decode()
    code, link, mailbox = make_code(entropy(8)), make_key(entropy), person_key(address)
    facts = {"title": title, "entry_id": entry_id} if purpose == VOTE else {}
    letter = compose(LETTERS[purpose], code=code, link_key=link, minutes=CODE_LIFE.seconds // 60, **facts)
    with transaction() as session:
        _check_code_count(session, mailbox, now)
        # A known person's code goes to the address they proved, never to another with the same key.
        known = session.scalars(select(User.email).where(User.email_key == key)).first()
        mail = put_in_outbox(session, letter, known or address, now, due_at=due_at)
        session.flush()
        session.add(
            EmailCode(
                token=token, email=address, email_key=key, mailbox=mailbox,
                code_hash=hash_code(code, token, secret),
                link_hash=hash_key(link), purpose=purpose, entry_id=entry_id, next_path=safe_next(next_path),
                wish=None if wish is None else json.dumps(wish),
                created_at=now, expires_at=now + CODE_LIFE,
                mail_id=mail.id if mail else None,
            )
        )  # fmt: skip
    return token


def redeem_code(token: str, code: str, *, secret: str, now: datetime) -> Redeemed:
    """Use a code up and return the person it proves, made now if they are new.

    Raises NotACode, UnknownCode, CodeUsed, CodeExpired, TooManyTries or WrongCode; a wrong code costs
    one of its six tries, also when many are tried at once.
    """
    digits = read_code(code)
    with transaction() as session:
        row = session.scalars(select(EmailCode).where(EmailCode.token == token).with_for_update()).first()
        if row is None:
            raise UnknownCode
        try:
            check_code(
                digits, token, secret, code_hash=row.code_hash, tries=row.tries_count,
                expires_at=_find_end(session, row, now), used_at=row.used_at, now=now,
            )  # fmt: skip
        except WrongCode as refusal:
            row.tries_count += 1
            wrong: WrongCode | None = refusal
        else:
            wrong = None
            redeemed = _redeem(session, row, now)
    if wrong is not None:
        raise wrong
    return redeemed


def find_link(key: str, now: datetime, entry_id: int | None = None) -> EmailCode:
    """The code whose letter's link has this key, to be shown before anything is done with it.

    `entry_id` is that of the vote which waits for it, None for signing in: a link opens what it was sent for. Raises
    UnknownCode, CodeUsed or CodeExpired.
    """
    row = db.session.scalars(_select_link(key, entry_id)).first()
    return _check_link(db.session(), row, now)


def redeem_link(key: str, now: datetime, entry_id: int | None = None) -> Redeemed:
    """Use up the code whose letter's link has this key, in whatever browser it was opened; raises as `find_link`."""
    with transaction() as session:
        statement = _select_link(key, entry_id).with_for_update()
        return _redeem(session, _check_link(session, session.scalars(statement).first(), now), now)


def verify_password(password_hash: str, password: str) -> bool:
    """Whether the password is the one that was hashed; one Argon2id computation either way."""
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError, UnicodeError):
        return False


def sign_in_with_password(
    email: str, password: str, verify: Callable[[str, str], bool] = verify_password
) -> User:
    """The person with this address and password; raises WrongPassword, or PasswordTooLong unread.

    Costs one `verify` whatever is wrong: an address that is not ours, no password set, another password.
    """
    if len(password) > MOST_PASSWORD_CHARACTERS:
        raise PasswordTooLong
    user = find_user_by_email(email)
    stored = user.password_hash if user is not None else None
    is_right = verify(stored or _NOBODY, password)
    if user is None or stored is None or not is_right:
        raise WrongPassword
    return user


def set_password(
    user_id: int,
    password: str,
    *,
    current: str,
    proved_at: datetime | None,
    compose: Compose,
    now: datetime,
) -> User:
    """Give a person a new password, end their other sessions, and tell them by mail.

    They must know the `current` one or have proven the address in the last half hour (`proved_at`).
    Raises ProofTooOld, WrongPassword or a PasswordRefused.
    """
    user = find_user(user_id)
    if user is None:
        raise LookupError(user_id)
    if not is_recent_proof(proved_at, now):
        if user.password_hash is None:
            raise ProofTooOld
        if len(current) > MOST_PASSWORD_CHARACTERS or not verify_password(user.password_hash, current):
            raise WrongPassword
    check_password(password, user.email)
    password_hash = _HASHER.hash(password)
    letter = compose("password_changed", name=user.name)
    with transaction() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        user.password_hash = password_hash
        end_all(session.connection(), user_id)
        expire_codes(session, user.email_key)
        session.refresh(user)
        put_in_outbox(session, letter, user.email, now)
    return user


def rename(user_id: int, name: str) -> User:
    """Change the name that others see; '' takes it away. Raises a NameRefused."""
    kept = check_name(name)
    with transaction() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        user.name = kept
    return user


def create_user(
    email: str, *, now: datetime, name: str = "", role: str = "member", password: str | None = None
) -> User:
    """Make an account from the command line or the demo, or return the one that is there, unchanged."""
    address, kept = clean_email(email), check_name(name)
    if role not in ROLES:
        raise ValueError(f"A role is one of {', '.join(ROLES)}.")
    password_hash = None if password is None else _HASHER.hash(password)
    with transaction() as session:
        user, is_new = _find_or_add_user(session, address, now)
        if is_new:
            user.name, user.role, user.password_hash = kept, role, password_hash
    return user


def set_role(email: str, role: str) -> User:
    """Make somebody member, moderator or admin; their sessions end. Raises LookupError for nobody."""
    if role not in ROLES:
        raise ValueError(f"A role is one of {', '.join(ROLES)}.")
    with transaction() as session:
        user = session.scalars(select(User).where(User.email_key == email_key(email))).first()
        if user is None:
            raise LookupError(f"Nobody here has the address {email}.")
        user.role = role
        session.flush()
        end_all(session.connection(), user.id)
        session.refresh(user)
    return user


def forget_old_codes(now: datetime) -> int:
    """Delete codes that nobody can use any more, a day after they were asked for; returns how many."""
    with transaction() as session:
        done = session.execute(delete(EmailCode).where(EmailCode.created_at < now - KEEP_CODES))
        return int(done.rowcount)  # type: ignore[attr-defined]


def expire_codes(session: Session, key: str) -> None:
    """Let no code or link that was mailed to this address before open anything any more."""
    # Before its time (`_find_end`), also where its letter is late: that would give it more.
    statement = update(EmailCode).where(EmailCode.email_key == key, EmailCode.used_at.is_(None))
    ended = statement.values(expires_at=EmailCode.created_at)
    session.execute(ended, execution_options={"synchronize_session": False})


def _select_link(key: str, entry_id: int | None) -> Select[EmailCode]:
    return select(EmailCode).where(EmailCode.link_hash == hash_key(key), EmailCode.entry_id == entry_id)


def _check_link(session: Session, row: EmailCode | None, now: datetime) -> EmailCode:
    if row is None:
        raise UnknownCode
    if row.used_at is not None:
        raise CodeUsed
    if now >= _find_end(session, row, now):
        raise CodeExpired
    return row


def _redeem(session: Session, row: EmailCode, now: datetime) -> Redeemed:
    row.used_at = now
    user, is_new = _find_or_add_user(session, row.email, now)
    is_taken_over = not user.is_proven
    if is_taken_over:
        take_over(session, user)
    mail = _find_letter(session, row)
    sent_at = (mail.sent_at if mail is not None else None) or row.created_at
    return Redeemed(
        user, row.purpose, row.entry_id, row.next_path, json.loads(row.wish or "{}"), sent_at, is_new,
        is_taken_over,
    )  # fmt: skip


def _find_end(session: Session, row: EmailCode, now: datetime) -> datetime:
    """Until when a code is good: ten minutes after its letter has left; while the mail is away, it waits.

    Whoever asked gets the letter late then, and the vote that hangs on it is still there.
    """
    if row.expires_at < row.created_at + CODE_LIFE:  # ended before its time: it stays so
        return row.expires_at
    mail = _find_letter(session, row)
    if mail is not None and mail.state == "waiting":
        return max(row.expires_at, now + CODE_LIFE)
    sent_at = mail.sent_at if mail is not None else None
    return max(row.expires_at, sent_at + CODE_LIFE) if sent_at else row.expires_at


def _find_letter(session: Session, row: EmailCode) -> MailMessage | None:
    return session.get(MailMessage, row.mail_id) if row.mail_id is not None else None


def _check_code_count(session: Session, mailbox: str, now: datetime) -> None:
    _wait_for_mailbox(session, mailbox)
    times = list_unused_code_times(session, mailbox, now)
    if len(times) >= MOST_CODES:
        raise TooManyCodes(times[-MOST_CODES] + CODE_WINDOW)


def _wait_for_mailbox(session: Session, mailbox: str) -> None:
    """Let those who ask for one mailbox at once count one after the other; SQLite has one writer at a time anyway."""
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(sha256(mailbox.encode()).digest()[:8], "big", signed=True)
        session.execute(select(func.pg_advisory_xact_lock(number)))


def _find_or_add_user(session: Session, email: str, now: datetime) -> tuple[User, bool]:
    """The account of a proven address; two proofs at once make one account (the unique key decides)."""
    key = email_key(email)
    insert = insert_if_new(User.__table__, session.get_bind().dialect.name).returning(User.__table__.c.id)
    values = {"email": email, "email_key": key, "name": "", "role": "member", "session_epoch": 0}
    is_new = session.execute(insert, {**values, "created_at": now}).first() is not None
    return session.scalars(select(User).where(User.email_key == key)).one(), is_new
