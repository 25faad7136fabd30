from datetime import UTC, datetime, timedelta

import pytest

from quilt.votes.periods import find_next_period, name_period
from quilt.votes.rules import (
    BallotFacts,
    NotOnBallot,
    OwnEntry,
    Policy,
    VotingClosed,
    VotingNotOpen,
    check_vote,
    make_voter_key,
)

OPENS, CLOSES = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 31, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def policy(period: str = "contest", zone: str = "America/New_York", **values: object) -> Policy:
    fields = {"limit": 1, "may_vote_for_own": False, "windows": ((OPENS, CLOSES),), **values}
    return Policy(contest_id=1, time_zone=zone, period=period, voter_salt=b"salt", **fields)


@pytest.mark.parametrize(
    "now, state, contest_id, is_own, may_own, refusal",
    [
        (OPENS, "published", 1, False, False, None),
        (CLOSES - MOMENT, "published", 1, False, False, None),
        pytest.param(OPENS - MOMENT, "published", 1, False, False, VotingNotOpen, id="D10"),
        pytest.param(CLOSES, "published", 1, False, False, VotingClosed, id="D12"),
        (OPENS, "draft", 1, False, False, NotOnBallot),
        (OPENS, "withdrawn", 1, False, False, NotOnBallot),
        (OPENS, "published", 2, False, False, NotOnBallot),
        (OPENS, "published", 1, True, False, OwnEntry),
        (OPENS, "published", 1, True, True, None),
    ],
)
def test_check_vote(now, state, contest_id, is_own, may_own, refusal):
    facts = BallotFacts(state, contest_id, is_own)
    if refusal is None:
        check_vote(policy(may_vote_for_own=may_own), facts, now)
    else:
        with pytest.raises(refusal):
            check_vote(policy(may_vote_for_own=may_own), facts, now)


@pytest.mark.parametrize(
    "period, zone, now, name",
    [
        ("contest", "UTC", datetime(2026, 5, 2, tzinfo=UTC), ""),
        ("day", "UTC", datetime(2026, 5, 2, tzinfo=UTC), "2026-05-02"),
        ("day", "America/New_York", datetime(2026, 5, 2, 3, 59, tzinfo=UTC), "2026-05-01"),
        ("day", "America/New_York", datetime(2026, 5, 2, 4, 0, tzinfo=UTC), "2026-05-02"),
        ("day", "Pacific/Kiritimati", datetime(2026, 5, 2, 10, 0, tzinfo=UTC), "2026-05-03"),
        ("week", "UTC", datetime(2027, 1, 3, tzinfo=UTC), "2026-W53"),
        ("week", "UTC", datetime(2027, 1, 4, tzinfo=UTC), "2027-W01"),
    ],
)
def test_name_period(period, zone, now, name):
    assert name_period(period, zone, now) == name


def test_the_two_half_past_ones_of_an_autumn_night_are_one_day():
    rule = ("day", "America/New_York")
    first, second = datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    assert name_period(*rule, first) == name_period(*rule, second) == "2026-11-01"


@pytest.mark.parametrize(
    "period, now, begins",
    [
        ("contest", datetime(2026, 5, 2, tzinfo=UTC), None),
        ("day", datetime(2026, 5, 2, 12, tzinfo=UTC), datetime(2026, 5, 3, 4, tzinfo=UTC)),
        ("week", datetime(2026, 5, 2, 12, tzinfo=UTC), datetime(2026, 5, 4, 4, tzinfo=UTC)),
        ("day", datetime(2026, 5, 30, 12, tzinfo=UTC), None),
    ],
)
def test_the_next_period_begins_at_the_contest_s_midnight(period, now, begins):
    assert find_next_period(policy(period), now) == begins


def test_a_voter_s_keys_of_two_contests_cannot_be_joined():
    keys = {make_voter_key("secret", salt, "ana@example.org") for salt in (b"one", b"two")}
    assert len(keys) == 2 and all(len(key) == 32 for key in keys)
