"""The dates of a contest: its phases, a pause, and more time."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy.orm import Session

from quilt.contests.changes import lock_contest, write_change
from quilt.contests.freezing import has_voting_opened
from quilt.contests.models import Contest, Phase
from quilt.contests.queries import PhaseFacts
from quilt.contests.refusals import EditedMeanwhile, Frozen, InvalidContest
from quilt.contests.rules import (
    Action,
    PhaseLike,
    describe_instant,
    is_over,
    is_voting_over,
    list_windows,
)
from quilt.database import transaction

MOST_PHASES = 12
LONGEST_PHASE = timedelta(days=366)
MOST_MORE_TIME = timedelta(days=31)
MOST_REASON = 280
NOTICE = timedelta(seconds=5)  # until every process knows: a pause begins and ends so much after the press


def check_phases(phases: Sequence[PhaseFacts]) -> None:
    """Raise InvalidContest for phases that make no contest: none, too many, backwards, overlapping, a year long."""
    if not phases:
        raise InvalidContest("phases", "A contest needs at least one phase.")
    if len(phases) > MOST_PHASES:
        raise InvalidContest("phases", f"A contest has at most {MOST_PHASES} phases.")
    for phase in phases:
        if not phase.name.strip() or len(phase.name) > 60:
            raise InvalidContest("phases", "Every phase needs a name of 1 to 60 characters.")
        if phase.starts_at >= phase.ends_at:
            raise InvalidContest("phases", f"“{phase.name}” must start before it ends.")
        if phase.ends_at - phase.starts_at > LONGEST_PHASE:
            raise InvalidContest(
                "phases", f"“{phase.name}” would last for more than a year. Look at its dates."
            )
    ordered = sorted(phases, key=lambda phase: phase.starts_at)
    for earlier, later in pairwise(ordered):
        if earlier.ends_at > later.starts_at:
            raise InvalidContest("phases", f"“{earlier.name}” and “{later.name}” overlap.")


def make_phase(contest_id: int, phase: PhaseFacts) -> Phase:
    """A row for these facts."""
    return Phase(contest_id=contest_id, **asdict(phase))


def follow_counts(phases: Sequence[Phase], counts: str) -> None:
    """Make the phases' switch say what the policy says about showing votes: after the vote they are shown."""
    closes_at = max((phase.ends_at for phase in phases if phase.may_vote), default=None)
    for phase in phases:
        phase.shows_counts = counts != "end" or (closes_at is not None and phase.starts_at >= closes_at)


def set_phases(
    contest_id: int,
    phases: Sequence[PhaseFacts],
    *,
    reason: str,
    edit_count: int,
    actor_id: int,
    now: datetime,
) -> None:
    """Put these phases in the place of those there are, as long as voting has not opened.

    Of a published contest, phases that have begun keep their beginning, nothing ends in the past, and the
    `reason` stands on the contest's page. A pause goes on until somebody ends it. Raises InvalidContest, Frozen or EditedMeanwhile.
    """
    check_phases(phases)
    with transaction() as session:
        contest = lock_contest(session, contest_id)
        if contest.edit_count != edit_count:
            raise EditedMeanwhile
        if has_voting_opened(contest, now):
            raise Frozen("the dates (but for more time)")
        before = [_copy(phase) for phase in contest.phases]
        if _spell(before, contest) == _spell(phases, contest) and _switches(before) == _switches(phases):
            return
        if contest.is_published:
            _check_running(before, phases, now)
            reason = _check_reason(reason)
        for phase in list(contest.phases):
            session.delete(phase)
        session.flush()
        rows = [make_phase(contest.id, phase) for phase in phases]
        for was in before:
            if was.paused_at and was.resumed_at is None:
                _pause(rows, was.paused_at, was.pause_reason)
        follow_counts(rows, contest.policy.counts)
        session.add_all(rows)
        fields = {"dates": (_spell(before, contest), _spell(phases, contest))}
        write_change(
            session, contest, "dates", actor_id=actor_id, now=now, words=reason, fields=fields,
            is_public=contest.is_published,
        )  # fmt: skip
        session.flush()
        session.expire(contest, ["phases"])


def pause_contest(
    contest_id: int, reason: str, *, actor_id: int, now: datetime, notice: timedelta = NOTICE
) -> datetime:
    """Stop entering and voting until further notice, `notice` from now on; returns when.

    The reason is public. Raises InvalidContest where it is paused already, hidden or over, or without a reason.
    """
    words, at = _check_reason(reason), now + notice
    with transaction() as session:
        contest = lock_contest(session, contest_id)
        if not contest.is_published or is_over(contest.phases, at):
            raise InvalidContest("", "This contest is not running, so there is nothing to pause.")
        if any(phase.paused_at and phase.resumed_at is None for phase in contest.phases):
            raise InvalidContest("", "It is paused already.")
        _pause(contest.phases, at, words)
        write_change(session, contest, "paused", actor_id=actor_id, now=at, words=words, is_public=True)
        return at


def resume_contest(
    contest_id: int, reason: str, *, actor_id: int, now: datetime, notice: timedelta = NOTICE
) -> datetime:
    """Go on after a pause, `notice` from now on; returns when. Raises InvalidContest where there is no pause."""
    words, at = _check_reason(reason), now + notice
    with transaction() as session:
        contest = lock_contest(session, contest_id)
        paused = [phase for phase in contest.phases if phase.paused_at and phase.resumed_at is None]
        if not paused:
            raise InvalidContest("", "It is not paused.")
        for phase in paused:
            phase.resumed_at = max(at, phase.paused_at or at)
        write_change(session, contest, "resumed", actor_id=actor_id, now=at, words=words, is_public=True)
        return at


def extend_voting(
    contest_id: int,
    closes_at: datetime,
    reason: str,
    *,
    actor_id: int,
    now: datetime,
    notice: timedelta = NOTICE,
) -> None:
    """Let voting close later; a phase that follows begins later too. The reason is public.

    Raises InvalidContest for an earlier or much later end, for one that swallows a phase, and when voting is
    over, or so nearly that not every process would know in time.
    """
    words = _check_reason(reason)
    with transaction() as session:
        contest = lock_contest(session, contest_id)
        windows = list_windows(contest.phases, Action.VOTE)
        if not windows:
            raise InvalidContest("closes_at", "This contest has no voting to extend.")
        closed_at = windows[-1][1]
        if is_voting_over(contest.phases, now + notice):
            raise InvalidContest("closes_at", "Voting is over; it cannot be opened again.")
        if closes_at <= closed_at:
            raise InvalidContest(
                "closes_at",
                f"More time only: voting closes {describe_instant(closed_at, contest.time_zone)} as it is.",
            )
        if closes_at - closed_at > MOST_MORE_TIME:
            raise InvalidContest("closes_at", f"At most {MOST_MORE_TIME.days} days can be added at once.")
        _stretch(contest, closed_at, closes_at, session)
        fields = {"voting closes": (closed_at, closes_at)}
        write_change(
            session,
            contest,
            "extended",
            actor_id=actor_id,
            now=now,
            words=words,
            fields=fields,
            is_public=True,
        )


def _check_reason(reason: str) -> str:
    words = reason.replace("\x00", "").strip()
    if not words or len(words) > MOST_REASON:
        raise InvalidContest(
            "reason",
            f"Say why, in at most {MOST_REASON} characters: everybody can read it on the contest’s page.",
        )
    return words


def _check_running(before: Sequence[PhaseLike], after: Sequence[PhaseLike], now: datetime) -> None:
    kept = {phase.starts_at for phase in after}
    for phase in before:
        if phase.starts_at <= now and phase.starts_at not in kept:
            raise InvalidContest("phases", f"“{phase.name}” has begun: its beginning stays as it is.")
    begun = {phase.starts_at for phase in before}
    for phase in after:
        if phase.starts_at <= now and phase.starts_at not in begun:
            raise InvalidContest("phases", f"“{phase.name}” would begin in the past.")
        has_ended = any(old.ends_at == phase.ends_at and old.starts_at == phase.starts_at for old in before)
        if phase.ends_at <= now and not has_ended:
            raise InvalidContest("phases", f"“{phase.name}” would end in the past.")


def _stretch(contest: Contest, closed_at: datetime, closes_at: datetime, session: Session) -> None:
    """Move the end of the voting and the beginning of what follows; the later first, for no two may overlap."""
    for phase in reversed(contest.phases):
        if phase.starts_at >= closed_at and phase.starts_at < closes_at:
            if phase.ends_at <= closes_at:
                raise InvalidContest("closes_at", f"That would leave no time for “{phase.name}”.")
            phase.starts_at = closes_at
    session.flush()
    for phase in contest.phases:
        if phase.may_vote and phase.ends_at == closed_at:
            phase.ends_at = closes_at


def _pause(phases: Sequence[Phase], at: datetime, reason: str) -> None:
    """Pause what is not over then, until further notice."""
    for phase in phases:
        if phase.ends_at > at:
            phase.paused_at, phase.resumed_at, phase.pause_reason = at, None, reason


def _copy(phase: Phase) -> PhaseFacts:
    return PhaseFacts(**{name: getattr(phase, name) for name in PhaseFacts.__slots__})


def _spell(phases: Sequence[PhaseFacts], contest: Contest) -> str:
    spans = (
        (phase.name, describe_instant(phase.starts_at, contest.time_zone),
         describe_instant(phase.ends_at, contest.time_zone))
        for phase in sorted(phases, key=lambda phase: phase.starts_at)
    )  # fmt: skip
    return "; ".join(f"{name}: {start} to {end}" for name, start, end in spans)


def _switches(phases: Sequence[PhaseFacts]) -> list[tuple[bool, bool, bool]]:
    ordered = sorted(phases, key=lambda phase: phase.starts_at)
    return [(phase.may_submit, phase.may_vote, phase.may_comment) for phase in ordered]
