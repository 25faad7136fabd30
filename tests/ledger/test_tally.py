import dataclasses
import json
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quilt.ledger.draw import build_key, draw_order
from quilt.ledger.refusals import DrawNeeded, PolicyRefused, StateRefused
from quilt.ledger.tally import (
    Tally,
    decide_places,
    encode_results,
    needs_draw,
    score_entries,
    withdraw_places,
)
from quilt.ledger.terms import Terms, build_policy, read_terms
from tests.ledger.books import TERMS, load_verifier, make_book

VERIFIER = load_verifier()
HEAD = bytes(range(32))


def make_tally(
    counted: dict[int, int],
    strong: dict[int, int] | None = None,
    points: dict[int, int] | None = None,
    out: set[int] | None = None,
) -> Tally:
    empty = {"recorded": 0, "held": 1, "rejected": 2, "withdrawn": 0}
    votes = {entry: {**empty, "counted": number} for entry, number in counted.items()}
    return Tally(99, votes, strong or {}, points or {}, frozenset(out or ()))


def make_terms(**changes: object) -> Terms:
    return dataclasses.replace(TERMS, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("counted", "out", "places"),
    [
        ({}, set(), []),
        ({1: 0, 2: 0}, set(), []),
        ({1: 3, 2: 5, 3: 4}, set(), [2, 3, 1]),
        ({1: 3, 2: 5, 3: 4, 4: 1}, set(), [2, 3, 1]),
        ({1: 3, 2: 5, 3: 4, 4: 1}, {2}, [3, 1, 4]),
        ({1: 3, 2: 5, 3: 4, 4: 1, 5: 1}, set(), [2, 3, 1]),  # level behind the last place: no draw
    ],
)
def test_places_without_a_draw(counted: dict[int, int], out: set[int], places: list[int]) -> None:
    tally = make_tally(counted, out=out)
    assert decide_places(tally, TERMS, HEAD, None) == places
    assert decide_places(tally, TERMS, HEAD, "2.5.8") == places
    assert not needs_draw(tally, TERMS)


@pytest.mark.parametrize("counted", [{4: 3, 9: 3}, {1: 9, 4: 3, 9: 3}, {1: 9, 2: 5, 4: 3, 9: 3}])
def test_level_entries_wait_for_the_draw(counted: dict[int, int]) -> None:
    tally = make_tally(counted)
    with pytest.raises(DrawNeeded, match="4, 9") as refusal:
        decide_places(tally, TERMS, HEAD, None)
    assert refusal.value.entries == [4, 9]
    before = len(counted) - 2
    drawn = draw_order([4, 9], build_key(HEAD.hex(), "2.5.8", str(before + 1)))
    assert decide_places(tally, TERMS, HEAD, "2.5.8") == [*sorted(counted)[:before], *drawn][:3]
    with pytest.raises(ValueError, match="public value"):
        decide_places(tally, TERMS, HEAD, "2/5/8")


def test_the_draw_hangs_on_the_head_and_on_the_value() -> None:
    tally = make_tally({entry: 1 for entry in range(1, 40)})
    terms = make_terms(places=39)
    orders = {
        tuple(decide_places(tally, terms, head, value)) for head in (HEAD, bytes(32)) for value in ("1", "2")
    }
    assert len(orders) == 4


def test_more_votes_with_a_stronger_proof_win_where_the_policy_says_so() -> None:
    tally = make_tally({4: 3, 9: 3}, strong={9: 1})
    assert decide_places(tally, make_terms(tie_breaks=("stronger", "draw")), HEAD, None) == [9, 4]
    with pytest.raises(DrawNeeded):
        decide_places(tally, TERMS, HEAD, None)


def test_the_judges_share_of_a_score() -> None:
    tally = make_tally({1: 100, 2: 50, 5: 400}, points={1: 10, 2: 40, 3: 20, 5: 80}, out={5})
    scores = score_entries(tally, make_terms(judges_share=30))
    assert scores == {
        1: 70 + Fraction(30 * 10, 40),
        2: 35 + 30,
        3: Fraction(30 * 20, 40),
    }
    assert decide_places(tally, make_terms(judges_share=30), HEAD, None) == [1, 2, 3]
    assert decide_places(tally, make_terms(judges_share=100), HEAD, None) == [2, 3, 1]
    assert score_entries(tally, TERMS) == {1: 100, 2: 50}


def test_results_are_not_final_before_every_vote_has_a_decision() -> None:
    book = make_book({17: 2})
    book.cast(17)
    book.close_batch()
    with pytest.raises(StateRefused, match="not yet decided"):
        book.results()
    assert json.loads(book.results(is_final=False))["places"] == []


def test_a_value_that_was_not_needed_is_left_out() -> None:
    tally = make_tally({1: 3, 2: 2})
    assert json.loads(encode_results(tally, TERMS, HEAD, True, "2.5.8"))["draw"] is None
    level = json.loads(encode_results(make_tally({1: 3, 2: 3}), TERMS, HEAD, True, "2.5.8"))
    assert level["draw"] == {"source": TERMS.draw_source, "value": "2.5.8"}


def test_withdrawn_results_are_those_from_before_they_were_final() -> None:
    for tally, value in ((make_tally({1: 3, 2: 2}), None), (make_tally({1: 3, 2: 3}), "2.5.8")):
        final = encode_results(tally, TERMS, HEAD, True, value)
        assert withdraw_places(final) == encode_results(tally, TERMS, HEAD, False) != final


def test_a_vote_of_a_tier_that_does_not_count_is_not_counted() -> None:
    book = make_book({17: 2})
    index, _ = book.cast(17, tier="device")
    book.decide([index], "counted")
    book.close_batch()
    with pytest.raises(StateRefused, match="device"):
        book.results()


@settings(max_examples=200)
@given(
    st.dictionaries(st.integers(1, 9), st.integers(0, 4)),
    st.dictionaries(st.integers(1, 9), st.integers(0, 4)),
    st.dictionaries(st.integers(1, 9), st.integers(0, 4)),
    st.sets(st.integers(1, 9), max_size=3),
    st.sampled_from([0, 30, 100]),
    st.sampled_from([("draw",), ("stronger", "draw")]),
)
def test_the_verifier_finds_the_same_places(
    counted: dict[int, int],
    strong: dict[int, int],
    points: dict[int, int],
    out: set[int],
    share: int,
    ties: tuple[str, ...],
) -> None:
    terms = make_terms(judges_share=share, tie_breaks=ties)
    policy = json.loads(build_policy(terms, {}))
    tally = make_tally(counted, strong, points, out)
    groups = VERIFIER.rank_entries(tally.votes, VERIFIER.collections.Counter(strong), points, out, policy)
    places, is_drawn = VERIFIER.find_places(groups, policy, HEAD.hex(), "4.8.15")
    assert decide_places(tally, terms, HEAD, "4.8.15") == places
    assert needs_draw(tally, terms) == is_drawn


def test_a_policy_says_its_terms() -> None:
    policy = build_policy(TERMS, {"title": "Mutig", "evidence": "ab" * 32})
    assert read_terms(policy) == TERMS
    VERIFIER.check_policy(VERIFIER.read_json(policy, "policy.json"))
    with pytest.raises(ValueError, match="already"):
        build_policy(TERMS, {"places": 4})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("v", 2), ("v", True), ("contest", ""), ("contest", 5), ("contest", None), ("tiers", []), ("tiers", "email"),
        ("tiers", ["email", "email"]), ("tiers", ["E mail"]), ("tiers", [["email"]]), ("strong_tiers", None),
        ("places", 0), ("places", "2"), ("places", 1.0), ("runners_up", -1), ("judges_share", 101),
        ("judges_share", 12.5), ("judges_share", True), ("tie_breaks", []), ("tie_breaks", ["stronger"]),
        ("tie_breaks", ["draw", "stronger"]), ("tie_breaks", ["coin", "draw"]), ("tie_breaks", ["draw", "draw"]),
        ("draw_source", ""), ("draw_source", None), ("draw_source", "x" * 501),
    ],
)  # fmt: skip
def test_terms_by_which_nobody_can_count_are_refused(name: str, value: object) -> None:
    fields = json.loads(build_policy(TERMS, {}))
    for changed in ({**fields, name: value}, {key: fields[key] for key in fields if key != name}):
        policy = json.dumps(changed).encode()
        with pytest.raises(PolicyRefused):
            read_terms(policy)
        with pytest.raises(VERIFIER.Wrong):
            VERIFIER.check_policy(VERIFIER.read_json(policy, "policy.json"))


@pytest.mark.parametrize("policy", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"v":1,"v":1}', b"1"])
def test_other_bytes_are_no_policy(policy: bytes) -> None:
    with pytest.raises(PolicyRefused):
        read_terms(policy)
    with pytest.raises(VERIFIER.Wrong):
        VERIFIER.check_policy(VERIFIER.read_json(policy, "policy.json"))


def test_a_policy_that_says_a_thing_twice_is_refused() -> None:
    policy = build_policy(TERMS, {}).replace(b'"places": 2', b'"places": 9,\n "places": 2')
    assert json.loads(policy)["places"] == 2  # most readers take the last and say nothing
    with pytest.raises(PolicyRefused, match="once"):
        read_terms(policy)
    with pytest.raises(VERIFIER.Wrong, match="twice"):
        VERIFIER.read_json(policy, "policy.json")
