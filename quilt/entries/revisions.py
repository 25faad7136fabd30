"""One version of an entry after another."""

from datetime import datetime

from quilt.entries.models import EntryRevision
from quilt.entries.rules import TEXT_FIELDS


def build_next_revision(revision: EntryRevision, state: str, now: datetime) -> EntryRevision:
    """What the entrant goes on with, in `state`; the earlier version stays as it was, to be compared with.

    It goes on counting edits: a page that was made with the earlier one stays known as old.
    """
    return EntryRevision(
        entry_id=revision.entry_id,
        number=revision.number + 1,
        state=state,
        video_id=revision.video_id,
        accepted_rules_version=revision.accepted_rules_version,
        accepted_at=revision.accepted_at,
        edit_count=revision.edit_count,
        updated_at=now,
        **{name: getattr(revision, name) for name in TEXT_FIELDS},
    )
