"""Votes by the way their voters came: the way they first heard of the entry, and the last before they voted."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, case, func, or_, select
from sqlalchemy.orm import aliased

from quilt.arrivals.bulk import LEFT_OUT
from quilt.arrivals.models import Arrival, ArrivalStat, NamedLink
from quilt.database import db
from quilt.embeds.models import Embed
from quilt.spread.attribution import clean_channel
from quilt.votes.models import STANDING, Vote


@dataclass(frozen=True, slots=True)
class ChannelVotes:
    """Counted votes by one channel's tag ('' is: no channel known): as the first touch, and as the last."""

    channel: str
    first: int
    last: int


def count_votes_by_channel(entry_id: int) -> list[ChannelVotes]:
    """The counted votes of an entry by channel, the largest first touch first.

    The first touch is the channel of the voter's arrival, which makes the tree. The last is that of the link
    they voted by; who came back by no other link, and without a tag, keeps the first. Each vote stands
    once in each column, so both sum to the same number.
    """
    first, last = Counter[str](), Counter[str]()
    for row in db.session.execute(_TOUCHES, {"entry_id": entry_id}):
        first[row.first] += row.votes
        last[_name_last(row)] += row.votes
    rows = [ChannelVotes(channel, first[channel], last[channel]) for channel in first | last]
    return sorted(rows, key=lambda row: (-row.first, -row.last, row.channel))


def _name_last(row: Any) -> str:
    """The channel of the last touch: what the link itself is called wins over the tag behind it."""
    if row.is_embed:
        return "embed"
    named = clean_channel(row.named or "")
    return named or row.last or (row.first if row.is_first_link else "")


_above = aliased(Arrival)
_TOUCHES = (
    select(
        Arrival.channel.label("first"),
        Vote.last_channel.label("last"),
        case((NamedLink.channel != "", NamedLink.channel), else_=NamedLink.label).label("named"),
        Embed.id.is_not(None).label("is_embed"),
        # No other link than the one they first came by: their own, their parent's, or the entry's.
        or_(
            Vote.last_code == "",
            Vote.last_code == func.coalesce(_above.code, ""),
            NamedLink.id == func.coalesce(Arrival.link_id, 0),
        ).label("is_first_link"),
        func.count().label("votes"),
    )
    .select_from(Vote)
    .join(Arrival, Arrival.id == Vote.arrival_id)
    .outerjoin(_above, _above.id == Arrival.parent_id)
    .outerjoin(NamedLink, NamedLink.code == Vote.last_code)
    .outerjoin(Embed, Embed.code == Vote.last_code)
    .outerjoin(ArrivalStat, ArrivalStat.arrival_id == Arrival.id)
    .where(
        Vote.entry_id == bindparam("entry_id"),
        Vote.state.in_(STANDING),
        func.coalesce(ArrivalStat.subtree_size, 1) != LEFT_OUT,
    )
    .group_by("first", "last", "named", "is_embed", "is_first_link")
)
