"""The policy in words, and which policies there are."""

from dataclasses import replace
from datetime import timedelta

import pytest

from quilt.contests.policies import check_policy
from quilt.contests.policy_text import describe_policy, describe_result
from quilt.contests.queries import PhaseFacts, PolicyFacts
from quilt.contests.refusals import InvalidContest
from tests.conftest import NOW

ZONE = "America/New_York"
VOTING = PhaseFacts("Voting", NOW, NOW + timedelta(days=2), False, True, True, True)


@pytest.mark.parametrize(
    "period, limit, words",
    [
        ("contest", 1, "You may vote for one entry, once."),
        ("contest", None, "You may vote for as many entries as you like, once for each."),
        ("contest", 3, "You may vote for up to 3 entries, once for each."),
        ("day", 1, "You may vote for one entry a day, counted in New York’s time."),
        ("day", None, "You may vote once a day for each entry, counted in New York’s time."),
        ("day", 5, "You may vote for up to 5 entries a day, once for each, counted in New York’s time."),
        ("week", 1, "You may vote for one entry a week, counted in New York’s time, Monday to Sunday."),
    ],
)
def test_how_often_in_words(period, limit, words):
    assert describe_policy(PolicyFacts(period=period, limit_count=limit), ZONE)[:2] == [
        words,
        "Not for your own entry.",
    ]


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"may_vote_for_own": True}, "You may also vote for your own entry."),
        ({"tiers": "email"}, "A vote counts once you have confirmed it by a code sent to an e-mail address."),
        ({"tiers": "oauth,passkey"}, "confirmed it by a sign-in with another service or a passkey."),
        ({}, "A vote that was cast stays cast."),
        ({"revocable_until": NOW}, "You may take a vote back until 10 May 2026, 08:00 (New York)"),
        ({"revocable_until": NOW, "limit_count": 1}, "The vote is free for another entry then"),
        ({"counts": "day"}, "at the last midnight in New York"),
        ({"counts": "end"}, "shown when voting has closed"),
    ],
)
def test_the_rest_in_words(changes, words):
    assert words in " ".join(describe_policy(replace(PolicyFacts(), **changes), ZONE))


def test_the_way_to_the_places_in_words():
    plain = describe_result(PolicyFacts(runners_up=1))
    assert plain[0] == (
        "The first place is paid. One runner-up follows in order, should somebody ahead not be able to take the prize."
    )
    assert "There are no judges." in plain[1] and "drand" in plain[-1]
    judged = " ".join(describe_result(PolicyFacts(places=3, judges_share=30, tie_breaks="stronger,draw")))
    assert (
        "The first 3 places are paid." in judged and "30 % of a score" in judged and "still level" in judged
    )


@pytest.mark.parametrize(
    "field, value",
    [
        ("tiers", ""),
        ("tiers", "email,email"),
        ("tiers", "device"),
        ("period", "year"),
        ("limit_count", 0),
        ("limit_count", 1_001),
        ("counts", "never"),
        ("judges_share", -1),
        ("judges_share", 101),
        ("tie_breaks", "stronger"),
        ("tie_breaks", "draw,stronger"),
        ("places", 0),
        ("runners_up", -1),
        ("draw_source", " "),
        ("draw_source", "x" * 501),
        ("revocable_until", NOW),
        ("revocable_until", NOW + timedelta(days=2, seconds=1)),
    ],
)
def test_policies_that_nobody_could_vote_or_count_by(field, value):
    check_policy(PolicyFacts(revocable_until=VOTING.ends_at), (VOTING,))
    with pytest.raises(InvalidContest) as refusal:
        check_policy(replace(PolicyFacts(), **{field: value}), (VOTING,))
    assert refusal.value.field == field
