"""Lines of the ledger: one spelling each, and the verifier reads exactly those that the core writes."""

import itertools
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quilt.ledger.canonical import MAX_LINE_BYTES, read_time, spell_hour, spell_time
from quilt.ledger.commitments import blind_voter, commit_to_vote
from quilt.ledger.decisions import build_decisions, join_ranges
from quilt.ledger.leaves import (
    ACTORS,
    MAX_RANGES,
    STATES,
    DecisionLeaf,
    EntryLeaf,
    JudgesLeaf,
    Leaf,
    VoteLeaf,
    decode_leaf,
    encode_leaf,
)
from quilt.ledger.refusals import LeafRefused, LedgerRefused
from tests.ledger.books import CONTEST, load_verifier

VERIFIER = load_verifier()
OF_THE_PLACE = ("says of an entry what is so already", "of another contest")  # not of the line itself
PATTERNS = (VERIFIER.VOTE, VERIFIER.DECISION, VERIFIER.RUNNING, VERIFIER.JUDGES)

numbers = st.integers(0, 2**63 - 1)
tags = st.from_regex("[a-z0-9][a-z0-9_.-]{0,31}", fullmatch=True)
periods = st.sampled_from(["", "2026-05-10", "2026-W19"])
ranges = st.sets(st.integers(0, 200), min_size=1, max_size=20).map(lambda picked: tuple(join_ranges(picked)))
leaves = st.one_of(
    st.builds(
        VoteLeaf, st.just(CONTEST), numbers, periods, tags, st.just("2026-05-10T23Z"), st.binary(min_size=32, max_size=32)
    ),
    st.builds(
        DecisionLeaf, st.just(CONTEST), ranges, st.sampled_from(STATES[1:]), st.sampled_from(ACTORS), tags, tags
    ),
    st.builds(EntryLeaf, st.just(CONTEST), numbers, st.booleans(), st.sampled_from(ACTORS), tags),
    st.builds(JudgesLeaf, st.just(CONTEST), numbers, numbers),
)  # fmt: skip

VOTE = encode_leaf(VoteLeaf(CONTEST, 17, "2026-05-10", "email", "2026-05-10T12Z", bytes(32)))
DECISION = encode_leaf(DecisionLeaf(CONTEST, ((0, 3), (5, 5)), "held", "rules", "lockstep", "2026-05-01.1"))


def does_core_read(line: bytes) -> bool:
    try:
        decode_leaf(line)
    except LeafRefused:
        return False
    return True


def does_verifier_read(line: bytes) -> bool:
    count = VERIFIER.Count(CONTEST)
    count.states = bytearray(300)  # votes 0 to 299 are there to be decided about
    if VERIFIER.DECISION.fullmatch(line):
        return does_verifier_take_ranges(line)
    try:
        count.add(line)
    except VERIFIER.Wrong as wrong:
        return any(words in str(wrong) for words in OF_THE_PLACE)
    return True


def does_verifier_take_ranges(line: bytes) -> bool:
    pairs = json.loads(line)["votes"]
    flat = [-2]
    for first, last in pairs:
        if first <= flat[-1] + 1 or last < first or last >= 2**63:
            return False
        flat += [first, last]
    return len(pairs) <= VERIFIER.MOST_RANGES


def test_the_lines_as_they_are_published() -> None:
    assert VOTE == (
        b'{"at":"2026-05-10T12Z","commit":"' + b"0" * 64 + b'","contest":"courage-2026","entry":17,'
        b'"kind":"vote","period":"2026-05-10","tier":"email","v":1}'
    )
    assert DECISION == (
        b'{"actor":"rules","contest":"courage-2026","kind":"decision","reason":"lockstep",'
        b'"rules":"2026-05-01.1","state":"held","v":1,"votes":[[0,3],[5,5]]}'
    )


@given(leaves)
def test_a_line_says_its_leaf_and_has_one_reader(leaf: Leaf) -> None:
    line = encode_leaf(leaf)
    assert decode_leaf(line) == leaf
    assert len(line) <= MAX_LINE_BYTES
    assert sum(pattern.fullmatch(line) is not None for pattern in PATTERNS) == 1


@given(leaves, st.data())
def test_a_changed_line_is_another_leaf_or_none(leaf: Leaf, data: st.DataObject) -> None:
    line = bytearray(encode_leaf(leaf))
    line[data.draw(st.integers(0, len(line) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert does_core_read(bytes(line)) == does_verifier_read(bytes(line))
    if does_core_read(bytes(line)):
        assert decode_leaf(bytes(line)) != leaf


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{}", b"[]", b"null", b"\xff", b"[" * 60_000, VOTE + b"\n", b" " + VOTE, VOTE[:-1], VOTE + b"}",
        VOTE.replace(b":17", b":17.0"), VOTE.replace(b":17", b":1.7e1"), VOTE.replace(b":17", b":-0"),
        VOTE.replace(b":17", b":017"), VOTE.replace(b":17", b":-17"), VOTE.replace(b":17", b":true"),
        VOTE.replace(b":17", b':"17"'), VOTE.replace(b":17", b":9223372036854775808"),
        VOTE.replace(b":17", b":" + b"9" * 5000), VOTE.replace(b'"v":1', b'"v":2'),
        VOTE.replace(b'"v":1', b'"v":true'), VOTE.replace(b'"v":1', b'"v":1,"x":1'),
        VOTE.replace(b'"entry":17', b'"entry":17,"entry":18'), VOTE.replace(b',"tier":"email"', b""),
        VOTE.replace(b":17,", b": 17,"), VOTE.replace(b"email", b"E-Mail"), VOTE.replace(b"email", b""),
        VOTE.replace(b"email", b"\\u0065mail"), VOTE.replace(b"email", "émail".encode()),
        VOTE.replace(b"12Z", b"24Z"), VOTE.replace(b"12Z", b"12:00Z"), VOTE.replace(b"2026-05-10T", b"2026-13-10T"),
        VOTE.replace(b'period":"2026-05-10"', b'period":"2026-W54"'), VOTE.replace(b'"vote"', b'"entry"'),
        VOTE.replace(b'"vote"', b'"bribe"'), VOTE.replace(b"0" * 64, b"0" * 63), VOTE.replace(b"0" * 64, b"A" * 64),
        VOTE.replace(b"courage-2026", b"-"), VOTE.replace(b"courage-2026", b"c" * 65),
        DECISION.replace(b"[[0,3],[5,5]]", b"[]"), DECISION.replace(b"[0,3]", b"[3,0]"),
        DECISION.replace(b"[0,3]", b"[0]"), DECISION.replace(b"[0,3]", b"[0,3,4]"),
        DECISION.replace(b"[0,3]", b"[0,4]"), DECISION.replace(b"[0,3],[5,5]", b"[5,5],[0,3]"),
        DECISION.replace(b"[0,3],[5,5]", b"[0,3],[3,5]"), DECISION.replace(b"[0,3]", b"[-1,3]"),
        DECISION.replace(b"[0,3]", b"7"), DECISION.replace(b"held", b"recorded"), DECISION.replace(b"held", b"gone"),
        DECISION.replace(b'"rules","contest"', b'"ana","contest"'),
    ],
)  # fmt: skip
def test_other_bytes_are_no_leaf(line: bytes) -> None:
    assert not does_core_read(line)
    assert not does_verifier_read(line)


@pytest.mark.parametrize(
    "leaf",
    [
        VoteLeaf(CONTEST, -1, "", "email", "2026-05-10T12Z", bytes(32)),
        VoteLeaf(CONTEST, 1, "", "email", "2026-05-10T12:30Z", bytes(32)),
        VoteLeaf(CONTEST, 1, "", "email", "2026-05-10T12Z", bytes(31)),
        VoteLeaf("Two Words", 1, "", "email", "2026-05-10T12Z", bytes(32)),
        VoteLeaf(CONTEST, True, "", "email", "2026-05-10T12Z", bytes(32)),
        DecisionLeaf(CONTEST, (), "held", "rules", "lockstep", "1"),
        DecisionLeaf(CONTEST, ((0, 0),), "held", "ana@example.org", "lockstep", "1"),
        EntryLeaf(CONTEST, 1, False, "reviewer", "She is 15 years old"),
        JudgesLeaf(CONTEST, 1, -5),
    ],
)
def test_what_no_leaf_may_say_is_not_written(leaf: Leaf) -> None:
    encode_leaf(
        VoteLeaf(CONTEST, 1, "", "email", "2026-05-10T12Z", bytes(32))
    )  # whose spelling is remembered
    with pytest.raises(LeafRefused):
        encode_leaf(leaf)


@pytest.mark.parametrize("contest", [CONTEST, "0" * 64])
def test_votes_of_an_hour_differ_in_their_commitment(contest: str) -> None:
    for commitment in (bytes(32), b"\x01" * 32, bytes(32)):
        leaf = VoteLeaf(contest, 17, "2026-05-10", "email", "2026-05-10T12Z", commitment)
        fields = json.loads(encode_leaf(leaf))
        assert (fields["commit"], fields["contest"]) == (commitment.hex(), contest)
        assert decode_leaf(encode_leaf(leaf)) == leaf


@given(st.sets(st.integers(0, 300)))
def test_ranges_are_the_fewest_for_their_numbers(picked: set[int]) -> None:
    ranges = join_ranges(picked)
    assert [number for first, last in ranges for number in range(first, last + 1)] == sorted(picked)
    assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(ranges))


def test_scattered_votes_take_several_leaves_that_fit() -> None:
    picked = [2**62 + number for number in range(0, 2 * (2 * MAX_RANGES + 1), 2)]
    decisions = build_decisions(CONTEST, picked, "held", "rules", "r" * 32, "v" * 32)
    assert [len(leaf.votes) for leaf in decisions] == [MAX_RANGES, MAX_RANGES, 1]
    assert all(decode_leaf(encode_leaf(leaf)) == leaf for leaf in decisions)
    assert build_decisions(CONTEST, [], "held", "rules", "r", "v") == []


def test_a_commitment_hangs_on_everything_in_it() -> None:
    salt, key = bytes(32), b"a voter's key of any length"
    voter = blind_voter(salt, key)
    commitments = {
        commit_to_vote(salt, voter, CONTEST, 17, "2026-05-10"),
        commit_to_vote(b"\1" + salt[1:], voter, CONTEST, 17, "2026-05-10"),
        commit_to_vote(salt, blind_voter(salt, b"another"), CONTEST, 17, "2026-05-10"),
        commit_to_vote(salt, blind_voter(b"\1" + salt[1:], key), CONTEST, 17, "2026-05-10"),
        commit_to_vote(salt, voter, CONTEST, 18, "2026-05-10"),
        commit_to_vote(salt, voter, CONTEST, 17, "2026-05-11"),
        commit_to_vote(salt, voter, "another", 17, "2026-05-10"),
    }
    assert len(commitments) == 7
    for wrong in (salt[1:], b""):
        with pytest.raises(ValueError, match="32 bytes"):
            blind_voter(wrong, key)
        with pytest.raises(ValueError, match="32 bytes"):
            commit_to_vote(wrong, voter, CONTEST, 17, "")
        with pytest.raises(ValueError, match="32 bytes"):
            commit_to_vote(salt, wrong, CONTEST, 17, "")


def test_times_are_in_utc_and_cut() -> None:
    at = datetime(2026, 5, 10, 0, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert (spell_time(at), spell_hour(at)) == ("2026-05-09T22:59:59Z", "2026-05-09T22Z")
    assert read_time("2026-05-09T22:59:59Z") == datetime(2026, 5, 9, 22, 59, 59, tzinfo=UTC)
    with pytest.raises(ValueError, match="zone"):
        spell_time(at.replace(tzinfo=None))


@pytest.mark.parametrize(
    "text", ["", "2026-05-10T12:00:00", "2026-5-10T12:00:00Z", "2026-02-30T12:00:00Z", "now"]
)
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(LedgerRefused):
        read_time(text)
