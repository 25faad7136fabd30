"""Attacks on a count, from the crudest to the most patient; what one vote costs the attacker stands beside each.

Prices are in US dollars a vote, from lists that sellers of accounts, proxies and piecework publish; orders of
magnitude, not quotations.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.fraud.presses import (
    DAY,
    DESKS,
    ENTRIES,
    FILM_SECONDS,
    FIRST,
    HOUR,
    LAST,
    PHONES,
    Press,
    by_day,
    make_address,
    make_agent,
    make_mailbox,
    wait_for_mail,
)

THROWAWAY = ("mailinator.com", "guerrillamail.com", "yopmail.com", "10minutemail.com", "sharklasers.com",
             "trashmail.com", "temp-mail.org", "dispostable.com", "getnada.com", "maildrop.cc")  # fmt: skip


@dataclass(frozen=True)
class Attack:
    """`make` draws one attack's presses; `price` is dollars a vote cast."""

    name: str
    words: str
    price: float
    make: Callable[[random.Random], list[Press]]


def one_server(chance: random.Random) -> list[Press]:
    """A script on one rented server, with bought mailboxes, in two hours; it asks for no film and runs no script."""
    start = chance.uniform(8, 50) * HOUR
    return [
        _press("A1", 8, start + chance.uniform(0, 2) * HOUR, _bought(chance), "45.77.12.9", DESKS[0],
               form_age=chance.uniform(0.3, 1.4), code_wait=chance.uniform(2.0, 4.5), language="")
        for _ in range(400)
    ]  # fmt: skip


def aliases(chance: random.Random) -> list[Press]:
    """Three mailboxes at Gmail with dots and tags, and one at a firm with tags, through three hundred proxies."""
    start, presses = chance.uniform(8, 40) * HOUR, []
    for number in range(300):
        if number % 2:
            email = _dotted(chance, chance.choice(("catherinewinter", "longfellowdesk", "marketplacetom")))
        else:
            email = f"promo+{number:03}@brightagency.example"
        age = chance.uniform(9, 26)
        presses.append(
            _press("A2", 9, start + chance.uniform(0, 9) * HOUR, email, _proxy(chance), chance.choice(DESKS),
                   played=False, dwell=age - 0.4, form_age=age, code_wait=chance.uniform(5, 14))
        )  # fmt: skip
    return presses


def throwaways(chance: random.Random) -> list[Press]:
    """Throw-away mailboxes through proxies, by a headless browser, beside an honest office's burst."""
    start, presses = chance.uniform(30, 38) * HOUR, []
    for _ in range(300):
        email = f"{_letters(chance, 9)}@{chance.choice(THROWAWAY)}"
        age = chance.uniform(4, 9)
        presses.append(
            _press("A3", 1, start + chance.uniform(0, 5) * HOUR, email, _proxy(chance), chance.choice(DESKS),
                   played=False, dwell=age - 0.3, form_age=age, code_wait=chance.uniform(4, 12))
        )  # fmt: skip
    return presses


def catch_all(chance: random.Random) -> list[Press]:
    """Two domains whose every address is the attacker's, human-like names, household proxies, a headless browser."""
    domains = (f"{_letters(chance, 7)}-mail.example", f"{_letters(chance, 6)}post.example")
    start, presses = chance.uniform(8, 44) * HOUR, []
    for _ in range(300):
        email = (
            f"{chance.choice(FIRST)}.{chance.choice(LAST)}{chance.randrange(100)}@{chance.choice(domains)}"
        )
        age = max(1.0, chance.gauss(6, 1))
        presses.append(
            _press("A4", 10, start + chance.uniform(0, 12) * HOUR, email, make_address(chance), chance.choice(DESKS),
                   played=False, dwell=age - 0.2, form_age=age, code_wait=max(1.5, chance.gauss(4, 0.6)))
        )  # fmt: skip
    return presses


def household_script(chance: random.Random) -> list[Press]:
    """Bought mailboxes of the large providers, household addresses, many agents; a browser that waits at random."""
    start, presses = chance.uniform(6, 20) * HOUR, []
    for _ in range(400):
        age = chance.uniform(5, 9)
        presses.append(
            _press("A5", 0, start + chance.uniform(0, 14) * HOUR, _bought(chance), make_address(chance),
                   make_agent(chance), played=False, dwell=age, form_age=age + chance.random(),
                   code_wait=chance.uniform(6, 11))
        )  # fmt: skip
    return presses


def patient(chance: random.Random) -> list[Press]:
    """A hundred and fifty votes over all three days that look like anybody's: film played, link followed, mail read."""
    presses = []
    for _ in range(150):
        stay = FILM_SECONDS[11] * chance.uniform(0.4, 1.1) + chance.lognormvariate(math.log(18), 0.8)
        press = _press("A6", 11, by_day(chance), make_mailbox(chance), make_address(chance), make_agent(chance),
                       played=True, dwell=stay, form_age=stay + chance.random(), code_wait=wait_for_mail(chance))  # fmt: skip
        press.sharer, press.has_cookie = "own", True
        presses.append(press)
    return presses


def ring(chance: random.Random) -> list[Press]:
    """Seventy members who sell their votes to ten entries; an order is filled by most of them within two hours."""
    members = [(make_mailbox(chance), make_address(chance), make_agent(chance)) for _ in range(70)]
    presses = []
    for order in range(10):
        begins = (4 + order * 6.7) * HOUR
        for email, address, agent in members:
            if chance.random() < 0.75:
                stay = max(2.0, chance.lognormvariate(math.log(9), 0.6))
                press = _press("A7", order % ENTRIES, begins + chance.betavariate(1.3, 2) * 2 * HOUR, email, address,
                               agent, played=chance.random() < 0.15, dwell=stay, form_age=stay + chance.random() * 3,
                               code_wait=wait_for_mail(chance))  # fmt: skip
                press.has_cookie = order > 0
                presses.append(press)
    return presses


def pieceworkers(chance: random.Random) -> list[Press]:
    """Fifteen people paid by the vote, twenty votes an hour each, with bought mailboxes, beside an honest school."""
    domains = ("gmail.com", "outlook.com", f"{_letters(chance, 6)}inbox.example", "gmx.net")
    presses = []
    for worker in range(15):
        agent, at = chance.choice((*PHONES, *DESKS)), chance.uniform(9, 26) * HOUR
        for _ in range(20):
            at += chance.lognormvariate(math.log(170), 0.35)
            stay = chance.lognormvariate(math.log(7), 0.35)
            email = f"{chance.choice(FIRST)}{chance.choice(LAST)}{chance.randrange(1000, 99_999)}@{chance.choice(domains)}"
            address = _proxy(chance) if chance.random() < 0.5 else f"103.{60 + worker}.8.{worker}"
            presses.append(
                _press("A8", 2, at, email, address, agent, played=False, dwell=stay, form_age=stay + 0.5,
                       code_wait=chance.lognormvariate(math.log(14), 0.35))
            )  # fmt: skip
    return presses


ATTACKS = {
    attack.name: attack
    for attack in (
        Attack("A1", "one server", 0.03, one_server),
        Attack("A2", "aliases, proxies", 0.01, aliases),
        Attack("A3", "throw-away mail", 0.01, throwaways),
        Attack("A4", "catch-all domains", 0.02, catch_all),
        Attack("A5", "household script", 0.06, household_script),
        Attack("A6", "patient, human-like", 0.60, patient),
        Attack("A7", "exchange ring", 0.15, ring),
        Attack("A8", "piecework", 0.25, pieceworkers),
    )
}


def _press(
    crowd: str, entry: int, at: float, email: str, address: str, agent: str, *,
    played: bool | None = None, dwell: float | None = None, form_age: float, code_wait: float, language: str = "en",
) -> Press:  # fmt: skip
    return Press(
        crowd, entry, min(at, 3 * DAY - 1), email, address, agent, language, played, dwell, form_age, code_wait,
        is_fraud=True,
    )  # fmt: skip


def _bought(chance: random.Random) -> str:
    """A mailbox from a list of bought ones: a made-up person at a large provider."""
    domain = chance.choices(("outlook.com", "hotmail.com", "gmail.com", "gmx.net"), (5, 3, 2, 1))[0]
    return f"{chance.choice(FIRST)}{chance.choice(LAST)}{chance.randrange(1000, 99_999)}@{domain}"


def _proxy(chance: random.Random) -> str:
    """One of a few data centres' many addresses."""
    return f"{chance.choice((23, 45, 104, 185))}.{chance.randrange(40)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"


def _dotted(chance: random.Random, name: str) -> str:
    dotted = name[0] + "".join(f".{letter}" if chance.random() < 0.3 else letter for letter in name[1:])
    tag = f"+{_letters(chance, 4)}" if chance.random() < 0.5 else ""
    return f"{dotted}{tag}@gmail.com"


def _letters(chance: random.Random, count: int) -> str:
    return "".join(chance.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(count))
