"""What an entry must be, which state follows which act, and what we say where something is missing."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

LIMITS = {"title": 120, "cause": 80, "story": 5000, "thanks": 280}  # characters
TEXT_FIELDS = tuple(LIMITS)
MISSING = {
    "title": "Give your entry a title.",
    "cause": "Say which cause it speaks for.",
    "story": "Tell the story in a few sentences.",
    "video": "Add your video: a file, or a link to YouTube or Vimeo.",
    "rights": "Tick the three boxes, so that we may show your video.",
}
NO_POSTER = {
    "missing": "There is no film yet to take a picture from. Add your video first.",
    "live": "This film is live already, and keeps the picture it was approved with.",
    "linked": "A linked film brings its own picture. To choose one, upload the film as a file.",
    "unready": "Your film does not play yet. Choose its picture as soon as it does.",
}
MOST_DRAFTS = 50

OUT = ("withdrawn", "removed", "disqualified")  # it was taken out: nothing of it waits for anybody
IN_WORK = ("draft", "needs_changes")  # entries that count towards the limit of drafts
OPEN_REVISIONS = ("draft", "needs_changes")  # what the entrant may still change

# What an act makes of a revision, and of the entry it belongs to. What is not listed cannot be done.
REVISION_MOVES = {
    ("draft", "send"): "submitted",
    ("needs_changes", "send"): "submitted",
    ("submitted", "approve"): "approved",
    ("submitted", "ask_changes"): "needs_changes",
    ("submitted", "reject"): "rejected",
}
ENTRY_MOVES = {
    ("draft", "send"): "submitted",
    ("needs_changes", "send"): "submitted",
    ("published", "send"): "published",  # the approved version stays live while its successor is looked at
    ("submitted", "approve"): "published",
    ("published", "approve"): "published",
    ("submitted", "ask_changes"): "needs_changes",
    ("published", "ask_changes"): "published",
    ("submitted", "reject"): "rejected",
    ("published", "reject"): "published",
    ("draft", "withdraw"): "withdrawn",
    ("submitted", "withdraw"): "withdrawn",
    ("needs_changes", "withdraw"): "withdrawn",
    ("published", "withdraw"): "withdrawn",
    ("published", "remove"): "removed",
    ("published", "disqualify"): "disqualified",
    ("removed", "restore"): "published",
    ("disqualified", "restore"): "published",
}


class EntryRefused(Exception):
    """Something that cannot be done with an entry; `message` is for the entrant."""

    message = "That cannot be done with this entry now."

    def __str__(self) -> str:
        return self.message


class WrongState(EntryRefused):
    """The act does not fit the state."""

    def __init__(self, state: str, act: str) -> None:
        super().__init__(state, act)
        self.state, self.act = state, act


class PosterFixed(WrongState):
    """The film of a draft takes no other poster, for one of the causes in NO_POSTER."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause, "choose_poster")
        self.message = NO_POSTER[cause]


class EarlierVideoKept(EntryRefused):
    """A file that cannot be used does not take the place of a video that can; `reason` says what is wrong."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.message = f"{reason} Your earlier video is kept."


class NotReady(EntryRefused):
    """Sent in with something missing: a message for each field, in the order of the steps."""

    message = "Something is still missing."

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(problems)
        self.problems = dict(problems)


class EntriesClosed(EntryRefused):
    """After the last moment for entries."""

    def __init__(self, closed_at: datetime | None, zone: str) -> None:
        super().__init__(closed_at, zone)
        self.message = (
            f"Entries closed at {say_moment(closed_at, zone)}. Your draft is saved."
            if closed_at
            else "This contest takes no entries. Your draft is saved."
        )


class NotOpenYet(EntryRefused):
    """Before the first moment for entries."""

    def __init__(self, opens_at: datetime, zone: str) -> None:
        super().__init__(opens_at, zone)
        self.message = f"Entries open at {say_moment(opens_at, zone)}. Your draft is saved."


class EntriesPaused(EntryRefused):
    """While the contest is paused, for a `reason` that everybody may read."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.message = f"Entering is paused: {reason} Your draft is saved; send it in when it goes on."


class StaleDraft(EntryRefused):
    """Saved from a page that is older than the draft: `saved` is what stands, `typed` what came."""

    message = "This draft changed in another tab. Both versions are below."

    def __init__(self, edit_count: int, saved: Mapping[str, str], typed: Mapping[str, str]) -> None:
        super().__init__(edit_count)
        self.edit_count, self.saved, self.typed = edit_count, dict(saved), dict(typed)


class RulesChanged(EntryRefused):
    """The rules that were agreed to are not the ones in force."""

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.message = f"The rules have changed. Please read version {version} and agree again."


class TooManyDrafts(EntryRefused):
    message = f"You have {MOST_DRAFTS} drafts. Delete one first."


class PhaseLike(Protocol):
    """What the closing time depends on."""

    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def may_submit(self) -> bool: ...
    @property
    def paused_at(self) -> datetime | None: ...
    @property
    def resumed_at(self) -> datetime | None: ...
    @property
    def pause_reason(self) -> str: ...


@dataclass(frozen=True)
class Texts:
    """The four texts of an entry, tidied for showing."""

    title: str
    cause: str
    story: str
    thanks: str


def next_state(moves: Mapping[tuple[str, str], str], state: str, act: str) -> str:
    """The state that follows by REVISION_MOVES or ENTRY_MOVES; raises WrongState."""
    following = moves.get((state, act))
    if following is None:
        raise WrongState(state, act)
    return following


def tidy_texts(fields: Mapping[str, str]) -> Texts:
    """What was typed, made fit for showing: one line for title and cause, paragraphs for the rest."""
    return Texts(
        title=tidy_line(fields.get("title", "")),
        cause=tidy_line(fields.get("cause", "")),
        story=tidy_paragraphs(fields.get("story", "")),
        thanks=tidy_line(fields.get("thanks", "")),
    )


def tidy_line(text: str) -> str:
    """One line without hidden characters; empty when nothing of it can be seen."""
    line = " ".join(_without_hidden(text).split())
    return line if _has_something_to_see(line) else ""


def tidy_paragraphs(text: str) -> str:
    """Paragraphs with an empty line between them, without hidden characters."""
    lines = [" ".join(line.split()) for line in _without_hidden(text).splitlines()]
    joined = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return joined if _has_something_to_see(joined) else ""


def may_edit(entry_state: str, revision_state: str) -> bool:
    """Whether the entrant may change an entry in this state, whose newest revision is in that one."""
    return revision_state in OPEN_REVISIONS and entry_state in (*IN_WORK, "published")


def check_poster(kind: str, state: str, is_live: bool) -> None:
    """Raise PosterFixed unless a film of this kind and state has a poster to choose: one's own file that plays.

    `is_live` says that it was approved as it is.
    """
    if is_live:
        raise PosterFixed("live")
    if kind != "file":
        raise PosterFixed("linked")
    if state != "ready":
        raise PosterFixed("unready")


def find_text_problems(fields: Mapping[str, str], wanted: Iterable[str] = TEXT_FIELDS) -> dict[str, str]:
    """A message for each wanted text that is missing or too long; `thanks` may be empty."""
    problems = {}
    for name in wanted:
        typed = fields.get(name, "")
        tidied = tidy_paragraphs(typed) if name == "story" else tidy_line(typed)
        if not tidied and name in MISSING:
            problems[name] = MISSING[name]
        elif len(tidied) > LIMITS[name]:
            problems[name] = f"Use at most {LIMITS[name]:,} characters (you have {len(tidied):,})."
    return problems


def find_video_problem(state: str | None, message: str) -> str:
    """Why this video cannot be sent in, or ''; None for no video at all. One still in work may go along."""
    if state is None:
        return MISSING["video"]
    return message if state == "refused" else ""


def find_problems(
    fields: Mapping[str, str],
    video_state: str | None,
    video_message: str,
    accepted_version: int | None,
    rules_version: int,
) -> dict[str, str]:
    """Everything that stands between a draft and sending it in, in the order of the steps."""
    problems = find_text_problems(fields, ("title", "cause"))
    video = find_video_problem(video_state, video_message)
    if video:
        problems["video"] = video
    problems |= find_text_problems(fields, ("story", "thanks"))
    if accepted_version is None:
        problems["rights"] = MISSING["rights"]
    elif accepted_version != rules_version:
        problems["rights"] = RulesChanged(rules_version).message
    return problems


def check_open(phases: Iterable[PhaseLike], now: datetime, zone: str) -> None:
    """Raise NotOpenYet, EntriesPaused or EntriesClosed unless a phase takes entries now (its end excluded)."""
    taking = [phase for phase in phases if phase.may_submit]
    running = next((phase for phase in taking if phase.starts_at <= now < phase.ends_at), None)
    if running is not None:
        if _is_paused(running, now):
            raise EntriesPaused(running.pause_reason)
        return
    coming = [phase.starts_at for phase in taking if phase.starts_at > now]
    if coming:
        raise NotOpenYet(min(coming), zone)
    raise EntriesClosed(max((phase.ends_at for phase in taking), default=None), zone)


def say_moment(moment: datetime, zone: str) -> str:
    """12:00 on 1 May (New York)"""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%H:%M} on {local.day} {local:%B} ({zone.rpartition('/')[2].replace('_', ' ')})"


def make_slug(title: str) -> str:
    """The title as it stands in an address: mateos-first-steps; 'entry' when no letter is left."""
    folded = _unmark(title).replace("'", "").replace("’", "")
    plain = folded.encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or "entry"


def _is_paused(phase: PhaseLike, now: datetime) -> bool:
    since, until = phase.paused_at, phase.resumed_at
    return since is not None and since <= now and (until is None or now < until)


def _unmark(text: str) -> str:
    """Text without case and marks, in one form of each letter, with single spaces."""
    unfolded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(letter for letter in unfolded if not unicodedata.combining(letter))
    return " ".join(kept.replace("ı", "i").split())


_JOINERS = "\u200c\u200d"  # they shape Persian words and families of emoji
_MOST_MARKS = 4  # marks on one letter: more of them climb over the neighbouring lines


def _without_hidden(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for letter in unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")):
        category = unicodedata.category(letter)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks > _MOST_MARKS or category in ("Cs", "Co", "Cn"):
            continue
        if category in ("Cc", "Cf") and letter not in "\n\t" and letter not in _JOINERS:
            continue
        kept.append(letter)
    return "".join(kept)


def _has_something_to_see(text: str) -> bool:
    return any(unicodedata.category(letter)[0] in "LNPS" for letter in text)
