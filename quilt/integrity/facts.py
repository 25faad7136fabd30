"""The rows of votes as the facts that the rules judge by."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, select, union_all

from quilt.accounts.domains import is_listed, list_domain_words, needs_step_up
from quilt.accounts.models import User
from quilt.arrivals.models import Arrival
from quilt.contests.models import BallotPolicy
from quilt.contests.policy_text import split_list
from quilt.integrity.rules import Cast, Rulebook, read_rulebook
from quilt.prepared import Prepared
from quilt.votes.bulk import among
from quilt.votes.evidence import NO_MARK, unpack_evidence
from quilt.votes.models import STANDING, Vote, Voter

NEWEST = 1
_vote, _voter, _user, _arrival = Vote.__table__, Voter.__table__, User.__table__, Arrival.__table__
_DIGITS = re.compile(r"\d+$")


@lru_cache(maxsize=8)
def get_rulebook(version: int = NEWEST) -> Rulebook:
    """A version of the rules, from the file that is published. Raises FileNotFoundError where there is none."""
    return read_rulebook((Path(__file__).parent / f"rules_{version}.toml").read_bytes())


def list_casts(connection: Connection, book: Rulebook, vote_ids: Sequence[int]) -> list[Cast]:
    """These votes, as far as they speak, and the newest that were cast for the same entries within the rules' window
    before them; those of an entry the oldest first."""
    entries: set[int] = set()
    first = datetime.max.replace(tzinfo=UTC)
    for ids in cut(vote_ids):
        for entry_id, begin in connection.execute(_BEGINS, {"ids": ids}):
            entries.add(entry_id)
            first = min(first, begin)
    if not entries:
        return []
    since = find_first_vote(connection, first - timedelta(seconds=book.window_seconds))
    casts: list[Cast] = []
    for entry_id in sorted(entries):
        about = {"entry_id": entry_id, "since": since, "last": max(vote_ids), "most": book.most_votes}
        casts += [build_cast(row) for row in reversed(_WINDOW.rows(connection, about))]
    beyond = sorted(
        set(vote_ids) - {cast.vote_id for cast in casts}
    )  # of a crowd that the window does not hold
    return [*_list_asked(connection, beyond), *casts]


def _list_asked(connection: Connection, vote_ids: Sequence[int]) -> list[Cast]:
    asked = ABOUT.where(among(_vote.c.id, vote_ids, connection.dialect.name), _SPEAKS).order_by(_vote.c.id)
    return [build_cast(row) for row in connection.execute(asked)] if vote_ids else []


def find_first_vote(connection: Connection, since: datetime) -> int:
    """The id from which on votes were cast at `since` or later: ids rise with time, and no index of times is needed."""
    low, high = 0, (_LAST.scalar(connection, {}) or 0) + 1
    while low < high:
        middle = (low + high) // 2
        row = _NEXT.first(connection, {"first": middle})
        if row is None or row.cast_at >= since:
            high = middle
        else:
            low = int(row.id) + 1
    return low


def list_repeated(
    connection: Connection, contest_id: int, vote_ids: Sequence[int], sittings: int
) -> tuple[list[tuple[int, int, float]], set[int]]:
    """All votes of a contest's voters who have cast `sittings` or more, and which of them cast one of these."""
    asked: set[int] = set()
    about = {"contest_id": contest_id, "sittings": sittings}
    for ids in cut(vote_ids):
        asked |= set(connection.scalars(_ASKED, {**about, "ids": ids}))
    if not asked:
        return [], asked
    rows = _REPEATED.rows(connection, about)
    return [(row.voter_id, row.entry_id, row.cast_at.timestamp()) for row in rows], asked


def find_short_lived(connection: Connection, contest_id: int, casts: Iterable[Cast]) -> set[int]:
    """The ids of those votes that nothing but a code to an address for a short while proves, in a contest that counts
    other proofs too. A word about a domain holds for what was cast before it ended."""
    words = list_domain_words(connection)
    asked = [cast.vote_id for cast in casts if words or cast.is_disposable]
    if not asked or len(split_list(connection.scalar(_TIERS, {"contest_id": contest_id}) or "")) < 2:
        return set()
    return {
        row.id
        for ids in cut(asked)
        for row in connection.execute(_BY_CODE, {"ids": ids})
        if needs_step_up(row.email, words, row.cast_at)
    }


def build_cast(row: Any) -> Cast:
    """The facts of one row of `ABOUT`; what is not stored any more is unknown."""
    told = unpack_evidence(row.evidence)
    network, _, device = told.marks
    is_linked = row.parent_id is not None or row.link_id is not None
    return Cast(
        row.id, row.entry_id, row.voter_id, *split_address(row.email or ""), _drop_empty(network),
        _drop_empty(device), told.has_played, told.dwell, told.form_age, told.code_wait, told.solve, is_linked,
        told.has_language, told.has_filled_decoy,
    )  # fmt: skip


@lru_cache(maxsize=16_384)
def split_address(email: str) -> tuple[str, str, str, bool, bool]:
    """Domain, mailbox without its +tag, letters before trailing digits, whether it has a tag, whether it is throw-away."""
    local, _, domain = email.casefold().rpartition("@")
    plain, plus, _ = local.partition("+")
    if not domain:
        return "", "", "", False, False
    return domain, f"{plain}@{domain}", _DIGITS.sub("", plain), bool(plus), is_listed(domain)


def cut(ids: Sequence[int], size: int = 500) -> Iterable[Sequence[int]]:
    """The ids in parts of a size that one statement takes."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _drop_empty(mark: bytes) -> bytes:
    return b"" if mark == NO_MARK else mark


def _pick_newest() -> Any:
    """The ids of the newest votes of an entry that speak, from the index alone: an entry may have a million."""
    newest = [
        select(_vote.c.id)
        .where(
            _vote.c.entry_id == bindparam("entry_id"),
            _vote.c.state == state,
            _vote.c.id.between(bindparam("since"), bindparam("last")),
        )
        .order_by(_vote.c.id.desc())
        .limit(bindparam("most"))
        .subquery()
        for state in _SPEAKING
    ]
    together = union_all(*(select(part.c.id) for part in newest)).subquery()
    return select(together.c.id).order_by(together.c.id.desc()).limit(bindparam("most"))


_SPEAKING = (*STANDING, "held")  # what was rejected or withdrawn says nothing about others
_SPEAKS = and_(_vote.c.state != "rejected", _vote.c.state != "withdrawn")
_BEGINS = (
    select(_vote.c.entry_id, func.min(_vote.c.cast_at))
    .where(_vote.c.id.in_(bindparam("ids", expanding=True)))
    .group_by(_vote.c.entry_id)
)
_TIERS = select(BallotPolicy.tiers).where(BallotPolicy.contest_id == bindparam("contest_id"))
_BY_CODE = (
    select(_vote.c.id, _vote.c.cast_at, _user.c.email)
    .join_from(_vote, _voter, _voter.c.id == _vote.c.voter_id)
    .join(_user, _user.c.id == _voter.c.user_id)
    .where(_vote.c.id.in_(bindparam("ids", expanding=True)), _vote.c.tier == "email")
)
_LAST = Prepared(select(func.max(_vote.c.id)))
_NEXT = Prepared(
    select(_vote.c.id, _vote.c.cast_at).where(_vote.c.id >= bindparam("first")).order_by(_vote.c.id).limit(1)
)
ABOUT = (
    select(
        _vote.c.id, _vote.c.entry_id, _vote.c.voter_id, _vote.c.evidence, _user.c.email, _arrival.c.parent_id,
        _arrival.c.link_id,
    )
    .join_from(_vote, _voter, _voter.c.id == _vote.c.voter_id)
    .outerjoin(_user, _user.c.id == _voter.c.user_id)
    .outerjoin(_arrival, _arrival.c.id == _vote.c.arrival_id)
)  # fmt: skip
_WINDOW = Prepared(ABOUT.where(_vote.c.id.in_(_pick_newest())).order_by(_vote.c.id.desc()))
_many = (
    select(_vote.c.voter_id)
    .where(_vote.c.contest_id == bindparam("contest_id"), _SPEAKS)
    .group_by(_vote.c.voter_id)
    .having(func.count() >= bindparam("sittings"))
)
_batch = select(_vote.c.voter_id).where(_vote.c.id.in_(bindparam("ids", expanding=True)))
_ASKED = _many.where(_vote.c.voter_id.in_(_batch))
_REPEATED = Prepared(
    select(_vote.c.voter_id, _vote.c.entry_id, _vote.c.cast_at).where(
        _vote.c.contest_id == bindparam("contest_id"),
        _SPEAKS,
        _vote.c.voter_id.in_(_many),
    )
)
