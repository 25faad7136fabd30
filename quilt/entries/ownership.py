"""Whose an entry is, where somebody decides about it: whoever reads the entrant's mailbox is the entrant."""

from sqlalchemy import Connection, select

from quilt.accounts.models import User
from quilt.accounts.queries import is_any_of
from quilt.accounts.rules import person_key
from quilt.entries.models import Entry

_ASIDE = ("draft", "rejected", "withdrawn")  # not, or no more, in the contest


def is_own_entry(connection: Connection, user_id: int, entry_id: int) -> bool:
    """Whether this person entered this entry, by this account or another of the same mailbox."""
    return is_any_of(connection, user_id, select(Entry.entrant_id).where(Entry.id == entry_id))


def list_own_entries(connection: Connection, user_id: int, contest_id: int) -> list[int]:
    """The entries in a contest, sent in or published, that are this person's."""
    address = connection.scalar(select(User.email).where(User.id == user_id))
    if address is None:
        return []
    own = person_key(address)
    return [entry_id for entry_id, person in find_entrants(connection, contest_id).items() if person == own]


def find_entrants(connection: Connection, contest_id: int) -> dict[int, str]:
    """Who entered each entry that is sent in or published, as a `person_key`."""
    statement = (
        select(Entry.id, User.email)
        .join(User, User.id == Entry.entrant_id)
        .where(Entry.contest_id == contest_id, Entry.state.not_in(_ASIDE))
        .order_by(Entry.id)
    )
    return {entry_id: person_key(email) for entry_id, email in connection.execute(statement)}
