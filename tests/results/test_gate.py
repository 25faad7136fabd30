"""The gate's answers, and held votes that could change a place, against brute force."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quilt.ledger.leaves import COUNTED, HELD, STATES
from quilt.ledger.tally import Tally, decide_places, score_entries
from quilt.ledger.terms import Terms
from quilt.results.gate import GateFacts, ResultRefused, check_gate, check_step, find_doubtful

FINE = GateFacts(
    is_voting_over=True, waiting=0, is_last_head=True, audited=100, differences=0, needs_judges=False,
    is_panel_closed=False, are_points_in=True, open_appeals=0, doubtful=(), is_draw_missing=False,
)  # fmt: skip


def terms(places=1, judges_share=0):
    return Terms("contest", ("email",), (), places, 2, judges_share, ("draw",), "drawn numbers")


def tally(*entries, points=None):
    """Entries from 1 on, each (counted, held)."""
    votes = {
        number: {**dict.fromkeys(STATES, 0), COUNTED: counted, HELD: held}
        for number, (counted, held) in enumerate(entries, 1)
    }
    return Tally(0, votes, {}, points or {}, frozenset())


@pytest.mark.parametrize(
    ("is_closed", "are_in", "words"),
    [(False, False, "Nothing is needed"), (True, False, "Nothing is needed"), (True, True, "public value")],
)
def test_no_public_value_is_asked_for_before_the_judges_points_are_in(is_closed, are_in, words):
    facts = replace(
        FINE, needs_judges=True, is_panel_closed=is_closed, are_points_in=are_in, is_draw_missing=True
    )
    assert words in check_gate(facts)[-1].words and not check_gate(facts)[-1].is_fine


def test_a_gate_with_nothing_amiss_is_passed():
    checks = check_gate(FINE)
    assert len(checks) == 6 and all(check.is_fine for check in checks)


@pytest.mark.parametrize(
    "change",
    [
        {"is_voting_over": False},
        {"waiting": 1},
        {"is_last_head": False},
        {"audited": 0},
        {"differences": 1},
        {"open_appeals": 1},
        {"doubtful": (7,)},
        {"is_draw_missing": True},
        {"needs_judges": True},
        {"needs_judges": True, "is_panel_closed": True, "are_points_in": False},
    ],
    ids=lambda change: ",".join(change),
)
def test_each_thing_amiss_shuts_the_gate_alone(change):
    wrong = [check for check in check_gate(replace(FINE, **change)) if not check.is_fine]
    assert len(wrong) == 1 and wrong[0].words


@pytest.mark.parametrize(
    "entries, places, doubtful",
    [
        ([(10, 0), (5, 4)], 1, []),
        ([(10, 0), (5, 5)], 1, [2]),  # level is enough: a draw would follow
        ([(10, 9), (5, 0)], 1, []),  # the first only rises
        ([(10, 0), (8, 1), (5, 3)], 2, [3]),
        ([(10, 0), (8, 3), (5, 0)], 2, [2]),  # within the paid places, but another place
        ([(10, 0), (5, 0), (0, 10)], 1, [3]),
    ],
)
def test_held_votes_that_could_change_a_paid_place_are_found(entries, places, doubtful):
    counted, rules = tally(*entries), terms(places)
    order = decide_places(counted, rules, b"", "1")
    assert find_doubtful(counted, rules, order) == doubtful


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), min_size=2, max_size=4),
    st.integers(1, 2),
    st.booleans(),
)
def test_no_choice_of_held_votes_changes_a_place_that_was_not_doubtful(entries, places, has_judges):
    points = {number: 1_000 * number for number in range(1, len(entries) + 1)} if has_judges else {}
    counted, rules = tally(*entries, points=points), terms(places, 30 if has_judges else 0)
    order = decide_places(counted, rules, b"", "1")
    if find_doubtful(counted, rules, order):
        return
    before = score_entries(counted, rules)
    for chosen in itertools.product(*(range(held + 1) for _, held in entries)):
        trial = tally(
            *((votes + more, 0) for (votes, _), more in zip(entries, chosen, strict=True)), points=points
        )
        scores = score_entries(trial, rules)
        if has_judges and max(votes + more for (votes, _), more in zip(entries, chosen, strict=True)) > max(
            [1, *(votes for votes, _ in entries)]
        ):
            continue  # the measure of all votes moved: the trials of the gate look at its ends only
        for rank, holder in enumerate(order[:places]):
            behind = [entry for entry in scores if entry not in order[: rank + 1]]
            for entry in behind:
                was_level = before.get(entry) == before.get(holder)
                assert scores[entry] < scores[holder] or (was_level and scores[entry] == scores[holder])


@pytest.mark.parametrize("state, step", [("promised", "verified"), ("verified", "paid"), ("paid", "told")])
def test_a_prize_goes_step_by_step(state, step):
    check_step(state, step)
    for wrong in {"verified", "paid", "told"} - {step}:
        with pytest.raises(ResultRefused):
            check_step(state, wrong)
