"""What became of the people who came, by the way they came."""

from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from quilt.arrivals.bulk import LEFT_OUT
from quilt.arrivals.models import Arrival, ArrivalStat, EntryChannel
from quilt.database import db
from quilt.shares.models import ShareAct


@dataclass(frozen=True, slots=True)
class FunnelRow:
    """People who came by one channel (its tag), and how many of them voted, pressed share, brought others."""

    channel: str
    arrived: int
    voted: int
    pressed: int
    brought: int


def list_funnel(entry_id: int) -> list[FunnelRow]:
    """The funnel of every channel, the largest channel first."""
    values = {"entry_id": entry_id}
    pressed = {channel: count for channel, count in db.session.execute(_PRESSED, values)}
    return [
        FunnelRow(channel, people, voters, pressed.get(channel, 0), brought)
        for channel, people, voters, brought in db.session.execute(_ARRIVED, values)
    ]


def count_people(entry_id: int) -> dict[str, int]:
    """How many people came by each channel, as of the last fold."""
    return {row.channel: row.people_count for row in db.session.execute(_ARRIVED, {"entry_id": entry_id})}


_ARRIVED = (
    select(
        EntryChannel.channel, EntryChannel.people_count, EntryChannel.voters_count, EntryChannel.brought_count
    )
    .where(EntryChannel.entry_id == bindparam("entry_id"), EntryChannel.people_count > 0)
    .order_by(EntryChannel.people_count.desc(), EntryChannel.channel)
)
_PRESSED = (
    select(Arrival.channel, func.count(ShareAct.arrival_id.distinct()))
    .join(Arrival, Arrival.id == ShareAct.arrival_id)
    .outerjoin(ArrivalStat, ArrivalStat.arrival_id == Arrival.id)
    .where(ShareAct.entry_id == bindparam("entry_id"), func.coalesce(ArrivalStat.subtree_size, 1) != LEFT_OUT)
    .group_by(Arrival.channel)
)
