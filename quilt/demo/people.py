"""Who takes part in the demo: people one may sign in as, and a crowd of voters."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from quilt.accounts.models import User
from quilt.accounts.service import create_user
from quilt.demo.stories import Book, Story

CROWD = 160  # voters, besides those who entered something themselves


@dataclass(frozen=True)
class SignIn:
    """Somebody one may be in the demo, and what to try as them."""

    email: str
    password: str
    role: str
    try_this: str

    def __str__(self) -> str:
        return f"{self.email:<24} {self.password:<18} {self.role:<10} {self.try_this}"


STAFF = (
    SignIn(
        "admin@example.org",
        "patchwork-admin",
        "admin",
        "/admin/integrity: what a program did, and an appeal. /admin/contests: propose a result.",
    ),
    SignIn(
        "second@example.org",
        "patchwork-second",
        "admin",
        "/admin/contests: approve a result that the admin proposed.",
    ),
    SignIn("moderator@example.org", "patchwork-desk", "moderator", "/admin: three films wait to be watched."),
)
_TRY = {
    "published": "/me and your entry: see how far it went.",
    "needs_changes": "/me: a moderator asked for something. Mend it, send it in again.",
    "draft": "/me: a draft, and a file that was no film.",
}
_STAFF_NAMES = {
    "admin@example.org": "Wilhelmina Thread",
    "second@example.org": "Amara Selvage",
    "moderator@example.org": "Jonas Needle",
}


def list_sign_ins(book: Book) -> list[SignIn]:
    """The people of the demo who have a password."""
    told = (
        *((story, "published") for story in book.published),
        (book.needs_changes, "needs_changes"),
        (book.draft, "draft"),
    )
    entrants = [
        SignIn(story.email, story.password, "entrant", _TRY[what]) for story, what in told if story.password
    ]
    return [*STAFF, *entrants]


def create_staff(now: datetime) -> dict[str, int]:
    """The admins and the moderator; role → id, of the first with each role."""
    ids: dict[str, int] = {}
    for person in STAFF:
        name = _STAFF_NAMES[person.email]
        made = create_user(person.email, now=now, name=name, role=person.role, password=person.password)
        ids.setdefault(person.role, made.id)
    return ids


def create_entrant(story: Story, now: datetime) -> User:
    """The account of whoever tells this story."""
    return create_user(story.email, now=now, name=story.entrant, password=story.password)


def create_crowd(book: Book, now: datetime, chance: random.Random) -> list[int]:
    """Voters with names of their own; their ids."""
    return [
        create_user(email, now=now - timedelta(minutes=number), name=name).id
        for number, (email, name) in enumerate(_invent_names(book, chance))
    ]


def _invent_names(book: Book, chance: random.Random) -> Iterator[tuple[str, str]]:
    """E-mail addresses and the names to show with them."""
    pairs = [(first, last) for first in book.first_names for last in book.last_names]
    for first, last in chance.sample(pairs, CROWD):
        # Not everybody tells their name: some are shown by their first name, some not at all.
        name = chance.choices([f"{first} {last}", first, ""], [5, 4, 1])[0]
        yield f"{first}.{last}@example.net".lower(), name
