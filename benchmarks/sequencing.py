"""How fast votes are written into the ledger: a batch of recorded votes, on both databases, in the service itself.

usage: python -m benchmarks.sequencing [--votes 20000] [--databases sqlite,postgresql]

The time of one vote stands beside that of casting one by the service, in the same process and the same minute, so
that their ratio holds although the machine's speed drifts. Votes lie on the disk before a batch takes them.
"""

import argparse
import secrets
import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, insert, select, update

from benchmarks.spread_data import open_scratch
from quilt.arrivals.nodes import Visit
from quilt.contests.freezing import freeze_contest
from quilt.contests.models import Contest
from quilt.database import db, transaction
from quilt.votes.heads import open_ledger
from quilt.votes.keys import get_signing_key
from quilt.votes.models import EntryTally, Vote, Voter
from quilt.votes.queries import build_policy
from quilt.votes.sequencing import close_batch
from quilt.votes.service import Ballot, cast_vote
from tests.factories import count_plainly, make_contest, make_entry, make_user

ENTRIES, CAST = 40, 1_500
SECRET = "a secret for the measurement only"
NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)


def main() -> None:
    options = read_options()
    print(
        "| database | sequenced/s | µs of the clock a vote | µs of processor | cast by the service: µs | share |"
    )
    print("|---|---|---|---|---|---|")
    for kind in options.databases.split(","):
        with open_scratch(kind) as app, app.app_context():
            measure(kind, options.votes, app.extensions["quilt_settings"])


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--votes", type=int, default=20_000)
    parser.add_argument("--databases", default="sqlite,postgresql")
    return parser.parse_args()


def measure(kind: str, votes: int, settings) -> None:
    contest = make_contest(opens=NOW - timedelta(days=1), closes=NOW + timedelta(days=1))
    contest_id, entries = contest.id, [make_entry(contest).id for _ in range(ENTRIES)]
    settings.data.mkdir(parents=True, exist_ok=True)
    key = get_signing_key(settings, secrets.token_bytes)
    freeze_contest(contest_id, NOW)
    open_ledger(contest_id, key, NOW)
    cast = cast_some(contest_id, entries[0])
    add_votes(contest_id, entries, votes)
    db.session.remove()
    wall, processor = time.perf_counter(), time.process_time()
    batch = close_batch(
        contest_id, key, count_plainly, secret=SECRET, now=lambda: NOW, entropy=secrets.token_bytes
    )
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    assert batch.votes == votes + CAST == batch.decisions, batch
    each = wall / batch.votes * 1e6
    print(
        f"| {kind} | {batch.votes / wall:,.0f} | {each:.0f} | {processor / batch.votes * 1e6:.0f} "
        f"| {cast * 1e6:.0f} | {each / cast / 1e6:.1%} |",
        flush=True,
    )


def cast_some(contest_id: int, entry_id: int) -> float:
    """Seconds that one vote takes by the service, one after the other, each with its commit."""
    policy = build_policy(db.session.get_one(Contest, contest_id))
    people = [make_user().id for _ in range(CAST)]
    db.session.remove()
    began = time.perf_counter()
    for person in people:
        ballot = Ballot(person, "email", Visit(entry_id, secrets.token_bytes(8)))
        cast_vote(ballot, policy, secret=SECRET, now=NOW, entropy=secrets.token_bytes)
    return (time.perf_counter() - began) / CAST


def add_votes(contest_id: int, entries: list[int], count: int, at: datetime = NOW) -> None:
    """Recorded votes of new voters, put into the tables at once."""
    with transaction() as session:
        first = (session.scalar(select(func.max(Voter.id))) or 0) + 1
        voters = [
            {"id": first + number, "contest_id": contest_id, "key": secrets.token_bytes(32), "created_at": NOW}
            for number in range(count)
        ]  # fmt: skip
        session.execute(insert(Voter), voters)
        rows = [
            {"contest_id": contest_id, "voter_id": first + number, "entry_id": entries[number % len(entries)],
             "period": "", "state": "recorded", "receipt": secrets.token_hex(12), "cast_at": at}
            for number in range(count)
        ]  # fmt: skip
        session.execute(insert(Vote), rows)
        for entry_id in entries:
            stands = select(func.count()).where(Vote.entry_id == entry_id).scalar_subquery()
            session.execute(update(EntryTally).where(EntryTally.entry_id == entry_id).values(standing=stands))


if __name__ == "__main__":
    main()
