"""Reading arrivals: whose link a code is."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from quilt.arrivals.models import Arrival
from quilt.embeds.models import Embed
from quilt.spread.attribution import FollowedLink, LinkKind
from quilt.spread.codes import is_code


@dataclass(frozen=True, slots=True)
class Link:
    """A code that exists: what the attribution needs, and the row that it belongs to."""

    followed: FollowedLink
    link_id: int | None = None
    embed_id: int | None = None


_arrival = Arrival.__table__
_embed = Embed.__table__
_named = Arrival.metadata.tables["named_link"]
_ARRIVAL = select(_arrival.c.entry_id, _arrival.c.id, _arrival.c.depth, _arrival.c.state).where(
    _arrival.c.code == bindparam("code")
)
_NAMED = select(_named.c.entry_id, _named.c.id, _named.c.label, _named.c.channel).where(
    _named.c.code == bindparam("code")
)
_EMBED = select(_embed.c.entry_id, _embed.c.id).where(_embed.c.code == bindparam("code"))


def find_link(connection: Connection, code: str) -> Link | None:
    """Whose link this code is: an arrival's, the entry's own, a named one, an embed's; None for nobody's."""
    if not is_code(code):
        return None
    values = {"code": code}
    arrival = connection.execute(_ARRIVAL, values).first()
    if arrival is not None:
        is_excluded = arrival.state != "live"
        return Link(FollowedLink(LinkKind.ARRIVAL, arrival.entry_id, arrival.id, arrival.depth, is_excluded))
    named = connection.execute(_NAMED, values).first()
    if named is not None:
        kind = LinkKind.NAMED if named.label else LinkKind.ENTRY
        return Link(FollowedLink(kind, named.entry_id, name=named.channel or named.label), link_id=named.id)
    embed = connection.execute(_EMBED, values).first()
    if embed is not None:
        return Link(FollowedLink(LinkKind.EMBED, embed.entry_id), embed_id=embed.id)
    return None
