"""Named links: the entrant's own links with a label each, and how many people came by them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from quilt.arrivals.models import Arrival, ArrivalStat, NamedLink
from quilt.database import db, transaction
from quilt.entries.models import Entry
from quilt.entries.rules import tidy_line
from quilt.spread.attribution import clean_channel
from quilt.spread.codes import new_code

MOST_LINKS = 50
MOST_LABEL = 60  # characters


class LinkRefused(Exception):
    """No link was made; `message` says why and what to do."""

    message = "That link cannot be made now."


class LabelMissing(LinkRefused):
    """Nothing that can be seen was typed."""

    message = "Give the link a name, so that you know it again."


class LabelTooLong(LinkRefused):
    """More than a line."""

    message = f"Use at most {MOST_LABEL} characters."


class LabelTaken(LinkRefused):
    """The entry has a link of this name already."""

    message = "You have a link of this name already. It is in the list."


class TooManyLinks(LinkRefused):
    """Nobody keeps more of them apart."""

    message = (
        f"You have {MOST_LINKS} links. Use one of them again: each can be sent to as many people as you like."
    )


@dataclass(frozen=True, slots=True)
class OwnLink:
    """One link of an entry; its label is '' for the entry's own link.

    `people` came by it themselves, `through` came by them and those they brought (both as of the last fold,
    without excluded branches); `votes` are the votes of all of these.
    """

    code: str
    label: str
    people: int
    through: int
    votes: int


def create_link(entry_id: int, label: str, *, now: datetime, entropy: Callable[[int], bytes]) -> str:
    """Make a link with this label and return its code. Raises LinkRefused.

    A link stays for good: it may hang on a wall somewhere.
    """
    name = check_label(label)
    with transaction() as session:
        # Whoever presses twice is served one after the other, and the second finds the first one's link.
        session.scalars(select(Entry.id).where(Entry.id == entry_id).with_for_update()).one()
        taken = _list_labels(session, entry_id)
        if name.casefold() in taken:
            raise LabelTaken
        if len(taken) >= MOST_LINKS:
            raise TooManyLinks
        code = new_code(entropy)
        session.add(
            NamedLink(entry_id=entry_id, code=code, label=name, channel=clean_channel(name), created_at=now)
        )
    return code


def check_label(text: str) -> str:
    """The label as it is kept: one line without hidden characters. Raises LabelMissing or LabelTooLong."""
    label = tidy_line(text)
    if not label:
        raise LabelMissing
    if len(label) > MOST_LABEL:
        raise LabelTooLong
    return label


def list_links(entry_id: int) -> list[OwnLink]:
    """The entry's links with what they brought: the entry's own first, then the newest first."""
    values = {"entry_id": entry_id}
    brought = {row.link_id: row for row in db.session.execute(_BROUGHT, values)}
    links = []
    for link_id, code, label in db.session.execute(_LINKS, values):
        row = brought.get(link_id)
        figures = (row.people, int(row.through), int(row.votes)) if row else (0, 0, 0)
        links.append(OwnLink(code, label, *figures))
    return sorted(links, key=lambda link: link.label != "")


def _list_labels(session: Session, entry_id: int) -> set[str]:
    labels = session.scalars(
        select(NamedLink.label).where(NamedLink.entry_id == entry_id, NamedLink.label != "")
    )
    return {label.casefold() for label in labels}


_LINKS = (
    select(NamedLink.id, NamedLink.code, NamedLink.label)
    .where(NamedLink.entry_id == bindparam("entry_id"))
    .order_by(NamedLink.id.desc())
)
_BROUGHT = (
    select(
        Arrival.link_id,
        func.count().label("people"),
        func.sum(func.coalesce(ArrivalStat.subtree_size, 1)).label("through"),
        func.sum(func.coalesce(ArrivalStat.votes_subtree, 0)).label("votes"),
    )
    .outerjoin(ArrivalStat, ArrivalStat.arrival_id == Arrival.id)
    .where(
        Arrival.entry_id == bindparam("entry_id"),
        Arrival.parent_id.is_(None),  # as all who come by such a link: so the index finds them
        Arrival.link_id.is_not(None),
        Arrival.state == "live",
    )
    .group_by(Arrival.link_id)
)
