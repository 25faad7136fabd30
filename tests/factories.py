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
from quilt.entries.service import attaching
from quilt.media.models import Video
from quilt.votes.decisions import Verdict
from quilt.votes.models import EntryTally
from tests.conftest import NOW

_numbers = itertools.count(1)


def save(*rows: Any) -> Any:
    with transaction() as session:
        session.add_all(rows)
    return rows[0]


def make_user(email: str = "", name: str = "Ana", role: str = "member", **values: Any) -> User:
    return save(_member(email or f"person{next(_numbers)}@example.org", name, role, **values))


def make_users(count: int) -> list[int]:
    """The ids of so many members."""
    with transaction() as session:
        people = [_member(f"person{next(_numbers)}@example.org") for _ in range(count)]
        session.add_all(people)
        session.flush()
        return [person.id for person in people]


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
    with transaction() as session:
        session.add(contest)
        session.flush()
        session.add_all(
            [
                Phase(
                    contest_id=contest.id, name="Voting", starts_at=opens, ends_at=closes,
                    may_submit=True, may_vote=True, may_comment=True,
                ),
                BallotPolicy(contest_id=contest.id, **{"limit_count": None, **policy}),
            ]
        )  # fmt: skip
    db.session.expire(contest, ["phases", "policy"])
    return contest


def make_video(owner: User, **values: Any) -> Video:
    """A video that is ready to play (by a link: no file is needed)."""
    return save(_video(owner.id, **values))


def attach_video(entry_id: int, owner_id: int, video_id: int, now: datetime = NOW) -> None:
    """Take a video that stands already into the owner's draft."""
    with transaction() as session:
        attaching(entry_id, owner_id, now)(session, session.get_one(Video, video_id))


def make_entry(contest: Contest | None = None, entrant: User | None = None, **values: Any) -> Entry:
    """A published entry with its own link, counters and an approved first revision."""
    contest_id = (contest or make_contest()).id
    entrant_id = (entrant or make_user(name="Mateo")).id
    texts = {"title": "Mateo's first steps", "cause": "Pompe research", "story": "He walked."}
    texts |= {key: values.pop(key) for key in tuple(texts) if key in values}
    state = values.pop("state", "published")
    video = _video(entrant_id)
    entry = Entry(
        contest_id=contest_id,
        entrant_id=entrant_id,
        state=state,
        slug=values.pop("slug", "mateos-first-steps"),
        search_text=fold_text(" ".join(texts.values())),
        created_at=NOW,
        submitted_at=NOW,
        published_at=NOW if state == "published" else None,
        **texts,
        **values,
    )
    with transaction() as session:  # one for all that belongs to it: thousands of tests begin with an entry
        session.add(video)
        session.flush()
        entry.video_id = video.id
        session.add(entry)
        session.flush()
        revision = EntryRevision(
            entry_id=entry.id, number=1, state="approved" if state == "published" else state, video_id=video.id,
            accepted_rules_version=1, accepted_at=NOW, updated_at=NOW, **texts,
        )  # fmt: skip
        tally = EntryTally(entry_id=entry.id, contest_id=contest_id)
        link = NamedLink(entry_id=entry.id, code=f"own{entry.id:08}", created_at=NOW)
        session.add_all([revision, tally, EntryExposure(entry_id=entry.id), link])
    return entry


def _member(email: str, name: str = "Ana", role: str = "member", **values: Any) -> User:
    return User(email=email, email_key=email.lower(), name=name, role=role, created_at=NOW, **values)


def _video(owner_id: int, **values: Any) -> Video:
    fields = {
        "kind": "youtube", "state": "ready", "progress": 100, "external_id": "dQw4w9WgXcQ", "created_at": NOW,
    }  # fmt: skip
    return Video(owner_id=owner_id, **{**fields, **values})


PLAIN = Verdict("counted", "rules", "plain", "none")


def count_plainly(_connection, _contest_id, vote_ids):
    """The verdict of no rules at all, for a batch: every vote counts."""
    return dict.fromkeys(vote_ids, PLAIN)
