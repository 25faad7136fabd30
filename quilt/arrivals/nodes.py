"""Putting a person into an entry's tree, inside the caller's transaction.

Arrivals and votes both do this: a vote or a share without JavaScript counts as its visitor's visit.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, FromClause, Integer, and_, bindparam, column, insert, select

from quilt.arrivals.models import Arrival, ArrivalInbox, NamedLink
from quilt.arrivals.queries import Link, describe_arrival, describe_embed, describe_named, find_link
from quilt.database import insert_if_new
from quilt.embeds.models import Embed
from quilt.prepared import Prepared, PreparedRows, insert_asked
from quilt.spread.attribution import find_parent
from quilt.spread.codes import Entropy, is_code, new_code

_arrival = Arrival.__table__
_inbox = ArrivalInbox.__table__
_named, _embed = NamedLink.__table__, Embed.__table__
_KNOWN = select(_arrival.c.id, _arrival.c.code).where(_arrival.c.entry_id == bindparam("entry_id"))
_BY_CODE = Prepared(_KNOWN.where(_arrival.c.code == bindparam("code")))
_BY_VISITOR = Prepared(_KNOWN.where(_arrival.c.visitor_key == bindparam("visitor_key")))
_COLUMNS = (
    "entry_id", "parent_id", "depth", "code", "visitor_key", "channel", "link_id", "embed_id", "state", "arrived_at",
)  # fmt: skip
_ADD = Prepared(lambda dialect: insert_if_new(_arrival, dialect, "id"), _COLUMNS)
_INBOX_COLUMNS = ("entry_id", "arrival_id", "is_new", "votes", "returns")
_TO_INBOX = PreparedRows(
    {name: _inbox.c[name] for name in _INBOX_COLUMNS},
    lambda _, asked: insert_asked(insert(_inbox), asked),  # type: ignore[arg-type]
)
_ADD_ALL = PreparedRows(
    {name: _arrival.c[name] for name in _COLUMNS},
    lambda dialect, asked: insert_asked(insert_if_new(_arrival, dialect), asked).returning(
        _arrival.c.id, _arrival.c.code
    ),
)


def _build_search(_dialect: str, asked: FromClause) -> Any:
    """For each place the arrival that a cookie's code is, and whose the link is that was followed."""
    own, followed = _arrival.alias("own"), _arrival.alias("followed")
    return (
        select(
            asked.c.place, own.c.id.label("own_id"), own.c.code.label("own_code"),
            followed.c.entry_id, followed.c.id, followed.c.depth, followed.c.state,
            _named.c.entry_id.label("named_entry"), _named.c.id.label("named_id"), _named.c.label,
            _named.c.channel, _embed.c.entry_id.label("embed_entry"), _embed.c.id.label("embed_id"),
        )
        .select_from(asked)
        .outerjoin(own, and_(own.c.code == asked.c.own_code, own.c.entry_id == asked.c.entry_id))
        .outerjoin(followed, followed.c.code == asked.c.via)
        .outerjoin(_named, _named.c.code == asked.c.via)
        .outerjoin(_embed, _embed.c.code == asked.c.via)
    )  # fmt: skip


_CODE = _arrival.c.code
_SEARCH = PreparedRows(
    {"place": column("place", Integer), "entry_id": _arrival.c.entry_id, "own_code": _CODE, "via": _CODE},
    _build_search,
)


_LOCK = PreparedRows(
    {"arrival_id": _arrival.c.id},
    lambda _, asked: (
        select(_arrival.c.id)
        .join(asked, asked.c.arrival_id == _arrival.c.id)
        .order_by(_arrival.c.id)
        .with_for_update(key_share=True, of=_arrival)
    ),
)


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


def find_or_add_node(connection: Connection, visit: Visit, now: datetime, entropy: Entropy) -> Node:
    """The visitor's node: found by their cookie, else added under their link's owner, unless the pseudonym has one.

    Whoever gets a new one must put it into the inbox, with whatever else the person did.
    """
    return _find_by_code(connection, visit) or _add_node(connection, visit, now, entropy)


def find_or_add_nodes(
    connection: Connection, comers: Sequence[tuple[Visit, datetime, Entropy]]
) -> list[Node | None]:
    """As `find_or_add_node`, for many at once, each with the time and the chance of their own.

    None for whoever has a node by their pseudonym: that is asked for alone.
    """
    found = _search(connection, [visit for visit, _, _ in comers])
    nodes: list[Node | None] = [None] * len(comers)
    rows: dict[str, dict[str, object]] = {}
    places: dict[str, int] = {}
    for place, (visit, now, entropy) in enumerate(comers):
        known = found.get(place)
        if known is not None and known.own_id is not None:
            nodes[place] = Node(known.own_id, known.own_code, is_new=False)
        else:
            code = new_code(entropy)
            rows[code] = _lay_out(visit, code, _describe_link(known), now)
            places[code] = place
    # In one order for all, so that parallel groups wait for each other and not in a ring.
    for row in _ADD_ALL.rows(connection, sorted(rows.values(), key=_by_person)):
        nodes[places[row.code]] = Node(row.id, row.code, is_new=True)
    return nodes


def add_own_node(connection: Connection, visit: Visit, key: bytes, now: datetime, entropy: Entropy) -> Node:
    """A node for a proven person who shares a pseudonym with somebody else (one school, one kind of laptop)."""
    apart = Visit(visit.entry_id, key, visit.via, "", visit.channel, visit.referrer_host)
    return find_or_add_node(connection, apart, now, entropy)


def lock_nodes(connection: Connection, arrival_ids: Sequence[int]) -> None:
    """Have these arrivals to oneself until the transaction ends; on SQLite one has everything to oneself."""
    if connection.dialect.name != "sqlite":
        _LOCK.rows(connection, [{"arrival_id": arrival_id} for arrival_id in arrival_ids])


def put_in_inbox(connection: Connection, events: Sequence[Mapping[str, object]]) -> None:
    """Tell the fold what happened to many arrivals, each as `describe_event` lays it out."""
    _TO_INBOX.rows(connection, events)


def describe_event(
    entry_id: int, arrival_id: int, *, is_new: bool = False, votes: int = 0, returns: int = 0
) -> dict[str, object]:
    """A row of the inbox: a new arrival, votes that its person cast, or returns."""
    return {
        "entry_id": entry_id, "arrival_id": arrival_id, "is_new": is_new, "votes": votes, "returns": returns,
    }  # fmt: skip


def _find_by_code(connection: Connection, visit: Visit) -> Node | None:
    if not is_code(visit.own_code):
        return None
    row = _BY_CODE.first(connection, {"code": visit.own_code, "entry_id": visit.entry_id})
    return None if row is None else Node(row.id, row.code, is_new=False)


def _add_node(connection: Connection, visit: Visit, now: datetime, entropy: Entropy) -> Node:
    link = find_link(connection, visit.via) if visit.via else None
    code = new_code(entropy)
    arrival_id = _ADD.scalar(connection, _lay_out(visit, code, link, now))
    if arrival_id is None:  # the same visitor was here before, or in another tab was first
        key = {"entry_id": visit.entry_id, "visitor_key": visit.visitor_key}
        first = _BY_VISITOR.first(connection, key)
        if first is None:
            raise RuntimeError("An arrival was refused as a double, yet there is no first one.")
        return Node(first.id, first.code, is_new=False)
    return Node(arrival_id, code, is_new=True)


def _lay_out(visit: Visit, code: str, link: Link | None, now: datetime) -> dict[str, object]:
    parent = find_parent(link.followed if link else None, visit.entry_id, visit.channel, visit.referrer_host)
    is_ours = link is not None and link.followed.entry_id == visit.entry_id
    return {
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
    }


def _search(connection: Connection, visits: Sequence[Visit]) -> dict[int, Any]:
    """The rows of `_SEARCH` by place, for visits that brought anything like a code."""
    asked = []
    for place, visit in enumerate(visits):
        own, via = (code if is_code(code) else "" for code in (visit.own_code, visit.via))
        if own or via:
            asked.append({"place": place, "entry_id": visit.entry_id, "own_code": own, "via": via})
    return {row.place: row for row in _SEARCH.rows(connection, asked)}


def _describe_link(found: Any) -> Link | None:
    if found is None:
        return None
    if found.id is not None:
        return describe_arrival(found)
    if found.named_id is not None:
        return describe_named(found.named_entry, found.named_id, found.label, found.channel)
    return None if found.embed_id is None else describe_embed(found.embed_entry, found.embed_id)


def _by_person(row: Mapping[str, Any]) -> tuple[int, bytes]:
    return row["entry_id"], row["visitor_key"] or b""
