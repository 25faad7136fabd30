"""Whether an entry may win: apart from whether it is shown."""

from datetime import datetime

from quilt.contests.changes import make_pages_fresh
from quilt.database import transaction
from quilt.entries.models import Entry
from quilt.entries.ownership import is_own_entry
from quilt.moderation.models import ModerationLog
from quilt.moderation.rules import NotPublished, OwnEntry, PlacesFixed
from quilt.moderation.service import NotFound
from quilt.votes.settling import contradicts_result


def set_eligibility(entry_id: int, is_eligible: bool, *, words: str, actor_id: int, now: datetime) -> None:
    """Take an entry out of the prize, or back into it; it is shown as before, with votes and spread.

    Nothing changes, and nothing is logged, where it stands so already. Raises NotFound, NotPublished, OwnEntry for
    whoever entered it, and PlacesFixed once the result is final.
    """
    with transaction() as session:
        entry = session.get(Entry, entry_id, with_for_update=True, populate_existing=True)
        if entry is None:
            raise NotFound
        if is_own_entry(session.connection(), actor_id, entry_id):
            raise OwnEntry
        if entry.state != "published":
            raise NotPublished
        if entry.is_eligible == is_eligible:
            return
        if contradicts_result(session.connection(), entry.contest_id, entry_id, is_eligible):
            raise PlacesFixed
        entry.is_eligible = is_eligible
        entry.version += 1
        make_pages_fresh(session, entry.contest_id)
        session.add(
            ModerationLog(
                subject_kind="entry",
                subject_id=entry_id,
                action="into_prize" if is_eligible else "out_of_prize",
                words=words.replace("\x00", "").strip(),
                actor_id=actor_id,
                decided_at=now,
            )
        )
