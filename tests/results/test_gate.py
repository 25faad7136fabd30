"""The gate's answers, and held votes that could change a place, against brute force."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quilt.ledger.leaves import COUNTED, HELD, STATES
from quilt.ledger.tally import Tally, decide_places, score_entries
from quilt.ledger.terms import Terms
from quilt.results.gate import GateFacts, ResultRefused, check_gate, check_step, find_doubtful

FINE = GateFacts(
    is_voting_over=True, waiting=0, is_last_head=True, audited=100, differences=0, ballots=9, needs_judges=False,
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
        {"ballots": 0},
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
        ([(10, 0), (0, 1)], 2, [2]),  # the second place is free
    ],
)
def test_held_votes_that_could_change_a_paid_place_are_found(entries, places, doubtful):
    counted, rules = tally(*entries), terms(places)
    order = decide_places(counted, rules, b"", "1")
    assert find_doubtful(counted, rules, order) == doubtful


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), min_size=2, max_size=4),
    st.integers(1, 2),
    st.sampled_from([0, 30, 50]),
    st.permutations([0, 300, 800, 1_000]),
)
@example(
    [(10, 3), (6, 1), (9, 4), (1, 0)], 1, 50, [500, 900, 0, 1_000]
)  # two that rise together change the first
def test_a_place_is_doubtful_just_where_some_choice_of_held_votes_changes_it(
    entries, places, share, given_points
):
    points = {number: given_points[number - 1] for number in range(1, len(entries) + 1)} if share else {}
    counted, rules = tally(*entries, points=points), terms(places, share)
    order = decide_places(counted, rules, b"", "1")
    before = score_entries(counted, rules)
    choices = itertools.product(*(range(held + 1) for _, held in entries))
    changed = any(is_changed(before, after, order[:places], places) for after in (
        score_entries(tally(*((votes + more, 0) for (votes, _), more in zip(entries, chosen, strict=True)), points=points), rules)
        for chosen in choices
    ))  # fmt: skip
    assert bool(find_doubtful(counted, rules, order)) == changed


def is_changed(before, after, paid, places):
    """Whether somebody came level with or passed one ahead of them at a paid place, or took one that was free."""
    for rank, holder in enumerate(paid):
        for entry in after.keys() - set(paid[: rank + 1]):
            lead = after.get(holder, 0) - after[entry]
            if lead <= 0 and lead < before.get(holder, 0) - before.get(entry, 0):
                return True
    return len(paid) < places and len(after.keys() - set(paid)) > 0


@pytest.mark.parametrize("state, step", [("promised", "verified"), ("verified", "paid"), ("paid", "told")])
def test_a_prize_goes_step_by_step(state, step):
    check_step(state, step)
    for wrong in {"verified", "paid", "told"} - {step}:
        with pytest.raises(ResultRefused):
            check_step(state, wrong)
