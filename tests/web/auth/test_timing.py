"""Nobody learns who has an account: equal answers are in the other files, here is equal time; rows A23 and T01 to T04.

The real clock is asked, on a machine that may be busy: what others take from a call only makes it longer, so what
counts are ratios of lower quartiles over many alternating samples.
"""

import gc
import itertools
import math
import statistics
import time
from collections.abc import Callable, Iterable

import pytest
from flask import Flask
from sqlalchemy import select

from quilt.accounts import rules
from quilt.accounts.service import create_user
from quilt.database import db
from quilt.mail import MailMessage
from tests.conftest import NOW
from tests.web.auth.conftest import Browser

PASSWORD = "forty needles"
WARM_UP, PAIRS, ROUNDS = 5, 36, 10
MOST = 1.25  # of the ratio of lower quartiles, either way: a computation left out makes it ten


def compare(one: Callable[[int], object], other: Callable[[int], object]) -> float:
    """The ratio of the lower quartiles of the seconds of both, taken in turn; the larger over the smaller.

    While it is as large as MOST, more samples join those that there are, up to ROUNDS times: noise is evened out, a
    real difference stays. Each call gets a number of its own, below WARM_UP + ROUNDS * PAIRS.
    """
    times: tuple[list[float], list[float]] = ([], [])
    numbers = itertools.count()
    measure(one, other, ([], []), itertools.islice(numbers, WARM_UP))
    ratio = math.inf
    for _ in range(ROUNDS):
        measure(one, other, times, itertools.islice(numbers, PAIRS))
        first, second = (statistics.quantiles(kept, n=4)[0] for kept in times)
        ratio = max(first, second) / min(first, second)
        if ratio < MOST:
            break
    return ratio


def measure(
    one: Callable[[int], object],
    other: Callable[[int], object],
    times: tuple[list[float], list[float]],
    numbers: Iterable[int],
) -> None:
    """Call both with each number and keep their seconds; who comes first changes each time."""
    gc.disable()
    try:
        for number in numbers:
            pair = [(times[0], one), (times[1], other)]
            for kept, call in pair if number % 2 else reversed(pair):
                began = time.perf_counter()
                call(number)
                kept.append(time.perf_counter() - began)
    finally:
        gc.enable()


def test_a_computation_left_out_is_found() -> None:
    def work(times: int) -> Callable[[int], object]:
        return lambda _: sum(range(times * 10_000))

    assert compare(work(2), work(3)) > MOST
    assert compare(work(3), work(3)) < MOST


@pytest.mark.slow
def test_signing_in_takes_as_long_for_an_address_that_nobody_has(app: Flask, browser: Browser) -> None:  # T01
    create_user("known@example.org", now=NOW, password=PASSWORD)
    token = browser.token()

    def attempt(email: str) -> Callable[[int], object]:
        fields = {"csrf_token": token, "email": email, "password": "forty noodles"}
        return lambda _: browser.client.post("/sign-in/password", data=fields)

    assert compare(attempt("known@example.org"), attempt("nobody@example.org")) < MOST


@pytest.mark.slow
def test_asking_for_a_code_takes_as_long_for_an_address_that_nobody_has(  # A23, T03
    app: Flask, browser: Browser
) -> None:
    for number in range(WARM_UP + ROUNDS * PAIRS):
        create_user(f"known{number}@example.org", now=NOW)
    token = browser.token()

    def ask(name: str) -> Callable[[int], object]:
        def once(number: int) -> None:
            fields = {"csrf_token": token, "email": f"{name}{number}@example.org"}
            answer = browser.client.post("/sign-in", data=fields)
            assert (answer.status_code, answer.location) == (302, "/sign-in/code")

        return once

    assert compare(ask("known"), ask("other")) < MOST
    kinds = db.session.scalars(select(MailMessage.kind).distinct()).all()
    assert kinds == ["sign_in_code"], "the same letter for both, sent by a worker and not in the request"


@pytest.mark.parametrize("code", ["12345670", "02345678"])
def test_a_nearly_right_code_is_as_wrong_as_any(code: str) -> None:  # T04
    right, wrong = (rules.hash_code(text, "token", "secret") for text in ("12345678", code))
    alike = sum(one == other for one, other in zip(right, wrong, strict=True))
    assert alike < len(right) / 2, (
        "what is compared, in constant time, is a keyed hash that nothing is learned from"
    )
    with pytest.raises(rules.WrongCode):
        rules.check_code(
            code, "token", "secret", code_hash=right, tries=0, expires_at=NOW.replace(year=2030), used_at=None, now=NOW
        )  # fmt: skip
