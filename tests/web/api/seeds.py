"""What the API's tests read: a contest with a ledger, an entry, its entrant's token and one of the desk."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from quilt.accounts.api_tokens import SCOPES, STAFF_SCOPES, create_token
from quilt.accounts.models import User
from quilt.config import Settings
from quilt.contests.models import Contest
from quilt.entries.models import Entry
from quilt.results.models import Prize, Result
from quilt.web.clock import now
from tests.factories import make_contest, make_entry, make_user, save
from tests.votes.ledgers import start_ledger


@dataclass(frozen=True)
class Seed:
    """The things by which a path is filled, and tokens by name."""

    contest: Contest
    finished: Contest  # with a published result
    entry: Entry
    voter: User
    token: str
    staff_id: int
    staff_token: str

    def values(self, operation: str) -> dict[str, object]:
        """What stands in the path of an operation."""
        contest = self.finished if operation == "show_results" else self.contest
        return {"slug": contest.slug, "entry_id": self.entry.id}


def make_seed(settings: Settings) -> Seed:
    """Voting is open, as of the real clock: the database decides when a vote arrives."""
    moment = now()
    contest = make_contest(opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
    entry = make_entry(contest)
    make_entry(contest, state="submitted", title="A secret that waits")
    start_ledger(settings, contest, moment)
    voter, moderator = make_user(name="Noor"), make_user(name="Mo", role="moderator")
    return Seed(
        contest,
        finish_one(moderator),
        entry,
        voter,
        make_token(voter),
        moderator.id,
        make_token(moderator, [*SCOPES]),
    )


def finish_one(moderator: User) -> Contest:
    """A contest that is over, with one place."""
    over = now() - timedelta(days=9)
    finished = make_contest(opens=over - timedelta(days=9), closes=over)
    entry = make_entry(finished, title="The library bus")
    save(
        Result(
            contest_id=finished.id, state="final", size=7, body=b"{}", places=f"[{entry.id}]", proposed_by=moderator.id,
            proposed_at=over, approved_by=make_user(role="admin").id, approved_at=over, appeals_until=over,
            finished_at=over,
        ),
        Prize(contest_id=finished.id, place=1, entry_id=entry.id, state="paid"),
    )  # fmt: skip
    return finished


def make_token(user: User, scopes: list[str] | None = None, days: int = 7) -> str:
    wanted = scopes or [scope for scope in SCOPES if scope not in STAFF_SCOPES]
    return create_token(user.id, "A test", wanted, days, now=now(), entropy=secrets.token_bytes)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
