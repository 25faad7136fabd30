"""Share acts: somebody pressed share."""

from datetime import datetime

from sqlalchemy import Connection

from quilt.database import insert_if_new, write
from quilt.shares.models import ShareAct

_acts = ShareAct.__table__


def record_share(entry_id: int, arrival_id: int, channel: str, *, now: datetime) -> None:
    """Keep that this person shared this way: one row a person, entry, channel and minute."""
    row = {
        "entry_id": entry_id,
        "arrival_id": arrival_id,
        "channel": channel,
        "shared_at": now.replace(second=0, microsecond=0),
    }
    write(_keep, row)


def _keep(connection: Connection, row: dict[str, object]) -> None:
    connection.execute(insert_if_new(_acts, connection.dialect.name), row)
