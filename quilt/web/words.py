"""Refusals of the rooms as words and status codes, shared by the faces."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from quilt.accounts import rules as accounts
from quilt.accounts.providers import list_on
from quilt.contests.rules import describe_instant
from quilt.votes import rules as votes
from quilt.web.settings import get_settings

ACCOUNT_WORDS: dict[type[accounts.AccountRefused], tuple[int, str]] = {
    accounts.AddressMissing: (422, "Enter an e-mail address."),
    accounts.AddressTooLong: (422, "That address is too long."),
    accounts.NotAnAddress: (422, "That does not look like an e-mail address."),
    accounts.TooManyCodes: (
        429,
        "We have sent several codes to that address. Use the newest, or wait a while.",
    ),
    accounts.NotACode: (422, "The code has eight digits. Copy it from the newest mail."),
    accounts.WrongCode: (422, "That code is not right. Look at the newest mail and try again."),
    accounts.TooManyTries: (429, "That was one try too many. Ask for a new code."),
    accounts.CodeExpired: (422, "That code is older than ten minutes. Ask for a new code."),
    accounts.CodeUsed: (410, "That code was used. Ask for a new one if you need it."),
    accounts.UnknownCode: (
        410,
        "This browser has asked for no code, or it was too long ago. Ask for a new code.",
    ),
    accounts.WrongPassword: (401, "E-mail or password is wrong."),
    accounts.PasswordTooShort: (422, "Choose a longer password: at least 8 characters."),
    accounts.PasswordTooLong: (422, "Use at most 256 characters."),
    accounts.PasswordTooCommon: (
        422,
        "This password is on lists of stolen passwords, or is your own address. Choose another.",
    ),
    accounts.ProofTooOld: (422, "Sign in with a fresh code first, then set your password."),
    accounts.AddressTaken: (422, "That is your address already."),
    accounts.ChangeOver: (410, "This change was carried out, stopped or forgotten."),
    accounts.ExportUnderWay: (409, "A copy is being made already. We write to you when it is ready."),
    accounts.TooManyExports: (
        429,
        "Three copies were made since yesterday. Take one of them, or come back tomorrow.",
    ),
    accounts.StaffStays: (
        409,
        "You decide about others here. Ask another admin to take that over, then delete your account.",
    ),
    accounts.FactorRefused: (409, "Your app counts already. Remove it first, then set up another."),
    accounts.NoFactor: (409, "No app is set up."),
    accounts.WrongDigits: (
        422,
        "Those digits do not fit, or were used already. Wait for the next ones and try again.",
    ),
    accounts.PasskeyRefused: (422, "That passkey does not fit. Nothing was changed: try again."),
    accounts.TooManyPasskeys: (409, "You have 20 passkeys. Remove one first."),
    accounts.NameTooLong: (422, "Use at most 60 characters."),
    accounts.NameHidesDirection: (422, "Remove the hidden direction characters."),
    accounts.NameUnreadable: (422, "Write your name in one line, without control characters."),
}


def describe_account_refusal(refusal: accounts.AccountRefused) -> tuple[int, str]:
    """Status and words for a refusal about an address, a code, a password or a name."""
    return ACCOUNT_WORDS.get(type(refusal), (422, "We cannot use that. Nothing was changed."))


def describe_link_refusal(refusal: accounts.AccountRefused) -> str:
    """Why a letter's link does nothing."""
    match refusal:
        case accounts.CodeUsed():
            return "This link, or the code beside it, was used. Ask for a new one."
        case accounts.CodeExpired():
            return "This link has expired. Ask for a new one."
        case _:
            return "We do not know this link. It may be cut off at the end, or too old."


# True of a vote in any state: which one it is stays covered until the public batch.
_KEPT = "We have that vote, and your receipt shows what became of it."


def describe_vote_refusal(refusal: votes.VoteRefused, zone: str) -> tuple[int, str]:
    """Status and words for a vote that was not cast, times in the contest's zone."""
    match refusal:
        case votes.AlreadyVoted(first_at=first, next_at=None):
            return 200, f"You voted for this entry on {describe_instant(first, zone)}. {_KEPT}"
        case votes.AlreadyVoted(first_at=first, next_at=datetime() as following):
            return 200, (
                f"You voted for this entry on {describe_instant(first, zone)}. {_KEPT} "
                f"You can vote again from {describe_instant(following, zone)}."
            )
        case votes.NoVotesLeft(limit=1, first_at=datetime() as first, next_at=following):
            return 409, _with_next(f"You gave your vote on {describe_instant(first, zone)}", following, zone)
        case votes.NoVotesLeft(limit=limit, next_at=following):
            return 409, _with_next(f"You have given all {limit} of your votes", following, zone)
        case votes.SessionEnded():
            return 403, "You were signed out meanwhile. Sign in again, then press the button once more."
        case votes.VotingNotOpen(opens_at=None):
            return 409, "Voting is not open yet, and no date is set."
        case votes.VotingNotOpen(opens_at=datetime() as opens):
            return 409, f"Voting opens {describe_instant(opens, zone)}. Your vote was not counted."
        case votes.VotingClosed(closed_at=closed, arrived_at=arrived):
            return 409, (
                f"Voting closed {describe_instant(closed, zone)}. This vote arrived at "
                f"{_describe_clock(arrived, zone)}, so it was not counted."
            )
        case votes.VotingPaused(reason=reason):
            return 409, f"Voting is paused: {reason} Your vote was not counted; come back when it goes on."
        case votes.WrongTier():
            return (
                403,
                "This contest counts votes that are proven in another way. Sign in that way, then vote again.",
            )
        case votes.IdentityUsed():
            return 409, (
                "Somebody has voted in this contest with that other service already, through another account here. "
                "Sign in to that account to see the vote; this one was not counted."
            )
        case votes.KeyReused():
            return 422, "This key was used for another vote. Nothing was changed."
        case votes.TakenBack(next_at=following):
            words = "You took your vote for this entry back, so it cannot be given again"
            if following is None:
                return 409, f"{words}."
            return 409, f"{words} before {describe_instant(following, zone)}."
        case votes.DecidedAbout(is_final=True):
            return 409, "The result of this contest is final, so its votes stay as they are."
        case votes.DecidedAbout():
            return (
                409,
                "What became of this vote is decided, so it cannot be taken back. Its receipt says what.",
            )
        case votes.NotRevocable(until=None):
            return 409, "In this contest a vote that was cast stays cast."
        case votes.NotRevocable(until=datetime() as until):
            return (
                409,
                f"Votes could be taken back until {describe_instant(until, zone)}. This one stays cast.",
            )
        case votes.OwnEntry():
            return 403, "You cannot vote for your own entry. Pass it on instead."
        case _:
            return 404, "That entry is not open to votes."


def describe_short_lived(tiers: Sequence[str]) -> str:
    """What an address for a short while means for a vote, and what can be done: nobody is turned away."""
    other_way = ", or vote with another service" if "oauth" in tiers and list_on(get_settings()) else ""
    words = f"That address works for a short while only, so it proves little. Use a lasting one{other_way}."
    if "email" not in tiers:
        return words
    return f"{words} Or go on with it: your vote is recorded then, and a person looks at it before it counts."


def list_vote_facts(refusal: votes.VoteRefused) -> dict[str, str]:
    """What a program may want of a refusal beside its words: the first vote's receipt, or when voting opens."""
    match refusal:
        case votes.AlreadyVoted(receipt=receipt):
            return {"receipt": receipt}
        case votes.VotingNotOpen(opens_at=datetime() as opens):
            return {"opens_at": opens.isoformat()}
        case _:
            return {}


def _describe_clock(at: datetime, zone: str) -> str:
    """To the thousandth of a second: 12:00:00.000."""
    return at.astimezone(ZoneInfo(zone)).isoformat(timespec="milliseconds")[11:23]


def _with_next(words: str, following: datetime | None, zone: str) -> str:
    if following is None:
        return f"{words}, and this contest gives no more."
    return f"{words}. The next is possible from {describe_instant(following, zone)}."
