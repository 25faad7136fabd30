"""Plain functions that make rows, every argument with a default; each commits."""

import itertools
from datetime import datetime, timedelta
from typing import Any

from quilt.accounts.models import User
from quilt.arrivals.models import NamedLink
from quilt.contests.models import BallotPolicy, Contest, Phase
from quilt.contests.queries import PolicyFacts
from quilt.database import db, transaction
from quilt.entries.folding import fold_text
from quilt.entries.models import Entry, EntryExposure, EntryRevision
from quilt.media.models import Video
from quilt.votes.models import EntryTally
from tests.conftest import NOW

_numbers = itertools.count(1)


def save(*rows: Any) -> Any:
    with transaction() as session:
        session.add_all(rows)
    return rows[0]


def make_user(email: str = "", name: str = "Ana", role: str = "member", **values: Any) -> User:
    email = email or f"person{next(_numbers)}@example.org"
    return save(User(email=email, email_key=email.lower(), name=name, role=role, created_at=NOW, **values))


def make_contest(
    slug: str = "",
    *,
    opens: datetime = NOW - timedelta(days=5),
    closes: datetime = NOW + timedelta(days=5),
    **values: Any,
) -> Contest:
    """A published contest in which one may submit, vote and comment from `opens` to `closes`."""
    policy = {key: values.pop(key) for key in PolicyFacts.__slots__ if key in values}
    contest = Contest(
        slug=slug or f"contest-{next(_numbers)}",
        **{
            "title": "Ten thousand for a cause",
            "prize_text": "$10,000",
            "time_zone": "America/New_York",
            "rules_text": "One vote a person.",
            "voter_salt": b"salt of the tests",
            "is_published": True,
            "created_at": NOW,
            **values,
        },
    )
    save(contest)
    phase = Phase(
        contest_id=contest.id,
        name="Voting",
        starts_at=opens,
        ends_at=closes,
        may_submit=True,
        may_vote=True,
        may_comment=True,
    )
    save(phase, BallotPolicy(contest_id=contest.id, **{"limit_count": None, **policy}))
    db.session.expire(contest)
    return contest


def make_video(owner: User, **values: Any) -> Video:
    """A video that is ready to play (by a link: no file is needed)."""
    fields = {
        "kind": "youtube",
        "state": "ready",
        "progress": 100,
        "external_id": "dQw4w9WgXcQ",
        "created_at": NOW,
    }
    return save(Video(owner_id=owner.id, **{**fields, **values}))


def make_entry(contest: Contest | None = None, entrant: User | None = None, **values: Any) -> Entry:
    """A published entry with its own link, counters and an approved first revision."""
    contest = contest or make_contest()
    entrant = entrant or make_user(name="Mateo")
    video = make_video(entrant)
    texts = {"title": "Mateo's first steps", "cause": "Pompe research", "story": "He walked."}
    texts |= {key: values.pop(key) for key in tuple(texts) if key in values}
    state = values.pop("state", "published")
    entry = Entry(
        contest_id=contest.id,
        entrant_id=entrant.id,
        state=state,
        slug=values.pop("slug", "mateos-first-steps"),
        search_text=fold_text(" ".join(texts.values())),
        video_id=video.id,
        created_at=NOW,
        submitted_at=NOW,
        published_at=NOW if state == "published" else None,
        **texts,
        **values,
    )
    save(entry)
    save(
        EntryRevision(
            entry_id=entry.id, number=1, state="approved" if state == "published" else state, video_id=video.id,
            accepted_rules_version=1, accepted_at=NOW, updated_at=NOW, **texts,
        ),
        EntryTally(entry_id=entry.id, contest_id=contest.id),
        EntryExposure(entry_id=entry.id),
        NamedLink(entry_id=entry.id, code=f"own{entry.id:08}", created_at=NOW),
    )  # fmt: skip
    return entry


def count_plainly(_connection, _contest_id, _vote_ids):
    """The verdict of no rules at all, for a batch: every vote counts."""
    return {}
