"""Letters for the entrant to send: to the charity, to its supporters, to a paper, to friends; each with its link."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from quilt.shares.kit import Use


@dataclass(frozen=True, slots=True)
class Facts:
    """What the letters say: `until` is a day in words, '' where the vote has no end in sight."""

    title: str
    cause: str
    contest: str
    name: str
    until: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter that is ready: its use, what it says, and the link that it carries."""

    key: str
    label: str
    hint: str
    subject: str
    body: str
    link: str

    @property
    def mail_url(self) -> str:
        """Opens the person's own mail program with the letter in it (RFC 6068)."""
        body = self.body.replace("\n", "\r\n")
        return f"mailto:?subject={quote(self.subject, safe='')}&body={quote(body, safe='')}"

    @property
    def sms_url(self) -> str:
        """Opens the phone's messages with it."""
        return f"sms:?&body={quote(self.body, safe='')}"


HINTS = {
    "charity": "To the people whose cause it is. They know others who care.",
    "supporters": "For the charity’s newsletter or its members: they can send it as it is.",
    "press": "Local papers like local stories. Say in the first line where you live.",
    "friends": "Short enough for a message.",
}


def build_letters(facts: Facts, uses: tuple[Use, ...], find_link: Callable[[str], str]) -> list[Letter]:
    """The letters among these uses; `find_link` knows the address that each one carries."""
    letters = []
    for use in uses:
        if use.key not in HINTS:
            continue
        link = find_link(use.key)
        subject, body = _WRITE[use.key](facts, link)
        letters.append(Letter(use.key, use.label, HINTS[use.key], subject, body, link))
    return letters


def _to_charity(facts: Facts, link: str) -> tuple[str, str]:
    cause = facts.cause or "a cause that is dear to me"
    body = (
        f"Hello,\n\nI have made a short film for {cause}: “{facts.title}”. It takes part in {facts.contest}, and whoever "
        f"likes it can give it a vote{_until(facts)}.\n\nWould you show it to the people who follow you? This link is for "
        f"you alone, so that I can see how many came through you, and thank you:\n\n{link}\n\nThank you{_sign(facts)}"
    )
    return f"A film for {cause}", body


def _to_supporters(facts: Facts, link: str) -> tuple[str, str]:
    cause = facts.cause or "our cause"
    body = (
        f"Somebody has made a film for {cause}.\n\n“{facts.title}” takes part in {facts.contest}. Watching takes two minutes, "
        f"voting one more: an e-mailed code shows that a vote is a person’s{_until(facts)}.\n\nWatch it here:\n{link}\n\n"
        "Everybody who watches gets a link of their own to pass on."
    )
    return f"A film for {cause}: two minutes of your time", body


def _to_press(facts: Facts, link: str) -> tuple[str, str]:
    cause = f", for {facts.cause}" if facts.cause else ""
    body = (
        f"Good day,\n\nI live in … and have made a short film{cause}: “{facts.title}”. It takes part in {facts.contest}, where "
        f"anybody can vote{_until(facts)}.\n\nIf you would like to write about it, I gladly tell you more. The film is here:\n"
        f"{link}\n\nKind regards{_sign(facts)}"
    )
    return f"A film from here{cause}", body


def _to_friends(facts: Facts, link: str) -> tuple[str, str]:
    cause = f" for {facts.cause}" if facts.cause else ""
    return (
        f"My film: {facts.title}",
        f"I made a film{cause}. Would you watch it, and vote if you like it? {link}",
    )


def _until(facts: Facts) -> str:
    return f", until {facts.until}" if facts.until else ""


def _sign(facts: Facts) -> str:
    return f",\n{facts.name}" if facts.name else ""


_WRITE = {
    "charity": _to_charity,
    "supporters": _to_supporters,
    "press": _to_press,
    "friends": _to_friends,
}
