"""Setting contests up, and finding them."""

from datetime import timedelta

import pytest

from quilt.contests.queries import (
    PhaseFacts,
    PolicyFacts,
    find_contest,
    find_contest_by_id,
    list_contests,
    pick_face,
)
from quilt.contests.service import InvalidContest, create_contest
from tests.conftest import NOW
from tests.factories import make_contest

POLICY = PolicyFacts(period="day", limit_count=1)


def phase(start: float = -1, end: float = 1, name: str = "Voting") -> PhaseFacts:
    return PhaseFacts(name, NOW + timedelta(days=start), NOW + timedelta(days=end), True, True, True, True)


def create(**values):
    settings = {
        "slug": "spring", "title": "Spring", "time_zone": "Europe/Paris", "phases": [phase()],
        "policy": POLICY, "now": NOW, "entropy": bytes,
    }  # fmt: skip
    return create_contest(**{**settings, **values})


def test_a_contest_is_created_whole(app):
    contest_id = create(intro="Hello", prize_text="$10,000", rules_text="Be kind.")
    contest = find_contest("spring")
    assert contest.id == contest_id
    assert contest == find_contest_by_id(contest_id)
    assert (contest.phases, contest.policy) == ((phase(),), POLICY)
    assert (contest.intro, contest.prize_text, contest.rules_version) == ("Hello", "$10,000", 1)


@pytest.mark.parametrize("limit", [None, 1, 3])
def test_the_limit_of_votes_is_kept_as_it_was_set(app, limit):
    create(policy=PolicyFacts(limit_count=limit))
    assert find_contest("spring").policy.limit_count == limit


@pytest.mark.parametrize(
    "field, values",
    [
        ("slug", {"slug": "Spring"}),
        ("slug", {"slug": ""}),
        ("slug", {"slug": "a--b"}),
        ("slug", {"slug": "spring\n"}),
        ("title", {"title": " "}),
        ("title", {"title": "x" * 121}),
        ("time_zone", {"time_zone": "Mars/Olympus"}),
        ("time_zone", {"time_zone": "../../etc/passwd"}),
        ("phases", {"phases": []}),
        ("phases", {"phases": [phase(1, 1)]}),
        ("phases", {"phases": [phase(0, 2), phase(1, 3, "Late")]}),
        ("period", {"policy": PolicyFacts(period="year", limit_count=1)}),
        ("limit_count", {"policy": PolicyFacts(period="day", limit_count=0)}),
    ],
)
def test_settings_that_make_no_contest(app, field, values):
    with pytest.raises(InvalidContest) as caught:
        create(**values)
    assert caught.value.field == field
    assert list_contests() == []


def test_an_address_is_taken_once(app):
    create()
    with pytest.raises(InvalidContest) as caught:
        create(title="Another")
    assert caught.value.field == "slug"
    assert len(list_contests()) == 1


def test_what_is_not_published_is_not_found(app):
    contest_id = create(is_published=False)
    assert find_contest("spring") is None
    assert find_contest_by_id(contest_id) is None
    assert list_contests() == []


@pytest.mark.parametrize(
    "days, face",
    [
        (-20, "over"),  # nothing is open: the next to open
        (-8, "over"),  # the only one that is open
        (-2.5, "over"),  # nothing is open, the vote has just ended: its result
        (0, "short"),  # two are open: the one that ends sooner
        (1.5, "short"),
        (2.5, "next"),
        (5, "long"),
        (20, "long"),
        (100, "long"),  # a month after the last: still the one that ended last
    ],
)
def test_the_contest_of_the_first_page(app, days, face):
    make_contest("over", opens=NOW - timedelta(days=9), closes=NOW - timedelta(days=3))
    make_contest("long", opens=NOW - timedelta(days=2), closes=NOW + timedelta(days=9))
    make_contest("short", opens=NOW - timedelta(days=2), closes=NOW + timedelta(days=2))
    make_contest("next", opens=NOW + timedelta(days=1), closes=NOW + timedelta(days=3))
    assert pick_face(list_contests(), NOW + timedelta(days=days)).slug == face


def test_no_contest_has_no_face():
    assert pick_face([], NOW) is None
