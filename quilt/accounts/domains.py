"""Mail domains that prove little: addresses for a few minutes, by a pinned list and by the people in charge."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from disposable_email_domains import blocklist
from sqlalchemy import Connection, func, or_, select, update

from quilt.accounts.domain_models import MailDomain
from quilt.accounts.models import User
from quilt.accounts.rules import AccountRefused, clean_email
from quilt.database import db, transaction

MOST_REASON = 280
Words = tuple[tuple[str, bool, datetime | None], ...]  # (domain, whether it is fine, when the word ends)


def needs_step_up(email: str, words: Sequence[tuple[str, bool, datetime | None]], now: datetime) -> bool:
    """Whether an address is one for a few minutes, so that another proof of a person is asked for.

    A word of the people in charge about the domain, or one above it, that has not ended wins over the list.
    """
    domain = email.rpartition("@")[2].casefold()
    if words:
        above = _list_above(domain)
        for name, is_fine, ends_at in words:
            if name in above and (ends_at is None or now < ends_at):
                return not is_fine
    return is_listed(domain)


@lru_cache(maxsize=8192)
def is_listed(domain: str) -> bool:
    """Whether the domain, or one above it, is on the pinned list of disposable domains."""
    return any(name in blocklist for name in _list_above(domain))


def list_domain_words(connection: Connection) -> Words:
    """What the people in charge say about domains, the newest first."""
    statement = select(MailDomain.domain, MailDomain.verdict, MailDomain.ends_at).order_by(
        MailDomain.id.desc()
    )
    return tuple((row.domain, row.verdict == "fine", row.ends_at) for row in connection.execute(statement))


class DomainRefused(Exception):
    """What was said about a domain cannot be kept; `field` is the one to mend."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class DomainLine:
    """A word about a domain, as the desk shows it."""

    id: int
    domain: str
    is_fine: bool
    reason: str
    actor_name: str
    added_at: datetime
    ends_at: datetime | None


def list_domain_lines(now: datetime) -> list[DomainLine]:
    """The words that count at this moment, the newest first."""
    statement = (
        select(
            MailDomain.id, MailDomain.domain, MailDomain.verdict == "fine", MailDomain.reason,
            func.coalesce(User.name, ""), MailDomain.added_at, MailDomain.ends_at,
        )
        .outerjoin(User, User.id == MailDomain.actor_id)
        .where(or_(MailDomain.ends_at.is_(None), MailDomain.ends_at > now))
        .order_by(MailDomain.id.desc())
    )  # fmt: skip
    return [DomainLine(*row) for row in db.session.execute(statement)]


def add_domain_word(
    domain: str, is_fine: bool, reason: str, ends_at: datetime | None, *, actor_id: int, now: datetime
) -> None:
    """Say that addresses of a domain (and of those below it) are fine, or need another proof, until `ends_at`.

    Raises DomainRefused.
    """
    try:
        name = clean_email(f"x@{domain.strip().removeprefix('@')}").rpartition("@")[2]
    except AccountRefused:
        raise DomainRefused("domain", "Enter a domain, like example.org.") from None
    words = reason.replace("\x00", "").strip()
    if not words or len(words) > MOST_REASON:
        raise DomainRefused("reason", f"Say why, in at most {MOST_REASON} characters.")
    if ends_at is not None and ends_at <= now:
        raise DomainRefused("ends_at", "Choose a time in the future, or none.")
    with transaction() as session:
        session.add(
            MailDomain(
                domain=name, verdict="fine" if is_fine else "step_up", reason=words, actor_id=actor_id,
                added_at=now, ends_at=ends_at,
            )
        )  # fmt: skip


def end_domain_word(word_id: int, now: datetime) -> None:
    """Let a word about a domain count no longer; it stays in the table."""
    with transaction() as session:
        session.execute(
            update(MailDomain)
            .where(MailDomain.id == word_id, or_(MailDomain.ends_at.is_(None), MailDomain.ends_at > now))
            .values(ends_at=now)
        )


def _list_above(domain: str) -> tuple[str, ...]:
    """mail.example.org → (mail.example.org, example.org)."""
    labels = domain.split(".")
    return tuple(".".join(labels[start:]) for start in range(max(1, len(labels) - 1)))
