"""What the fraud desk reads: votes by hour, what a stretch of an entry's votes is made of, one vote's evidence."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased

from quilt.accounts.models import User
from quilt.contests.models import Contest
from quilt.database import db
from quilt.entries.models import Entry
from quilt.integrity.facts import ABOUT, build_cast, find_first_vote, get_rulebook
from quilt.integrity.models import Appeal, VoteCheck, VoteReview
from quilt.integrity.rules import Cast, Finding
from quilt.integrity.verdicts import weigh_votes
from quilt.votes.models import EntryTally, Vote, VoteDecision

MOST_VOTES = 20_000  # of one stretch
MOST_PARTS = 8  # that are told apart
LEAST_NAMED = 5  # a domain of fewer votes is not named
NO_DOMAIN = "?"  # none that any vote has
DOUBTED = ("held", "rejected")


@dataclass(frozen=True, slots=True)
class Hour:
    """Votes that were cast in one hour: standing, and held or rejected."""

    at: datetime
    standing: int
    doubted: int


@dataclass(frozen=True, slots=True)
class EntryLine:
    """An entry of the contest with its counters."""

    entry_id: int
    title: str
    standing: int
    held: int
    rejected: int
    confirmed: int  # held votes whose voters have said that it was they


@dataclass(frozen=True, slots=True)
class SeenVote:
    """One vote of a stretch: its row, its facts, and whether its voter was asked and said that it was they."""

    id: int
    state: str
    cast_at: datetime
    receipt: str
    parent_id: int | None
    link_id: int | None
    cast: Cast
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A group within a stretch: `key` selects it (`device:ab12…`), `doubted` of its votes are held or rejected.

    The key stands in addresses, and so in logs: a mail domain is named there by one of its votes. The smallest groups
    are one part together, which has none.
    """

    key: str
    label: str
    votes: int
    doubted: int


@dataclass(frozen=True, slots=True)
class Makeup:
    """What the votes of a stretch are made of."""

    votes: int
    states: dict[str, int]
    lineages: list[Part]
    domains: list[Part]
    devices: list[Part]
    networks: list[Part]
    played: int
    unplayed: int
    linked: int
    dwell: float | None  # medians, seconds
    code_wait: float | None
    form_age: float | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything there is about one vote."""

    vote: SeenVote
    contest_id: int
    entry_id: int
    entry_title: str
    time_zone: str
    tier: str
    finding: Finding | None
    decisions: list[Any]
    check: VoteCheck | None


def list_doubtful_contests() -> list[tuple[int, str, str, int]]:
    """Contests that have votes: id, title, time zone and appeals that wait for an answer, the newest first."""
    waiting = select(func.count(Appeal.id)).where(
        Appeal.contest_id == Contest.id, Appeal.answered_at.is_(None)
    )
    statement = (
        select(Contest.id, Contest.title, Contest.time_zone, waiting.scalar_subquery())
        .where(select(EntryTally.entry_id).where(EntryTally.contest_id == Contest.id).exists())
        .order_by(Contest.id.desc())
        .limit(50)
    )
    return [(number, title, zone, appeals) for number, title, zone, appeals in db.session.execute(statement)]


def list_hours(contest_id: int, begin: datetime, end: datetime) -> list[Hour]:
    """Votes by hour from `begin` (a full hour) to `end`, hours without any among them."""
    count = max(0, -int((begin - end) // timedelta(hours=1)))
    standing, doubted = [0] * count, [0] * count
    with db.engine.connect() as connection:
        first = find_first_vote(connection, begin)
        rows = connection.execute(
            select(Vote.cast_at, Vote.state).where(
                Vote.contest_id == contest_id, Vote.id >= first, Vote.cast_at < end, Vote.state != "withdrawn"
            )
        )
        for cast_at, state in rows:
            place = int((cast_at - begin) // timedelta(hours=1))
            if 0 <= place < count:
                (doubted if state in DOUBTED else standing)[place] += 1
    return [Hour(begin + timedelta(hours=n), standing[n], doubted[n]) for n in range(count)]


def list_entries(contest_id: int) -> list[EntryLine]:
    """The entries of a contest, those with the most doubted votes first."""
    confirmed = (
        select(Vote.entry_id, func.count().label("votes"))
        .join(VoteCheck, VoteCheck.vote_id == Vote.id)
        .where(VoteCheck.contest_id == contest_id, VoteCheck.answered_at.is_not(None), Vote.state == "held")
        .group_by(Vote.entry_id)
        .subquery()
    )
    statement = (
        select(
            Entry.id, Entry.title, EntryTally.standing, EntryTally.held, EntryTally.rejected,
            func.coalesce(confirmed.c.votes, 0),
        )
        .join(EntryTally, EntryTally.entry_id == Entry.id)
        .outerjoin(confirmed, confirmed.c.entry_id == Entry.id)
        .where(Entry.contest_id == contest_id)
        .order_by((EntryTally.held + EntryTally.rejected).desc(), EntryTally.standing.desc(), Entry.id)
    )  # fmt: skip
    return [EntryLine(*row) for row in db.session.execute(statement)]


def find_span(contest_id: int) -> tuple[datetime, datetime] | None:
    """When the contest's first vote was cast, and its newest; None where there is none."""
    times = select(func.min(Vote.cast_at), func.max(Vote.cast_at)).where(Vote.contest_id == contest_id)
    first, last = db.session.execute(times).one()
    return None if first is None else (first, last)


def list_votes(entry_id: int, begin: datetime, end: datetime, key: str = "") -> list[SeenVote]:
    """The entry's votes from `begin` to before `end` that belong to the part `key` ('' all), the newest first.

    None belongs to a part that there is not.
    """
    kind, _, value = key.partition(":")
    votes = _read(entry_id, begin, end, states=_STATES.get(key, ()))
    if not key:
        return votes
    if kind == "domain":  # named by one of its votes: a rare one stands in no address
        value = next((vote.cast.domain for vote in votes if str(vote.id) == value), NO_DOMAIN)
    read = _KEYS.get(kind)
    return [vote for vote in votes if read is not None and read(vote) == value]


def describe_makeup(votes: Sequence[SeenVote]) -> Makeup:
    """What these votes are made of."""
    casts = [vote.cast for vote in votes]
    return Makeup(
        votes=len(votes),
        states=dict(Counter(vote.state for vote in votes)),
        lineages=_list_parts(votes, "lineage", _name_lineage),
        domains=_list_parts(votes, "domain", _name_domain),
        devices=_list_parts(votes, "device", lambda key, _: f"Kind {key}"),
        networks=_list_parts(votes, "network", lambda key, _: f"Network {key}"),
        played=sum(cast.has_played is True for cast in casts),
        unplayed=sum(cast.has_played is False for cast in casts),
        linked=sum(cast.is_linked for cast in casts),
        dwell=_median(cast.dwell for cast in casts),
        code_wait=_median(cast.code_wait for cast in casts),
        form_age=_median(cast.form_age for cast in casts),
    )


def find_evidence(vote_id: int) -> Evidence | None:
    """Everything about one vote, with what the newest rules find now; None where there is no such vote."""
    row = db.session.execute(
        select(Vote.contest_id, Vote.entry_id, Vote.cast_at, Entry.title, Contest.time_zone, Vote.tier)
        .join(Entry, Entry.id == Vote.entry_id)
        .join(Contest, Contest.id == Vote.contest_id)
        .where(Vote.id == vote_id)
    ).first()
    if row is None:
        return None
    seen = _read(row.entry_id, row.cast_at, row.cast_at + timedelta(microseconds=1), vote_id)
    with db.engine.connect() as connection:
        found = weigh_votes(connection, get_rulebook(), row.contest_id, [vote_id])
    decisions = db.session.execute(
        select(
            VoteDecision.before, VoteDecision.after, VoteDecision.actor, VoteDecision.reason, VoteDecision.words,
            VoteDecision.rules, VoteDecision.decided_at, User.name,
        )
        .outerjoin(User, User.id == VoteDecision.actor_id)
        .where(VoteDecision.vote_id == vote_id)
        .order_by(VoteDecision.id)
    ).all()  # fmt: skip
    return Evidence(
        seen[0], row.contest_id, row.entry_id, row.title, row.time_zone, row.tier, found.get(vote_id),
        list(decisions), db.session.get(VoteCheck, vote_id),
    )  # fmt: skip


def list_reviews(contest_id: int, entry_id: int | None = None, limit: int = 50) -> list[Any]:
    """What reviewers did, the newest first, with name and entry, and whether it was undone."""
    undo = aliased(VoteReview)
    statement = (
        select(
            VoteReview,
            User.name,
            Entry.title,
            exists().where(undo.undoes_id == VoteReview.id).label("is_undone"),
        )
        .join(User, User.id == VoteReview.actor_id)
        .outerjoin(Entry, Entry.id == VoteReview.entry_id)
        .where(VoteReview.contest_id == contest_id)
        .order_by(VoteReview.id.desc())
        .limit(limit)
    )
    if entry_id is not None:
        statement = statement.where(VoteReview.entry_id == entry_id)
    return list(db.session.execute(statement))


def _read(
    entry_id: int, begin: datetime, end: datetime, vote_id: int | None = None, states: Sequence[str] = ()
) -> list[SeenVote]:
    with db.engine.connect() as connection:
        statement = (
            ABOUT.add_columns(Vote.cast_at, Vote.state, Vote.receipt, VoteCheck.answered_at)
            .outerjoin(VoteCheck, VoteCheck.vote_id == Vote.id)
            .where(Vote.entry_id == entry_id, Vote.cast_at >= begin, Vote.cast_at < end)
        )
        if states:
            statement = statement.where(Vote.state.in_(states))
        if vote_id is not None:
            statement = statement.where(Vote.id == vote_id)
        else:
            statement = statement.where(Vote.id >= find_first_vote(connection, begin))
        rows = connection.execute(statement.order_by(Vote.id.desc()).limit(MOST_VOTES)).all()
    return [
        SeenVote(
            row.id, row.state, row.cast_at, row.receipt, row.parent_id, row.link_id, build_cast(row),
            row.answered_at is not None,
        )
        for row in rows
    ]  # fmt: skip


def _list_parts(votes: Sequence[SeenVote], kind: str, name: Callable[[str, int], str]) -> list[Part]:
    groups: dict[str, list[SeenVote]] = {}
    for vote in votes:
        groups.setdefault(_KEYS[kind](vote), []).append(vote)
    largest = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    parts = [
        _part(
            f"{kind}:{group[-1].id if kind == 'domain' else key}",
            name(key, len(group)) if key else "Not known",
            group,
        )
        for key, group in largest[:MOST_PARTS]
    ]
    others = [vote for _, group in largest[MOST_PARTS:] for vote in group]
    count = len(largest) - len(parts)
    return (
        [*parts, _part("", f"and {count:,} {'other' if count == 1 else 'others'}", others)]
        if count
        else parts
    )


def _part(key: str, label: str, votes: Sequence[SeenVote]) -> Part:
    return Part(key, label, len(votes), sum(vote.state in DOUBTED for vote in votes))


def _name_lineage(key: str, _votes: int) -> str:
    kind, _, number = key.partition(" ")
    return {"person": f"By the link of person {number}", "link": f"By the entry’s link {number}"}.get(
        kind, "By nobody’s link"
    )


def _name_domain(key: str, votes: int) -> str:
    return key if votes >= LEAST_NAMED or key in get_rulebook().common_domains else "A domain of a few votes"


def _find_lineage(vote: SeenVote) -> str:
    if vote.parent_id is not None:
        return f"person {vote.parent_id}"
    return f"link {vote.link_id}" if vote.link_id is not None else "alone"


_KEYS: dict[str, Callable[[SeenVote], str]] = {
    "lineage": _find_lineage,
    "domain": lambda vote: vote.cast.domain,
    "device": lambda vote: vote.cast.device.hex(),
    "network": lambda vote: vote.cast.network.hex(),
    "state": lambda vote: vote.state,
    "doubted": lambda vote: "yes" if vote.state in DOUBTED else "no",
    "confirmed": lambda vote: vote.state if vote.is_confirmed else "",
    "vote": lambda vote: str(vote.id),
}
# Parts that are few among many votes: no more than theirs are read, so that none is beyond MOST_VOTES.
_STATES = {
    "state:held": ("held",),
    "state:rejected": ("rejected",),
    "confirmed:held": ("held",),
    "doubted:yes": DOUBTED,
}


def _median(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
