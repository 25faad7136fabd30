"""Putting a person into an entry's tree, inside the caller's transaction.

Arrivals and votes both do this: a vote or a share without JavaScript counts as its visitor's visit.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, insert, select

from quilt.arrivals.models import Arrival, ArrivalInbox
from quilt.arrivals.queries import find_link
from quilt.database import insert_if_new
from quilt.prepared import Prepared
from quilt.spread.attribution import find_parent
from quilt.spread.codes import new_code

_arrival = Arrival.__table__
_KNOWN = select(_arrival.c.id, _arrival.c.code).where(_arrival.c.entry_id == bindparam("entry_id"))
_BY_CODE = Prepared(_KNOWN.where(_arrival.c.code == bindparam("code")))
_BY_VISITOR = Prepared(_KNOWN.where(_arrival.c.visitor_key == bindparam("visitor_key")))
_COLUMNS = (
    "entry_id", "parent_id", "depth", "code", "visitor_key", "channel", "link_id", "embed_id", "state", "arrived_at",
)  # fmt: skip
_ADD = Prepared(lambda dialect: insert_if_new(_arrival, dialect, "id"), _COLUMNS)
_INBOX_COLUMNS = ("entry_id", "arrival_id", "is_new", "votes", "returns")
_TO_INBOX = Prepared(insert(ArrivalInbox.__table__), _INBOX_COLUMNS)  # type: ignore[arg-type]


class Visit(NamedTuple):
    """A visitor of an entry, as the spread sees them.

    `via` is the code in the address ('' without one), `own_code` what the visitor's cookie holds for this
    entry, `visitor_key` the day's pseudonym (None: known by the cookie only).
    """

    entry_id: int
    visitor_key: bytes | None
    via: str = ""
    own_code: str = ""
    channel: str = ""
    referrer_host: str = ""


class Node(NamedTuple):
    """The visitor's arrival: `code` is the link they can pass on."""

    arrival_id: int
    code: str
    is_new: bool


def find_or_add_node(
    connection: Connection, visit: Visit, now: datetime, entropy: Callable[[int], bytes]
) -> Node:
    """The visitor's node: found by their cookie, else added under their link's owner, unless the pseudonym has one.

    Whoever gets a new one must put it into the inbox, with whatever else the person did.
    """
    return _find_by_code(connection, visit) or _add_node(connection, visit, now, entropy)


def add_own_node(
    connection: Connection, visit: Visit, key: bytes, now: datetime, entropy: Callable[[int], bytes]
) -> Node:
    """A node for a proven person who shares a pseudonym with somebody else (one school, one kind of laptop)."""
    apart = Visit(visit.entry_id, key, visit.via, "", visit.channel, visit.referrer_host)
    return find_or_add_node(connection, apart, now, entropy)


def put_in_inbox(
    connection: Connection,
    entry_id: int,
    arrival_id: int,
    *,
    is_new: bool = False,
    votes: int = 0,
    returns: int = 0,
) -> None:
    """Tell the fold what happened to an arrival."""
    _TO_INBOX.rows(
        connection,
        {
            "entry_id": entry_id,
            "arrival_id": arrival_id,
            "is_new": is_new,
            "votes": votes,
            "returns": returns,
        },
    )


def _find_by_code(connection: Connection, visit: Visit) -> Node | None:
    if not visit.own_code:
        return None
    row = _BY_CODE.first(connection, {"code": visit.own_code, "entry_id": visit.entry_id})
    return None if row is None else Node(row.id, row.code, is_new=False)


def _add_node(connection: Connection, visit: Visit, now: datetime, entropy: Callable[[int], bytes]) -> Node:
    link = find_link(connection, visit.via) if visit.via else None
    parent = find_parent(link.followed if link else None, visit.entry_id, visit.channel, visit.referrer_host)
    code = new_code(entropy)
    is_ours = link is not None and link.followed.entry_id == visit.entry_id
    arrival_id = _ADD.scalar(
        connection,
        {
            "entry_id": visit.entry_id,
            "parent_id": parent.parent_id,
            "depth": parent.depth,
            "code": code,
            "visitor_key": visit.visitor_key,
            "channel": parent.channel,
            "link_id": link.link_id if link and is_ours else None,
            "embed_id": link.embed_id if link and is_ours else None,
            "state": "live",
            "arrived_at": now,
        },
    )
    if arrival_id is None:  # the same visitor was here before, or in another tab was first
        key = {"entry_id": visit.entry_id, "visitor_key": visit.visitor_key}
        first = _BY_VISITOR.first(connection, key)
        if first is None:
            raise RuntimeError("An arrival was refused as a double, yet there is no first one.")
        return Node(first.id, first.code, is_new=False)
    return Node(arrival_id, code, is_new=True)
