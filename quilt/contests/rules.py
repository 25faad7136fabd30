"""What a contest allows at an instant, and when that changes."""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

Window = tuple[datetime, datetime]

DRAW_SOURCE = (
    "The first round of the League of Entropy’s public beacon (drand quicknet) that is dated 24 hours or more "
    "after voting has closed: its randomness, as 64 digits and small letters. https://api.drand.sh"
)


class Action(StrEnum):
    """What a phase may switch on."""

    SUBMIT = "submit"
    VOTE = "vote"
    COMMENT = "comment"


class PhaseLike(Protocol):
    """A stretch of a contest: from `starts_at` (included) to `ends_at` (excluded).

    It is paused from `paused_at` (included) to `resumed_at` (excluded; None: until further notice).
    """

    @property
    def name(self) -> str: ...
    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def may_submit(self) -> bool: ...
    @property
    def may_vote(self) -> bool: ...
    @property
    def may_comment(self) -> bool: ...
    @property
    def shows_counts(self) -> bool: ...
    @property
    def paused_at(self) -> datetime | None: ...
    @property
    def resumed_at(self) -> datetime | None: ...
    @property
    def pause_reason(self) -> str: ...


P = TypeVar("P", bound=PhaseLike)


class NotNow(Exception):
    """This contest does not allow the action at this instant."""

    def __init__(self, action: Action, at: datetime | None) -> None:
        super().__init__(f"{action} is not possible now")
        self.action = action
        self.at = at


class NotOpen(NotNow):
    """It opens at `at` (None: no date is set)."""


class Closed(NotNow):
    """It closed at `at`, for good."""


class Paused(NotNow):
    """It is paused until further notice, for a `reason` that everybody may read."""

    def __init__(self, action: Action, since: datetime, reason: str) -> None:
        super().__init__(action, since)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Change:
    """The next instant at which an action opens or closes."""

    action: Action
    opens: bool
    at: datetime


def find_phase(phases: Sequence[P], now: datetime) -> P | None:
    """The phase in force, or None before, between and after the phases."""
    return next((phase for phase in phases if phase.starts_at <= now < phase.ends_at), None)


def may(phases: Sequence[PhaseLike], action: Action, now: datetime) -> bool:
    """Whether the action is allowed at this instant."""
    phase = find_phase(phases, now)
    return (
        phase is not None and _allows(phase, action) and not (_is_stopped(action) and is_paused(phase, now))
    )


def check_may(phases: Sequence[PhaseLike], action: Action, now: datetime) -> None:
    """Raise NotOpen, Closed or Paused unless the action is allowed at this instant."""
    windows = list_windows(phases, action)
    if any(start <= now < end for start, end in windows):
        phase = find_phase(phases, now)
        if phase is not None and phase.paused_at and _is_stopped(action) and is_paused(phase, now):
            raise Paused(action, phase.paused_at, phase.pause_reason)
        return
    upcoming = [start for start, _ in windows if start > now]
    if upcoming or not windows:
        raise NotOpen(action, min(upcoming, default=None))
    raise Closed(action, windows[-1][1])


def is_paused(phase: PhaseLike, now: datetime) -> bool:
    """Whether nobody may enter or vote at this instant, although the phase is running."""
    if phase.paused_at is None or now < phase.paused_at:
        return False
    return phase.resumed_at is None or now < phase.resumed_at


def find_pause(phases: Sequence[P], now: datetime) -> P | None:
    """The phase in which one could enter or vote at this instant, were it not paused; else None."""
    phase = find_phase(phases, now)
    stops = phase is not None and (phase.may_submit or phase.may_vote) and is_paused(phase, now)
    return phase if stops else None


def list_windows(phases: Sequence[PhaseLike], action: Action) -> tuple[Window, ...]:
    """The stretches in which the action is allowed, in order; phases that touch make one stretch."""
    windows: list[Window] = []
    for phase in sorted(phases, key=lambda phase: phase.starts_at):
        if not _allows(phase, action):
            continue
        if windows and windows[-1][1] >= phase.starts_at:
            windows[-1] = (windows[-1][0], max(windows[-1][1], phase.ends_at))
        else:
            windows.append((phase.starts_at, phase.ends_at))
    return tuple(windows)


def shows_counts(phases: Sequence[PhaseLike], now: datetime) -> bool:
    """Whether votes are shown: as the phase in force says; between two, as the last one said; after all, yes."""
    phase = find_phase(phases, now)
    if phase is not None:
        return phase.shows_counts
    if is_over(phases, now):
        return True
    past = [phase for phase in phases if phase.ends_at <= now]
    return bool(past) and max(past, key=lambda phase: phase.ends_at).shows_counts


def find_counts_opening(phases: Sequence[PhaseLike], now: datetime) -> datetime | None:
    """From when on votes are shown, where they are not shown now; None where they are."""
    if not phases or shows_counts(phases, now):
        return None
    showing = [phase.starts_at for phase in phases if phase.starts_at > now and phase.shows_counts]
    return min(showing, default=max(phase.ends_at for phase in phases))


def is_over(phases: Sequence[PhaseLike], now: datetime) -> bool:
    """Whether every phase has ended."""
    return bool(phases) and all(phase.ends_at <= now for phase in phases)


def is_voting_over(phases: Sequence[PhaseLike], now: datetime) -> bool:
    """Whether no vote can be cast any more: the result stands."""
    windows = list_windows(phases, Action.VOTE)
    return bool(windows) and windows[-1][1] <= now


def find_change(phases: Sequence[PhaseLike], now: datetime) -> Change | None:
    """The change that people wait for: of voting where it is near or under way, else the soonest one."""
    voting = _next_change(phases, Action.VOTE, now)
    if voting is not None and not voting.opens:
        return voting  # also in a pause: the closing time stays
    changes = [voting, _next_change(phases, Action.SUBMIT, now)]
    return min((change for change in changes if change), key=lambda change: change.at, default=None)


def describe_pause(phase: PhaseLike) -> str:
    """What the pause of this phase means: "Until it goes on, nobody can vote. …"."""
    acts = {"vote": phase.may_vote, "send in an entry": phase.may_submit}
    stopped = " or ".join(act for act, is_stopped in acts.items() if is_stopped)
    return f"Until it goes on, nobody can {stopped}. What was sent and cast is kept."


def describe_change(change: Change, zone: str) -> str:
    """A change in words: "Voting closes 15 May 2026, 12:00 (New York)"."""
    verb = "opens" if change.opens else "closes"
    noun = {Action.VOTE: "Voting", Action.SUBMIT: "Entering", Action.COMMENT: "Commenting"}[change.action]
    return f"{noun} {verb} {describe_instant(change.at, zone)}"


def describe_refusal(refusal: NotNow, zone: str) -> str:
    """What somebody reads who came too early or too late."""
    noun = {Action.VOTE: "Voting", Action.SUBMIT: "Entering", Action.COMMENT: "Commenting"}[refusal.action]
    if isinstance(refusal, Paused):
        return f"{noun} is paused: {refusal.reason}"
    if refusal.at is None:
        return f"{noun} is not open yet, and no date is set."
    if isinstance(refusal, Closed):
        return f"{noun} closed {describe_instant(refusal.at, zone)}."
    return f"{noun} is not open now. It opens {describe_instant(refusal.at, zone)}."


def describe_instant(at: datetime, zone: str) -> str:
    """An instant in the contest's zone: "15 May 2026, 12:00 (New York)"."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%B %Y, %H:%M} ({name_place(zone)})"


def name_place(zone: str) -> str:
    """The place that a zone is named after: America/New_York → New York."""
    return zone.rpartition("/")[2].replace("_", " ")


def hash_rules(text: str) -> str:
    """SHA-256 of the rules' text, hexadecimal; line ends and Unicode spellings make no difference."""
    plain = unicodedata.normalize("NFC", "\n".join(text.splitlines()).strip())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def _allows(phase: PhaseLike, action: Action) -> bool:
    return {
        Action.SUBMIT: phase.may_submit,
        Action.VOTE: phase.may_vote,
        Action.COMMENT: phase.may_comment,
    }[action]


def _is_stopped(action: Action) -> bool:
    """Whether a pause stops the action: people may talk meanwhile."""
    return action is not Action.COMMENT


def _next_change(phases: Sequence[PhaseLike], action: Action, now: datetime) -> Change | None:
    for start, end in list_windows(phases, action):
        if now < start:
            return Change(action, True, start)
        if now < end:
            return Change(action, False, end)
    return None
