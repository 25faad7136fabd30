"""What was asked, answered and appealed about a vote, for whoever holds its receipt."""

from dataclasses import dataclass

from quilt.database import db
from quilt.integrity.appeals import AppealsOver, NothingToAppeal, ShownAppeal, find_appeals_of
from quilt.integrity.checks import CheckedVote, find_checked
from quilt.votes.queries import DoubtedVote, find_doubted
from quilt.votes.settling import are_appeals_over
from quilt.web.clock import now


@dataclass(frozen=True, slots=True)
class SecondLook:
    """The letter that asked the voter, if one was sent; their appeals, the newest first; whether one may appeal now.

    `refusal` says why one may not; it is '' also while an appeal waits for its answer. Nothing here says more than
    the ledger: what an answer or an appeal has changed is told after the next batch.
    """

    vote: DoubtedVote
    letter: CheckedVote | None
    appeals: list[ShownAppeal]
    refusal: str

    @property
    def waits(self) -> bool:
        """Whether an appeal was made that nobody has answered yet."""
        return bool(self.appeals) and self.appeals[0].answered_at is None

    @property
    def may_appeal(self) -> bool:
        """Whether something can come of an appeal that is made now."""
        return not self.refusal and not self.waits


def find_second_look(receipt: str) -> SecondLook | None:
    """All of it for the vote with this receipt; None where there is none."""
    vote = find_doubted(receipt)
    if vote is None:
        return None
    return SecondLook(vote, find_checked(vote.id), find_appeals_of(receipt), _find_refusal(vote))


def _find_refusal(vote: DoubtedVote) -> str:
    if vote.state not in ("held", "rejected"):
        return NothingToAppeal(vote.state).message
    return AppealsOver.message if are_appeals_over(db.session.connection(), vote.contest_id, now()) else ""
