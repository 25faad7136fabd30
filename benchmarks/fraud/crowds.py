"""Honest crowds: what real people do on a contest's page, some of them in ways that look odd."""

import math
import random
from collections.abc import Callable

from benchmarks.fraud.cascades import has_cascades, pick_cascade
from benchmarks.fraud.presses import (
    DAY,
    DESKS,
    ENTRIES,
    FIRST,
    HOUR,
    LAST,
    Press,
    by_day,
    look,
    make_address,
    make_agent,
    make_mailbox,
)

Crowd = Callable[[random.Random], list[Press]]


def background(chance: random.Random) -> list[Press]:
    """Six hundred people over three days; some vote for several entries in one sitting, some come back."""
    presses = []
    while len(presses) < 600:
        email, address, agent, at = (
            make_mailbox(chance),
            make_address(chance),
            make_agent(chance),
            by_day(chance),
        )
        for turn, entry in enumerate(chance.sample(range(ENTRIES), chance.choice((1, 1, 1, 1, 2, 2, 3)))):
            press = Press("background", entry, at, email, address, agent)
            press.sharer = "own" if chance.random() < 0.5 else None
            presses.append(look(chance, press, 0.7))
            press.has_cookie |= turn > 0
            at += (
                chance.lognormvariate(math.log(150), 0.6)
                if chance.random() < 0.8
                else chance.uniform(0.4, 1.2) * DAY
            )
    return presses  # fmt: skip


def viral(chance: random.Random) -> list[Press]:
    """A story that people pass on, in the shape of a recorded cascade: who came by whose link, and when."""
    times, parents = pick_cascade(chance)
    start = chance.uniform(4, 30) * HOUR
    presses: list[Press] = []
    for at, parent in zip(times, parents, strict=True):
        press = Press(
            "viral", 0, start + at, make_mailbox(chance), make_address(chance), make_agent(chance, 0.85)
        )
        press.sharer = presses[parent] if parent is not None else "own"
        presses.append(look(chance, press, 0.75))
    return presses  # fmt: skip


def office(chance: random.Random) -> list[Press]:
    """Four hundred colleagues within half an hour of a mail to all staff: one address, one kind of laptop, no sound."""
    start = chance.uniform(33, 35) * HOUR
    builds = (DESKS[3], DESKS[3], DESKS[4])
    presses = []
    names = set[str]()
    for _ in range(400):
        at = start + 1800 * chance.betavariate(1.2, 3.0)
        name = f"{chance.choice(FIRST)}.{chance.choice(LAST)}"
        while name in names:
            name = f"{chance.choice(FIRST)}.{chance.choice(LAST)}{chance.randrange(2, 9)}"
        names.add(name)
        email = f"{name}@harbour-clinic.example" if chance.random() < 0.93 else make_mailbox(chance)
        press = Press("office", 1, at, email, f"198.51.100.{chance.randrange(8, 10)}", chance.choice(builds))
        press.sharer = "own"
        presses.append(look(chance, press, 0.3, median=14))
    return presses


def school(chance: random.Random) -> list[Press]:
    """Eight classes share thirty laptops; the film is shown on the wall, then everybody votes with the teacher."""
    presses, number = [], 20_400
    for lesson in range(8):
        begins = (9 + lesson % 4 * 1.1 + lesson // 4 * 24) * HOUR
        for _ in range(30):
            number += 1
            opened = begins + chance.uniform(0, 60)
            pressed = begins + 75 + chance.lognormvariate(math.log(30), 0.7)
            press = Press(
                "school", 2, pressed, f"s{number}@westfield-school.example", "203.0.113.77", DESKS[5]
            )
            press.sharer = "own"
            look(chance, press, 0.06)
            press.dwell, press.form_age = pressed - opened, pressed - opened
            press.has_cookie = lesson > 0
            presses.append(press)
    return presses


def carrier(chance: random.Random) -> list[Press]:
    """Three hundred phones behind one carrier's few addresses, by a link in a messenger, within a day."""
    presses: list[Press] = []
    start = 40 * HOUR
    for _ in range(300):
        address = f"100.72.{chance.randrange(4)}.{chance.randrange(1, 255)}"
        press = Press(
            "carrier",
            3,
            start + chance.uniform(0, 14) * HOUR,
            make_mailbox(chance),
            address,
            make_agent(chance, 1.0),
        )
        presses.append(press)
    presses.sort(key=lambda press: press.at)
    for number, press in enumerate(presses):
        press.sharer = presses[chance.randrange(number)] if number and chance.random() < 0.6 else "own"
        look(chance, press, 0.75)
    return presses  # fmt: skip


def kiosk(chance: random.Random) -> list[Press]:
    """A tablet at a fair, for six hours: the film runs on a screen beside it, the code comes to people's own phones."""
    presses, at = [], 50 * HOUR
    for number in range(120):
        at += chance.expovariate(1 / 170)
        press = Press("kiosk", 4, at, make_mailbox(chance), "192.0.2.61", DESKS[6], played=False)
        press.dwell = chance.lognormvariate(math.log(32), 0.5)
        press.form_age, press.has_cookie = press.dwell + chance.uniform(0, 90), number > 0
        press.code_wait = max(8.0, chance.lognormvariate(math.log(38), 0.5))
        presses.append(press)
    return presses


def allies(chance: random.Random) -> list[Press]:
    """Three charities ask the same two hundred friends on three days to vote for one after the other."""
    friends = [(make_mailbox(chance), make_address(chance), make_agent(chance)) for _ in range(200)]
    presses = []
    for day, entry in enumerate((5, 6, 7)):
        for email, address, agent in friends:
            if chance.random() < 0.45:
                at = day * DAY + 10 * HOUR + chance.lognormvariate(math.log(2.5 * HOUR), 1.0)
                press = Press("allies", entry, at, email, address, agent)
                press.sharer, press.has_cookie = "own", day > 0
                presses.append(look(chance, press, 0.6))
    return presses


CROWDS: dict[str, Crowd] = {
    crowd.__name__: crowd for crowd in (background, viral, office, school, carrier, kiosk, allies)
}


def list_crowds() -> dict[str, Crowd]:
    """All crowds that can be drawn here: the viral one needs recorded cascades (`cascades.get_folder` says where they lie)."""
    return {name: crowd for name, crowd in CROWDS.items() if name != "viral" or has_cascades()}
