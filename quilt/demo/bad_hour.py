"""A bad hour of the demo: a program votes for an entry, the rules hold its votes, and the desk looks at some.

The program writes its votes as the form would; it does not know the rules that find it. Its entrant has nothing to do
with it and asks for a second look, so the desk has a burst, evidence, a decision and an appeal to show.
"""

import random
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select

from quilt.accounts.service import create_user
from quilt.arrivals.nodes import Visit
from quilt.arrivals.service import get_salt, record_arrival
from quilt.database import db
from quilt.demo.entering import Act, Entered, Troupe
from quilt.integrity.alerts import raise_alerts
from quilt.integrity.appeals import appeal_for_entry
from quilt.integrity.reviews import review_votes, try_review
from quilt.spread.counting import visitor_key
from quilt.votes.evidence import Evidence, make_marks, pack_evidence
from quilt.votes.models import Vote
from quilt.votes.rules import Policy, make_contest_key
from quilt.votes.service import Ballot, cast_vote

STORY = "The coat library"  # for which the program votes
BEFORE_END = timedelta(hours=29)
LASTS, QUARTER = timedelta(minutes=23), timedelta(minutes=15)
PRESSES, LOOKED_AT = 72, 40
SEEN_AFTER, ASKED_AFTER = timedelta(hours=13), timedelta(hours=20)
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/139.0.0.0 Safari/537.36"
FOUND = (
    "Numbered mailboxes of one domain, a vote every twenty seconds for as long as it lasted, the button pressed within "
    "two seconds of the page, the film played by nobody."
)
ASKED = (
    "There are seventy votes in our count that I cannot explain, and a note that they are not counted. We have not "
    "asked anybody for this. If some of them are people, please look again: our street does talk about us."
)


def list_looks(begins_at: datetime) -> list[datetime]:
    """When it is asked whether there is a burst, so that every quarter in which the program votes is seen whole.

    A worker asks every minute. Once in each quarter will do: that one and the one before it are looked at.
    """
    quarters = -(-LASTS // QUARTER) + 1  # it may begin at the end of one
    return [begins_at + turn * QUARTER for turn in range(1, quarters + 1)]


class BadHour(Troupe):
    """The program, the moderator who finds it, and the entrant who asks about it."""

    def __init__(
        self, entered: Entered, policy: Policy, secret: str, moderator_id: int, ends_at: datetime, seed: str
    ) -> None:
        self._policy, self._secret, self._moderator_id = policy, secret, moderator_id
        self._chance = random.Random(f"{seed} bad hour")
        self._begins_at = ends_at - BEFORE_END
        super().__init__(entered, self._list_acts())

    def _list_acts(self) -> Iterator[Act]:
        for number in range(PRESSES):
            late = LASTS * ((number + self._chance.random()) / PRESSES)
            yield Act(self._begins_at + late, partial(self._press, number))
        for at in list_looks(self._begins_at):
            yield Act(at, raise_alerts)
        yield Act(self._begins_at + SEEN_AFTER, self._look)
        yield Act(self._begins_at + ASKED_AFTER, self._ask)

    def _press(self, number: int, at: datetime) -> None:
        email = f"friend{number + 1:04}@brisk-letters.example"
        user = create_user(email, now=at - timedelta(seconds=4))
        address = f"198.19.{self._chance.randrange(256)}.{self._chance.randrange(1, 255)}"
        salt = get_salt(at, secrets.token_bytes)
        key = visitor_key(salt, self._entered.entry_id, address, AGENT)
        entropy = self._chance.randbytes
        node = record_arrival(Visit(self._entered.entry_id, key), None, now=at, entropy=entropy)
        marks = make_marks(address, AGENT, salt, make_contest_key(self._secret, self._policy.voter_salt))
        age = self._chance.uniform(1.0, 1.8)
        evidence = Evidence(marks, False, age - 0.3, age, self._chance.uniform(1.5, 2.6), has_language=False)
        visit = Visit(self._entered.entry_id, None, own_code=node.code)
        ballot = Ballot(user.id, "email", visit, evidence=pack_evidence(evidence))
        cast_vote(ballot, self._policy, secret=self._secret, now=at, entropy=entropy)

    def _look(self, at: datetime) -> None:
        """The moderator rejects the first of them, and leaves the others for whoever reads this desk."""
        held = select(Vote.id).where(Vote.entry_id == self._entered.entry_id, Vote.state == "held")
        vote_ids = list(db.session.scalars(held.order_by(Vote.id).limit(LOOKED_AT)))
        db.session.rollback()
        trial = try_review(vote_ids, "rejected")
        review_votes(
            trial.vote_ids, "rejected", reason="program", words=FOUND, seal=trial.seal, now=at,
            actor_id=self._moderator_id, contest_id=self._policy.contest_id, entry_id=self._entered.entry_id,
        )  # fmt: skip

    def _ask(self, at: datetime) -> None:
        appeal_for_entry(self._entered.entry_id, ASKED, author_id=self._entered.entrant_id, now=at)
