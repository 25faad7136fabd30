"""One press of the vote button as the world sees it, and the small habits of people and machines."""

import math
import random
from dataclasses import dataclass, field

HOUR, DAY = 3600.0, 86_400.0
DAYS = 3
ENTRIES = 12
FILM_SECONDS = (62, 95, 118, 74, 140, 90, 171, 83, 104, 66, 128, 99)

MAIL = (("gmail.com", 52), ("outlook.com", 9), ("hotmail.com", 8), ("yahoo.com", 9), ("icloud.com", 9),
        ("gmx.net", 3), ("proton.me", 3), ("aol.com", 2), ("web.de", 3), ("fastmail.com", 2), ("yopmail.com", 0.5))  # fmt: skip
FIRST = ("ana", "ben", "carla", "david", "elena", "felix", "grace", "hugo", "irene", "jonas", "kim", "lea",
         "mateo", "nina", "omar", "paula", "quinn", "rosa", "sam", "tara", "uma", "victor", "wendy", "yusuf", "zoe")  # fmt: skip
LAST = ("miller", "garcia", "schmidt", "rossi", "novak", "silva", "khan", "lee", "brown", "martin", "lopez",
        "weber", "costa", "petrov", "nguyen", "kelly", "moreau", "larsen", "okafor", "haddad", "sato", "park")  # fmt: skip
PHONES = tuple(
    [f"Mozilla/5.0 (iPhone; CPU iPhone OS {major}_{minor} like Mac OS X) Safari/604.1" for major in (17, 18, 26) for minor in (0, 3, 5)]
    + [f"Mozilla/5.0 (Linux; Android 10; K) Chrome/{version}.0.0.0 Mobile" for version in range(136, 142)]
)  # fmt: skip
DESKS = tuple(
    [f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/{version}.0.0.0" for version in range(136, 142)]
    + [f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/{version} Safari" for version in (18, 26)]
    + [f"Mozilla/5.0 (X11; Linux x86_64; rv:{version}.0) Firefox/{version}.0" for version in (138, 140, 145)]
)


@dataclass(slots=True)
class Press:
    """A vote for `entry` (a number from 0) at `at` seconds after the opening.

    `played` and `dwell` are None where no script ran. `code_wait`: seconds until the mailed code came back.
    `sharer` is whose link was followed: an earlier press of the same crowd, or the entry's own link ("own").
    """

    crowd: str
    entry: int
    at: float
    email: str
    address: str
    agent: str
    language: str = "en"
    played: bool | None = None
    dwell: float | None = None
    form_age: float = 60.0
    code_wait: float = 30.0
    sharer: "Press | str | None" = None
    has_cookie: bool = False
    is_fraud: bool = False
    vote_id: int = field(default=0, compare=False)


def wait_for_mail(chance: random.Random) -> float:
    """How long a person takes to find a code and type it."""
    return max(5.0, chance.lognormvariate(math.log(28), 0.7))


def look(chance: random.Random, press: Press, play_share: float, median: float = 18.0) -> Press:
    """Fill in how somebody looked at the page: whether they played the film, and for how long they stayed."""
    has_played = chance.random() < play_share
    stay = chance.lognormvariate(math.log(median), 0.8)
    if has_played:
        stay += FILM_SECONDS[press.entry] * min(1.0, chance.betavariate(2.0, 1.0) * 1.2)
    dwell = max(2.0, stay)
    hidden = chance.lognormvariate(math.log(60), 1.0) if chance.random() < 0.25 else 0.0
    press.form_age = dwell + hidden + chance.random()
    if chance.random() >= 0.03:  # three in a hundred block scripts
        press.played, press.dwell = has_played, dwell
    press.code_wait = wait_for_mail(chance)
    press.has_cookie = press.played is not None  # the page's beacon answers with a cookie after a second
    return press


class Chance(random.Random):
    """Chance that gives no mailbox to two people: the crowds of one world share what is taken."""

    def __init__(self, seed: str, taken: set[str]) -> None:
        super().__init__(seed)
        self.taken = taken


def make_mailbox(chance: random.Random) -> str:
    """A private person's address, nobody else's yet."""
    taken = chance.taken if isinstance(chance, Chance) else set[str]()
    while True:
        email = _draw_mailbox(chance)
        mailbox = email.replace(".", "")
        if mailbox not in taken:
            taken.add(mailbox)
            return email


def _draw_mailbox(chance: random.Random) -> str:
    first, last = chance.choice(FIRST), chance.choice(LAST)
    local = chance.choice((f"{first}.{last}", f"{first}{last}", f"{first[0]}{last}", f"{last}.{first}"))
    if chance.random() < 0.72:
        local += str(
            chance.choice((chance.randrange(1, 99), chance.randrange(1955, 2012), chance.randrange(9999)))
        )
    if chance.random() < 0.004:
        local += "+votes"
    domains, weights = zip(*MAIL, strict=True)
    return f"{local}@{chance.choices(domains, weights)[0]}"


def make_agent(chance: random.Random, phone_share: float = 0.68) -> str:
    """A browser of the year, most often a phone's."""
    return chance.choice(PHONES if chance.random() < phone_share else DESKS)


def make_address(chance: random.Random) -> str:
    """A household's or a mobile's address: big providers have many, and share some."""
    if chance.random() < 0.12:  # behind a carrier's few addresses
        return f"100.{chance.randrange(40, 44)}.{chance.randrange(6)}.{chance.randrange(1, 255)}"
    return f"{chance.randrange(11, 220)}.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"


def by_day(chance: random.Random) -> float:
    """A moment of the contest, seldom at night."""
    while True:
        at = chance.random() * DAYS * DAY
        hour = at % DAY / HOUR
        if chance.random() < 0.12 + 0.88 * max(0.0, math.sin((hour - 6) / 18 * math.pi)):
            return at
