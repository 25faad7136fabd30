"""What stands in an entry's vote box: a vote to give, the one that was given, or why there is none now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import session
from flask_login import current_user

from quilt.accounts.models import User
from quilt.accounts.rules import person_key
from quilt.arrivals.heads import EntryHead
from quilt.contests.models import Contest
from quilt.contests.rules import Action, check_may, describe_refusal, shows_counts
from quilt.contests.rules import NotNow as ContestRefused
from quilt.database import db
from quilt.entries.models import Entry
from quilt.results.queries import find_published, list_places
from quilt.standings.rules import LEAST_SHOWN
from quilt.votes.prospects import find_obstacle
from quilt.votes.queries import CastVote, count_votes, list_votes_of
from quilt.votes.rules import AlreadyVoted, NoVotesLeft, TakenBack, VoteRefused
from quilt.web.clock import now
from quilt.web.form_tickets import has_session
from quilt.web.policies import get_policy
from quilt.web.words import describe_vote_refusal


@dataclass(frozen=True, slots=True)
class OwnVotes:
    """What the box knows of the person who is signed in.

    `cast` is the vote that holds now, `earlier` one of a period before; `obstacle` says why none can be given though
    voting is open, '' where one can; `next_at` is when the next can.
    """

    cast: CastVote | None = None
    earlier: CastVote | None = None
    is_own_entry: bool = False
    obstacle: str = ""
    is_used_up: bool = False
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class VoteBox:
    """What stands in the vote box: whether one can vote now, and what this person has cast."""

    is_open: bool
    refusal: str
    votes_count: int | None  # None: not shown in this phase, or fewer than five
    hides_counts: bool
    own: OwnVotes
    place: int | None = None  # the paid place that it has come to, once the result is public
    is_final: bool = False
    waits: bool = False  # whether this browser has asked for a code for it, which has not come back


def build_box(head: EntryHead, entry: Entry, contest: Contest) -> VoteBox:
    """The box of an entry for whoever asks."""
    moment = now()
    try:
        check_may(contest.phases, Action.VOTE, moment)
        refusal = ""
    except ContestRefused as error:
        refusal = describe_refusal(error, contest.time_zone)
    is_known = has_session() and current_user.is_authenticated
    return VoteBox(
        is_open=not refusal,
        refusal=refusal,
        votes_count=find_shown_votes(entry.id, contest),
        hides_counts=not shows_counts(contest.phases, moment),
        own=_look_at_own(head, entry, contest, not refusal, moment) if is_known else OwnVotes(),
        waits=has_session() and session.get("pending_vote", {}).get("entry_id") == entry.id,
        **(_find_place(entry.id, contest) if refusal else {}),
    )


def find_shown_votes(entry_id: int, contest: Contest) -> int | None:
    """The votes of an entry as all may see them now; None where they are covered, or fewer than five."""
    votes = count_votes(entry_id)
    return votes if votes >= LEAST_SHOWN and shows_counts(contest.phases, now()) else None


def _find_place(entry_id: int, contest: Contest) -> dict[str, Any]:
    result = find_published(contest.id)
    if result is None:
        return {}
    paid = list_places(result)[: contest.policy.places]
    place = paid.index(entry_id) + 1 if entry_id in paid else None
    return {"place": place, "is_final": result.state == "final"}


def _look_at_own(
    head: EntryHead, entry: Entry, contest: Contest, is_open: bool, moment: datetime
) -> OwnVotes:
    mine = [vote for vote in list_votes_of(current_user.id, entry.id) if vote.state != "withdrawn"]
    newest = mine[0] if mine else None
    if not is_open:
        return OwnVotes(cast=newest)
    policy = get_policy(head)
    obstacle = find_obstacle(current_user.id, entry.id, policy, moment)
    if isinstance(obstacle, AlreadyVoted):
        return OwnVotes(cast=newest, next_at=obstacle.next_at)
    if not policy.may_vote_for_own and _is_own(entry):
        return OwnVotes(is_own_entry=True)
    words = describe_vote_refusal(obstacle, contest.time_zone)[1] if obstacle else ""
    return OwnVotes(None, newest, False, words, isinstance(obstacle, NoVotesLeft), _find_next(obstacle))


def _find_next(obstacle: VoteRefused | None) -> datetime | None:
    return obstacle.next_at if isinstance(obstacle, NoVotesLeft | TakenBack) else None


def _is_own(entry: Entry) -> bool:
    """An alias of the entrant's mailbox is the entrant."""
    entrant = db.session.get_one(User, entry.entrant_id)
    return entrant.id == current_user.id or person_key(entrant.email) == person_key(current_user.email)
