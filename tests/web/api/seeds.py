"""What the API's tests read: a contest with a ledger, an entry, its entrant's token and one of the desk."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from quilt.accounts.api_tokens import SCOPES, STAFF_SCOPES, create_token
from quilt.accounts.models import User
from quilt.config import Settings
from quilt.contests.models import Contest
from quilt.entries.models import Entry
from quilt.web.clock import now
from tests.factories import make_contest, make_entry, make_user
from tests.votes.ledgers import start_ledger


@dataclass(frozen=True)
class Seed:
    """The things by which a path is filled, and tokens by name."""

    contest: Contest
    entry: Entry
    voter: User
    token: str
    staff_id: int
    staff_token: str

    @property
    def values(self) -> dict[str, object]:
        return {"slug": self.contest.slug, "entry_id": self.entry.id}


def make_seed(settings: Settings) -> Seed:
    """Voting is open, as of the real clock: the database decides when a vote arrives."""
    moment = now()
    contest = make_contest(opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
    entry = make_entry(contest)
    make_entry(contest, state="submitted", title="A secret that waits")
    start_ledger(settings, contest, moment)
    voter, moderator = make_user(name="Noor"), make_user(name="Mo", role="moderator")
    return Seed(contest, entry, voter, make_token(voter), moderator.id, make_token(moderator, [*SCOPES]))


def make_token(user: User, scopes: list[str] | None = None, days: int = 7) -> str:
    wanted = scopes or [scope for scope in SCOPES if scope not in STAFF_SCOPES]
    return create_token(user.id, "A test", wanted, days, now=now(), entropy=secrets.token_bytes)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
