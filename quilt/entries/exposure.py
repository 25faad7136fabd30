"""Fair exposure: while voting is open, the entries that were shown least come first.

Every gallery page adds one to each entry it shows. Every ten minutes the entries are put into buckets by
how often they were shown an hour since their publication; a visitor's seed shuffles within a bucket. The
order of an epoch never changes, so that pages neither repeat nor skip an entry.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Integer, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from quilt.contests.models import Contest
from quilt.database import BigId, db, insert_if_new, write
from quilt.entries.models import Entry, EntryExposure, ExposureOrder

EPOCH = timedelta(minutes=10)
KEPT_EPOCHS = 3
SEEDS = 256
STEP = 1.1  # a bucket holds entries whose exposure differs by less than this factor
CUSHION = 0.05  # of the mean, added to every rate: two entries that were hardly shown are equals

_entry, _exposure, _order = Entry.__table__, EntryExposure.__table__, ExposureOrder.__table__


@dataclass(frozen=True, slots=True)
class Exposure:
    """How often an entry was shown since when."""

    entry_id: int
    shown_count: int
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Epoch:
    """The stored order of ten minutes: entry → bucket. Number 0, without entries, before there is any."""

    number: int
    buckets: Mapping[int, int]


def number_epoch(now: datetime) -> int:
    """The number of the ten minutes that hold this instant."""
    return int(now.timestamp() // EPOCH.total_seconds())


def record_shown(counts: Mapping[int, int]) -> None:
    """Add to the number of times that entries were shown; durable when this returns.

    Ids of entries that are no more are passed over.
    """
    rows = [{"of_entry": entry_id, "times": counts[entry_id]} for entry_id in sorted(counts)]
    if rows:
        write(_add_shown, rows)


def list_exposures(contest_id: int) -> list[Exposure]:
    """How often each published entry of a contest was shown, by id."""
    return _read_exposures(db.session.connection(), contest_id)


def refresh_exposure_order(contest_id: int, epoch: int, now: datetime) -> int:
    """Store the order of an epoch, unless it is stored already, and drop all but the last three.

    Returns the number of entries that were put in order.
    """
    return write(_store_epoch, contest_id, epoch, now)


def refresh_exposure_orders(now: datetime) -> int:
    """Store this epoch's order of every published contest; call it every ten minutes. Returns how many."""
    published = select(Contest.id).where(Contest.is_published).order_by(Contest.id)
    contests = write(lambda connection: list(connection.scalars(published)))
    for contest_id in contests:
        refresh_exposure_order(contest_id, number_epoch(now), now)
    return len(contests)


def get_epoch(contest_id: int, number: int | None = None) -> Epoch:
    """The stored epoch of that number, else the newest, else one without entries."""
    numbers = list(
        db.session.scalars(
            select(_order.c.epoch)
            .where(_order.c.contest_id == contest_id)
            .distinct()
            .order_by(_order.c.epoch)
        )
    )
    if not numbers:
        return Epoch(0, {})
    chosen = number if number is not None and number in numbers else numbers[-1]
    statement = select(_order.c.entry_id, _order.c.bucket).where(
        _order.c.contest_id == contest_id, _order.c.epoch == chosen
    )
    return Epoch(chosen, {row.entry_id: row.bucket for row in db.session.execute(statement)})


def list_fair_order(contest_id: int, epoch: int | None, seed: int) -> list[int]:
    """The published entries of a contest in the fair order of an epoch (None: the newest) for a seed."""
    entries = [exposure.entry_id for exposure in list_exposures(contest_id)]
    stored = get_epoch(contest_id, epoch)
    published = set(entries)
    return [entry_id for entry_id in sort_fairly(stored, entries, seed) if entry_id in published]


def build_buckets(exposures: Sequence[Exposure], now: datetime) -> dict[int, int]:
    """Entry → bucket; 0 was shown least for the time it has been there.

    Buckets are steps of a tenth, counted from the least shown entry: once exposure is even, all share
    the first and chance alone decides.
    """
    rates = {exposure.entry_id: _rate(exposure, now) for exposure in exposures}
    if not rates:
        return {}
    cushion = CUSHION * sum(rates.values()) / len(rates)
    least = min(rates.values()) + cushion
    if not least:
        return dict.fromkeys(rates, 0)
    return {
        entry_id: int(math.log((rate + cushion) / least) / math.log(STEP)) for entry_id, rate in rates.items()
    }


def sort_fairly(epoch: Epoch, entry_ids: Iterable[int], seed: int) -> list[int]:
    """The entries of an epoch, and before them those of `entry_ids` that it does not know yet, for a seed.

    Entries of the epoch that are no longer in `entry_ids` keep their place, so that the pages of one
    visit stay as they were; whoever shows the list passes over them.
    """
    buckets = {**dict.fromkeys(entry_ids, -1), **epoch.buckets}
    key = bytes([seed % SEEDS])
    return sorted(buckets, key=lambda entry_id: (buckets[entry_id], _shuffle(key, entry_id)))


def _rate(exposure: Exposure, now: datetime) -> float:
    """Times shown an hour; the first ten minutes count as ten."""
    return exposure.shown_count / (max(now - exposure.published_at, EPOCH) / timedelta(hours=1))


def _shuffle(key: bytes, entry_id: int) -> bytes:
    return hashlib.blake2b(entry_id.to_bytes(8), digest_size=8, key=key).digest()


def _add_shown(connection: Connection, rows: list[dict[str, int]]) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    of_entry, times = bindparam("of_entry", type_=BigId), bindparam("times", type_=Integer)
    known = select(_entry.c.id, times).where(_entry.c.id == of_entry)
    insert = dialect.insert(_exposure).from_select(["entry_id", "shown_count"], known)
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=[_exposure.c.entry_id],
            set_={"shown_count": _exposure.c.shown_count + insert.excluded.shown_count},
        ),
        rows,
    )


def _read_exposures(connection: Connection, contest_id: int) -> list[Exposure]:
    statement = (
        select(_entry.c.id, _exposure.c.shown_count, _entry.c.published_at, _entry.c.created_at)
        .select_from(_entry.outerjoin(_exposure, _exposure.c.entry_id == _entry.c.id))
        .where(_entry.c.contest_id == contest_id, _entry.c.state == "published")
        .order_by(_entry.c.id)
    )
    rows = connection.execute(statement)
    return [Exposure(row.id, row.shown_count or 0, row.published_at or row.created_at) for row in rows]


def _store_epoch(connection: Connection, contest_id: int, epoch: int, now: datetime) -> int:
    of_contest = _order.c.contest_id == contest_id
    stored = list(connection.scalars(select(_order.c.epoch).where(of_contest).distinct()))
    buckets = build_buckets(_read_exposures(connection, contest_id), now)
    if epoch in stored or not buckets:
        return 0
    rows = [
        {"contest_id": contest_id, "epoch": epoch, "entry_id": entry_id, "bucket": bucket}
        for entry_id, bucket in buckets.items()
    ]
    connection.execute(insert_if_new(_order, connection.dialect.name), rows)
    kept = sorted([epoch, *stored])[-KEPT_EPOCHS:]
    connection.execute(delete(ExposureOrder).where(of_contest, _order.c.epoch < kept[0]))
    return len(rows)
