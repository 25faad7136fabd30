"""Mail domains that prove little: addresses for a few minutes, by a pinned list and by the people in charge."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from disposable_email_domains import blocklist
from sqlalchemy import select

from quilt.accounts.domain_models import MailDomain
from quilt.database import db

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


def list_domain_words() -> Words:
    """What the people in charge say about domains, the newest first."""
    statement = select(MailDomain.domain, MailDomain.verdict, MailDomain.ends_at).order_by(
        MailDomain.id.desc()
    )
    return tuple((row.domain, row.verdict == "fine", row.ends_at) for row in db.session.execute(statement))


def _list_above(domain: str) -> tuple[str, ...]:
    """mail.example.org → (mail.example.org, example.org)."""
    labels = domain.split(".")
    return tuple(".".join(labels[start:]) for start in range(max(1, len(labels) - 1)))
