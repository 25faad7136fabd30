"""Taking a published entry out of the contest, and putting it back: one transaction, one row of the log, one mail."""

from datetime import datetime

from quilt.accounts.models import User
from quilt.contests.changes import make_pages_fresh
from quilt.database import transaction
from quilt.entries.rules import ENTRY_MOVES, WrongState, next_state
from quilt.letters import Compose
from quilt.mail import put_in_outbox
from quilt.moderation.models import ModerationLog
from quilt.moderation.queries import find_last_decision
from quilt.moderation.rules import AlreadyDecided, PlacesFixed, check_removal, say_reason
from quilt.moderation.service import lock_entry
from quilt.votes.settling import contradicts_result

LETTERS = {"remove": "entry_taken_out", "disqualify": "entry_taken_out", "restore": "entry_published"}


def take_out_or_back(
    entry_id: int, action: str, *, reason: str, words: str, actor_id: int, now: datetime, compose: Compose,
    base_url: str,
) -> str:  # fmt: skip
    """Remove or disqualify a published entry, or restore one; returns its state.

    An entry that is out is shown to nobody but its entrant. Its votes stay in the ledger and its spread in the
    tables, so that it can come back as it was. Raises a DecisionRefused (ReasonMissing, WordsMissing, TooManyWords,
    OwnEntry, AlreadyDecided, PlacesFixed), NotFound.
    """
    words = words.replace("\x00", "").strip()
    check_removal(action, reason, words)
    with transaction() as session:
        entry, contest = lock_entry(session, entry_id, actor_id)
        try:
            entry.state = next_state(ENTRY_MOVES, entry.state, action)
        except WrongState:
            raise AlreadyDecided(find_last_decision(session, "entry", entry_id), contest.time_zone) from None
        runs = entry.state == "published" and entry.is_eligible
        # What must not be shown is hidden at any time; the final result stays as it is all the same.
        if action != "remove" and contradicts_result(session.connection(), contest.id, entry_id, runs):
            raise PlacesFixed
        entry.version += 1
        make_pages_fresh(session, contest.id)
        session.add(
            ModerationLog(
                subject_kind="entry", subject_id=entry_id, action=action, words=words, actor_id=actor_id,
                reason=reason if action != "restore" else "", decided_at=now,
            )
        )  # fmt: skip
        entrant, state = session.get_one(User, entry.entrant_id), entry.state
        path = f"entries/{entry.id}-{entry.slug}" if state == "published" else f"submit/{entry.id}"
        letter = compose(
            LETTERS[action], name=entrant.name, title=entry.title, contest_title=contest.title,
            entry_url=f"{base_url}/{path}", reason=say_reason(action, reason), words=words,
        )  # fmt: skip
        put_in_outbox(session, letter, entrant.email, now)
    return state
