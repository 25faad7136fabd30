"""Whole trees put straight into the tables, then counted: for tests about what is read from them."""

from datetime import timedelta

from sqlalchemy import insert

from quilt.arrivals.fold import fold_entry
from quilt.arrivals.models import Arrival
from quilt.arrivals.nodes import describe_event, put_in_inbox
from quilt.database import db, transaction, write
from tests.conftest import NOW
from tests.spreads import recount_entry

FAR = 1_000_000  # ids that PostgreSQL's own counter does not come to


def plant(entry, parents, voters=(), channels=("wa",), minutes=1):
    """People by their parents' places (-1: the entry), straight into the table; returns their arrivals' ids."""
    entry_id = entry.id
    first = (db.session.scalar(db.select(db.func.max(Arrival.id))) or FAR) + 1
    depths, rows = [], []
    for place, parent in enumerate(parents):
        depths.append(depths[parent] + 1 if parent >= 0 else 1)
        rows.append(
            {
                "id": first + place, "entry_id": entry_id, "parent_id": first + parent if parent >= 0 else None,
                "depth": depths[place], "code": f"c{entry_id}-{first + place}", "channel": channels[place % len(channels)],
                "state": "live", "arrived_at": NOW + timedelta(minutes=minutes * place),
            }
        )  # fmt: skip
    with transaction() as session:
        session.execute(insert(Arrival), rows)
    ids = [row["id"] for row in rows]
    for place in voters:
        write(
            lambda connection, place=place: put_in_inbox(
                connection, [describe_event(entry_id, ids[place], votes=1)]
            )
        )
    recount_entry(entry_id, NOW)
    fold_entry(entry_id, NOW)
    db.session.rollback()
    return ids
