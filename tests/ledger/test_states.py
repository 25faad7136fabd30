"""Which state follows which, by whom: the core and the verifier agree on every sequence."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quilt.ledger.leaves import (
    ACTORS,
    STATES,
    DecisionLeaf,
    EntryLeaf,
    JudgesLeaf,
    Leaf,
    VoteLeaf,
    encode_leaf,
)
from quilt.ledger.refusals import StateRefused
from quilt.ledger.states import Ballots
from tests.ledger.books import CONTEST, load_verifier

VERIFIER = load_verifier()
ALLOWED = {
    "recorded>counted": "rules reviewer",
    "recorded>held": "rules reviewer",
    "recorded>withdrawn": "voter",
    "counted>held": "rules reviewer",
    "counted>withdrawn": "voter",
    "held>counted": "rules voter reviewer appeal",
    "held>rejected": "reviewer appeal",
    "held>withdrawn": "voter",
    "rejected>held": "reviewer appeal",
    "rejected>counted": "appeal",
}
WAYS = {  # how a vote comes into each state
    "recorded": [],
    "counted": [("counted", "rules")],
    "held": [("held", "rules")],
    "rejected": [("held", "rules"), ("rejected", "reviewer")],
    "withdrawn": [("withdrawn", "voter")],
}


def vote(number: int = 0, entry: int = 17, contest: str = CONTEST, tier: str = "email") -> VoteLeaf:
    return VoteLeaf(contest, entry, "", tier, "2026-05-10T12Z", number.to_bytes(32, "big"))


def decision(state: str, actor: str = "rules", *ranges: tuple[int, int]) -> DecisionLeaf:
    return DecisionLeaf(CONTEST, ranges or ((0, 0),), state, actor, "plain", "1")


def feed_both(leaves: list[Leaf]) -> tuple[Ballots, bool]:
    """Feed the core and the verifier until one refuses; both have to refuse the same leaf."""
    ballots, count = Ballots(CONTEST), VERIFIER.Count(CONTEST)
    for leaf in leaves:
        before = [ballots.state(index) for index in range(ballots.size)]
        refused = []
        try:
            ballots.add(leaf)
        except StateRefused as refusal:
            refused.append(str(refusal))
            assert [ballots.state(index) for index in range(ballots.size)] == before
        try:
            count.add(encode_leaf(leaf))
        except VERIFIER.Wrong as wrong:
            refused.append(str(wrong))
        assert len(refused) in (0, 2), (leaf, refused)
        if refused:
            return ballots, False
    states = [None if code == VERIFIER.NO_VOTE else VERIFIER.STATES[code] for code in count.states]
    assert states == [ballots.state(index) for index in range(ballots.size)]
    assert (count.out, count.points) == (ballots.out, ballots.points)
    return ballots, True


@pytest.mark.parametrize(("before", "after", "actor"), list(itertools.product(STATES, STATES[1:], ACTORS)))
def test_who_may_bring_a_vote_from_where_to_where(before: str, after: str, actor: str) -> None:
    leaves = [vote(), *(decision(state, who) for state, who in WAYS[before])]
    assert feed_both(leaves)[0].state(0) == before
    ballots, is_taken = feed_both([*leaves, decision(after, actor)])
    assert is_taken == (actor in ALLOWED.get(f"{before}>{after}", "").split())
    assert ballots.state(0) == (after if is_taken else before)


@pytest.mark.parametrize(
    "leaves",
    [
        [vote(1), vote(1)],
        [vote(1), vote(1, entry=18)],
        [vote(1, contest="another")],
        [decision("counted")],
        [vote(), decision("counted", "rules", (0, 1))],
        [vote(), decision("counted", "rules", (1, 1))],
        [vote(), decision("counted"), decision("held", "rules", (1, 1))],
        [vote(), decision("counted"), vote(1), decision("held", "rules", (0, 2))],
        [vote(), vote(1), decision("counted"), decision("counted", "rules", (0, 1))],
        [EntryLeaf(CONTEST, 17, True, "reviewer", "back")],
        [EntryLeaf(CONTEST, 17, False, "reviewer", "rules")] * 2,
        [JudgesLeaf("another", 17, 5)],
    ],
)
def test_leaves_that_cannot_stand_there(leaves: list[Leaf]) -> None:
    assert not feed_both(leaves)[1]


def test_a_decision_that_is_refused_in_part_changes_nothing() -> None:
    leaves = [vote(), vote(1), decision("held", "rules", (1, 1)), decision("held", "rules", (0, 1))]
    ballots, is_taken = feed_both(leaves)
    assert not is_taken
    assert [ballots.state(0), ballots.state(1), ballots.state(2)] == ["recorded", "held", None]


def test_votes_are_counted_by_entry_state_and_tier() -> None:
    leaves = [vote(0), vote(1), vote(2, 18, tier="oauth"), decision("counted", "rules", (1, 2))]
    ballots, is_taken = feed_both(
        [*leaves, JudgesLeaf(CONTEST, 17, 40), EntryLeaf(CONTEST, 18, False, "rules", "x")]
    )
    assert is_taken
    assert ballots.count() == {
        (17, "recorded", "email"): 1, (17, "counted", "email"): 1, (18, "counted", "oauth"): 1,
    }  # fmt: skip
    assert (ballots.points, ballots.out, ballots.size) == ({17: 40}, {18}, 6)


actions = st.one_of(
    st.builds(vote, st.integers(0, 12), st.integers(1, 3)),
    st.builds(
        lambda state, actor, first, length: decision(state, actor, (first, first + length)),
        st.sampled_from(STATES[1:]), st.sampled_from(ACTORS), st.integers(0, 6), st.integers(0, 2),
    ),
    st.builds(EntryLeaf, st.just(CONTEST), st.integers(1, 3), st.booleans(), st.just("rules"), st.just("x")),
    st.builds(JudgesLeaf, st.just(CONTEST), st.integers(1, 3), st.integers(0, 9)),
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(actions, max_size=14))
def test_the_core_and_the_verifier_take_the_same_leaves(leaves: list[Leaf]) -> None:
    feed_both(leaves)
