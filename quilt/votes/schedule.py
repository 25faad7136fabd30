"""When the ledgers take in what has happened: every few minutes while voting is open, and at its end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select

from quilt.config import Settings
from quilt.contests.models import Contest, Phase
from quilt.database import db, write
from quilt.votes.heads import open_ledger, sign_next_head
from quilt.votes.keys import SigningKey, get_signing_key
from quilt.votes.ledger_models import Ledger, Settlement
from quilt.votes.sequencing import Judge, close_batch, has_news

log = structlog.get_logger("quilt.votes")
QUIET = timedelta(hours=1)  # a head is signed even where nothing happens: it says that nothing did


@dataclass(frozen=True, slots=True)
class Timing:
    """A contest whose voting has begun: when its last window ends, and when its last batch ended (None: never)."""

    contest_id: int
    ends_at: datetime
    batch_at: datetime | None


def find_interval(settings: Settings) -> timedelta:
    """The time between two batches."""
    return timedelta(minutes=settings.ledger_minutes)


def find_promise(settings: Settings) -> timedelta:
    """How long after it was cast a vote is in the ledger at the latest: what a receipt promises."""
    return 2 * find_interval(settings)


def close_due(
    settings: Settings, judge: Judge, now: Callable[[], datetime], entropy: Callable[[int], bytes]
) -> int:
    """Open the ledgers of contests whose voting has begun and do every batch that is due; how many heads were signed.

    A contest whose batch fails, which is logged, keeps no other from its own.
    """
    key = get_signing_key(settings, entropy)
    heads = 0
    for timing in list_timings(now()):
        try:
            heads += _close_one(timing, settings, key, judge, now, entropy)
        except Exception:
            log.exception("batch_failed", contest=timing.contest_id)
    return heads


def _close_one(
    timing: Timing,
    settings: Settings,
    key: SigningKey,
    judge: Judge,
    now: Callable[[], datetime],
    entropy: Callable[[int], bytes],
) -> bool:
    """Do what is due for this contest; whether a head was signed."""
    contest_id = timing.contest_id
    if timing.batch_at is None:
        return open_ledger(contest_id, key, now())
    if not is_batch_due(timing, now(), find_interval(settings)):
        return False
    with db.engine.connect() as connection:
        news = has_news(connection, contest_id)
    if news:
        close_batch(contest_id, key, judge, secret=settings.secret_key, now=now, entropy=entropy)
        return True
    if is_quiet_head_due(timing, now(), find_promise(settings)):
        write(sign_next_head, contest_id, key, now())
        return True
    return False


def list_timings(now: datetime) -> list[Timing]:
    """Every published contest in which voting has begun and whose policy is frozen, the oldest first.

    Not those whose result is final: their ledger, and the places in its `results.json`, stay as they are.
    """
    statement = (
        select(Phase.contest_id, func.max(Phase.ends_at), Ledger.batch_at)
        .join(Contest, Contest.id == Phase.contest_id)
        .outerjoin(Ledger, Ledger.contest_id == Phase.contest_id)
        .outerjoin(Settlement, Settlement.contest_id == Phase.contest_id)
        .where(Phase.may_vote, Contest.is_published, Contest.frozen_at.is_not(None))
        .where(Settlement.settled_at.is_(None))
        .group_by(Phase.contest_id, Ledger.batch_at)
        .having(func.min(Phase.starts_at) <= now)
        .order_by(Phase.contest_id)
    )
    with db.engine.connect() as connection:
        return [Timing(*row) for row in connection.execute(statement)]


def is_batch_due(timing: Timing, now: datetime, interval: timedelta) -> bool:
    """Whether so much time has passed since the last batch, or voting has ended meanwhile."""
    if timing.batch_at is None:
        return True
    return now >= timing.batch_at + interval or timing.batch_at < timing.ends_at <= now


def is_quiet_head_due(timing: Timing, now: datetime, promise: timedelta) -> bool:
    """Whether a head is due though nothing has happened: hourly while voting is open, and once after its end.

    The last one stands behind every promise that a receipt has made, so that a broken one can be shown.
    """
    if timing.batch_at is None:
        return True
    kept_at = timing.ends_at + promise
    if now < kept_at:
        return now >= timing.batch_at + QUIET
    return timing.batch_at < kept_at
