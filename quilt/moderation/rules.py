"""What may be decided about an entry, for which reasons, and who was first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

REMOVALS = {
    "remove": "Remove it: it must not be shown",
    "disqualify": "Disqualify it: it broke the rules",
}
ACTIONS = {"approve": "Approve", "ask_changes": "Ask for changes", "reject": "Reject"}
DONE = {
    "approve": "approved",
    "ask_changes": "asked for changes to",
    "reject": "rejected",
    "rerun": "restarted",
    "hide": "hid",
    "out_of_prize": "ended the eligibility of",
    "into_prize": "restored the eligibility of",
    "remove": "removed",
    "disqualify": "disqualified",
    "restore": "put back",
}

# Every reason is a sentence that the entrant reads; `other` asks for words of one's own.
REASONS: Mapping[str, Mapping[str, str]] = {
    "ask_changes": {
        "sound": "The sound is hard to understand.",
        "picture": "The picture is hard to make out.",
        "cause": "It does not become clear what the cause is or whom it helps.",
        "story": "The story says something else than the video, or something is missing in it.",
        "rights": "We need to know that you may use the music or pictures in it.",
        "people": "Somebody who can be recognised may not have agreed to be shown.",
        "other": "Something else, which we explain below.",
    },
    "reject": {
        "off_topic": "The video does not speak for a cause.",
        "rights": "The video uses music or pictures of others without their leave.",
        "people": "Somebody in the video did not agree to be shown, or must be protected.",
        "harm": "The video or its text may hurt or mislead people.",
        "advertising": "The video advertises a product or a party.",
        "twice": "The same video was entered before.",
        "other": "Another reason, which we explain below.",
    },
    "remove": {
        "rights": "The video uses music or pictures of others without their leave.",
        "people": "Somebody in the video did not agree to be shown, or must be protected.",
        "harm": "The video or its text may hurt or mislead people.",
        "law": "The law, or a court, asks for it.",
        "other": "Another reason, which we explain below.",
    },
    "disqualify": {
        "rules": "It does not keep the rules of the contest.",
        "votes": "Votes for it were bought, or made by machines.",
        "entrant": "Its entrant may not take part.",
        "twice": "The same video was entered before.",
        "other": "Another reason, which we explain below.",
    },
}
# What of the entry a reason to ask for changes is about; `other` is explained in words.
_PARTS = {
    "sound": "video",
    "picture": "video",
    "cause": "cause",
    "story": "story",
    "rights": "video",
    "people": "video",
}
MOST_WORDS = 2000  # characters


class DecisionRefused(Exception):
    """This cannot be decided so; `field` of the form is the reason, `message` for the moderator."""

    field = ""
    message = "That cannot be decided now."

    def __str__(self) -> str:
        return self.message


class UnknownAction(DecisionRefused):
    field = "action"
    message = "Choose what to do."


class ReasonMissing(DecisionRefused):
    field = "reason"
    message = "Choose a reason; it is kept in the decision log."


class WordsMissing(DecisionRefused):
    field = "words"
    message = "Say in your own words what it is, so that the entrant understands."


class TooManyWords(DecisionRefused):
    field = "words"
    message = f"Use at most {MOST_WORDS:,} characters."


class VideoNotReady(DecisionRefused):
    field = "action"

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.message = {
            "parked": "The video is set aside after three failures. Run it again first.",
            "refused": "The video cannot be used. Ask for changes instead.",
            "": "There is no video. Ask for changes instead.",
        }.get(state, "The video is still being prepared. It can be approved in a moment.")


class OwnEntry(DecisionRefused):
    message = "This entry is your own: somebody else at the desk has to decide about it. Nothing was changed."


class NotPublished(DecisionRefused):
    message = "That cannot be changed for this entry. Nothing was changed."


class PlacesFixed(DecisionRefused):
    message = (
        "The result of this contest is final: who is in the running stays as it is. Nothing was changed. "
        "A prize that cannot be taken is passed on at the desk of the result."
    )


class Withdrawn(DecisionRefused):
    message = "The entrant has withdrawn this entry meanwhile. Nothing was decided."


@dataclass(frozen=True)
class Earlier:
    """A decision that came first."""

    actor_name: str
    action: str
    decided_at: datetime


class AlreadyDecided(DecisionRefused):
    """Two moderators at once: the first decision stays."""

    def __init__(self, earlier: Earlier | None, zone: str) -> None:
        super().__init__(earlier)
        self.earlier = earlier
        if earlier is None:
            self.message = "This was changed meanwhile. Nothing was decided; look at it again."
            return
        time = earlier.decided_at.astimezone(ZoneInfo(zone))
        done = DONE.get(earlier.action, "decided")
        self.message = f"{earlier.actor_name} already {done} this at {time:%H:%M}."


def check_decision(action: str, reason: str, words: str) -> None:
    """Raise UnknownAction, ReasonMissing, WordsMissing or TooManyWords."""
    if action not in ACTIONS:
        raise UnknownAction
    if len(words) > MOST_WORDS:
        raise TooManyWords
    if action == "approve":
        return
    if reason not in REASONS[action]:
        raise ReasonMissing
    if reason == "other" and not words.strip():
        raise WordsMissing


def check_removal(action: str, reason: str, words: str) -> None:
    """Raise UnknownAction, ReasonMissing, WordsMissing or TooManyWords; a restoration needs words alone."""
    if action not in (*REMOVALS, "restore"):
        raise UnknownAction
    if len(words) > MOST_WORDS:
        raise TooManyWords
    if action != "restore" and reason not in REASONS[action]:
        raise ReasonMissing
    if (action == "restore" or reason == "other") and not words.strip():
        raise WordsMissing


def say_reason(action: str, reason: str) -> str:
    """The sentence of a reason, or ''."""
    return REASONS.get(action, {}).get(reason, "")


def name_part(action: str, reason: str) -> str:
    """What to change for a reason: "video", "cause" or "story"; '' where the words alone tell it."""
    return _PARTS.get(reason, "") if action == "ask_changes" else ""
