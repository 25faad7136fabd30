"""Proofs of work: what solves a challenge, what does not, and how hard it is."""

import hashlib
import itertools
import secrets
from datetime import timedelta

import pytest

from quilt.database import db
from quilt.votes.casting_models import UsedChallenge
from quilt.votes.challenges import (
    CALM,
    FEWEST_BITS,
    LIFE,
    LONGEST_WAIT,
    MOST_BITS,
    WINDOW,
    ChallengeRefused,
    LoadMeter,
    check_solution,
    find_bits,
    find_delay,
    forget_used_challenges,
    issue_challenge,
    name_network,
    use_challenge,
)
from tests.conftest import NOW

SECRET = "a secret"


def solve(challenge, bits=8):
    for number in itertools.count():
        text = f"{challenge}.{number}"
        if int.from_bytes(hashlib.sha256(text.encode()).digest()) >> (256 - bits) == 0:
            return text


def issue(entry=7, bits=8, secret=SECRET, now=NOW):
    return issue_challenge(entry, bits, secret, now, secrets.token_bytes)


def test_a_solution_tells_how_much_work_it_was():
    solution = solve(issue())
    nonce, proof = check_solution(solution, 7, SECRET, NOW + timedelta(seconds=3))
    assert (len(nonce), proof.bits, proof.seconds) == (12, 8, 3.0)
    check_solution(solution, 7, SECRET, NOW + LIFE)


def test_D27_what_proves_no_work():
    solution = solve(issue())
    number = int(solution.partition(".")[2])
    unsolved = next(n for n in range(1000) if not solves(f"{solution.partition('.')[0]}.{n}"))
    wrong = {
        "nothing": "",
        "no number": solution.partition(".")[0],
        "a number that solves nothing": f"{solution.partition('.')[0]}.{unsolved}",
        "of another site": solve(issue(secret="another")),
        "of another entry": solve(issue(entry=8)),
        "no base64": f"%%%.{number}",
        "cut": solution[3:],
        "a megabyte": solution + "0" * 1_000_000,
    }
    for name, text in wrong.items():
        with pytest.raises(ChallengeRefused):
            check_solution(text, 7, SECRET, NOW)
            pytest.fail(name)
    for moment in (NOW + LIFE + timedelta(seconds=1), NOW - timedelta(seconds=61)):
        with pytest.raises(ChallengeRefused):
            check_solution(solution, 7, SECRET, moment)


def solves(text):
    return hashlib.sha256(text.encode()).digest()[0] == 0


def test_D28_no_other_spelling_stands_for_a_solution():
    solution = solve(issue())
    challenge, _, number = solution.partition(".")
    for text in (
        f"{challenge}.0{number}", f"{challenge}.+{number}", f"{challenge}. {number}", f"{challenge}.{number}.0",
        f"{challenge}=.{number}", f"{challenge[:-1]}.{challenge[-1]}{number}", f"{challenge}.{number}\n",
        f"{challenge}.{number.translate(str.maketrans('0123456789', '٠١٢٣٤٥٦٧٨٩'))}", f" {challenge}.{number}",
    ):  # fmt: skip
        with pytest.raises(ChallengeRefused):
            check_solution(text, 7, SECRET, NOW)
            pytest.fail(text)


def test_D27_a_solution_counts_once(app):
    nonce, _ = check_solution(solve(issue()), 7, SECRET, NOW)
    use_challenge(nonce, NOW)
    with pytest.raises(ChallengeRefused):
        use_challenge(nonce, NOW)
    assert db.session.query(UsedChallenge).count() == 1
    db.session.rollback()
    assert forget_used_challenges(NOW + LIFE) == 0
    assert forget_used_challenges(NOW + 3 * LIFE) == 1


@pytest.mark.parametrize(
    "requests, bits",
    [(1, 0), (CALM - 1, 0), (CALM, 1), (2 * CALM, 2), (4 * CALM, 3), (16 * CALM, 5), (10_000 * CALM, 5)],
)
def test_a_busy_network_works_more(requests, bits):
    assert find_bits(requests) == FEWEST_BITS + bits <= MOST_BITS


def test_who_brings_no_proof_waits_on_a_busy_network_alone_and_not_for_ever():
    assert find_delay(CALM) == timedelta()
    assert find_delay(CALM + 5) == timedelta(seconds=10)
    assert find_delay(10**9) == LONGEST_WAIT


@pytest.mark.parametrize(
    "one, other, is_same",
    [
        ("192.0.2.1", "192.0.2.250", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("::ffff:192.0.2.1", "192.0.2.9", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("", "nonsense", True),
    ],
)
def test_which_addresses_are_one_network(one, other, is_same):
    assert (name_network(one) == name_network(other)) is is_same


def test_the_meter_counts_by_network_and_begins_anew():
    meter = LoadMeter()
    assert [meter.count("a", 1.0), meter.count("a", 2.0), meter.count("b", 2.0)] == [1, 2, 1]
    assert meter.count("a", WINDOW + 1.0) == 1
