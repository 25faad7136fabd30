"""What a contest allows when: truth tables."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from quilt.contests.rules import (
    Action,
    Closed,
    NotOpen,
    Paused,
    check_may,
    describe_change,
    describe_pause,
    describe_refusal,
    find_change,
    find_counts_opening,
    find_pause,
    find_phase,
    hash_rules,
    is_over,
    is_voting_over,
    list_windows,
    may,
    shows_counts,
)

START = datetime(2026, 5, 1, 16, 0, tzinfo=UTC)
ZONE = "America/New_York"


@dataclass(frozen=True)
class P:
    name: str
    starts_at: datetime
    ends_at: datetime
    may_submit: bool = False
    may_vote: bool = False
    may_comment: bool = False
    shows_counts: bool = True
    paused_at: datetime | None = None
    resumed_at: datetime | None = None
    pause_reason: str = ""


def day(number: float) -> datetime:
    return START + timedelta(days=number)


# enter 0–4, both 4–5, a gap 5–6, vote 6–8 with hidden counts, look at the results 8–9
PHASES = (
    P("Enter", day(0), day(4), may_submit=True, may_comment=True),
    P("Enter and vote", day(4), day(5), may_submit=True, may_vote=True),
    P("Vote", day(6), day(8), may_vote=True, may_comment=True, shows_counts=False),
    P("Results", day(8), day(9), may_comment=True),
)


@pytest.mark.parametrize(
    "at, name, submit, vote, comment, counts",
    [
        (-0.001, None, False, False, False, False),
        (0, "Enter", True, False, True, True),
        (3.999, "Enter", True, False, True, True),
        (4, "Enter and vote", True, True, False, True),
        (5, None, False, False, False, True),
        (6, "Vote", False, True, True, False),
        (7.9999, "Vote", False, True, True, False),
        (8, "Results", False, False, True, True),
        (9, None, False, False, False, True),
        (400, None, False, False, False, True),
    ],
)
def test_switches(at, name, submit, vote, comment, counts):
    now = day(at)
    phase = find_phase(PHASES, now)
    assert (phase.name if phase else None) == name
    assert may(PHASES, Action.SUBMIT, now) is submit
    assert may(PHASES, Action.VOTE, now) is vote
    assert may(PHASES, Action.COMMENT, now) is comment
    assert shows_counts(PHASES, now) is counts


def test_a_gap_after_hidden_counts_keeps_them_hidden():
    phases = (P("Vote", day(0), day(1), shows_counts=False), P("Results", day(2), day(3)))
    assert not shows_counts(phases, day(1.5))


def test_a_contest_that_ended_with_hidden_counts_shows_them():
    assert shows_counts((P("Vote", day(0), day(1), shows_counts=False),), day(1))


@pytest.mark.parametrize(
    "at, action, refusal, when",
    [
        (-1, Action.VOTE, NotOpen, 4),
        (4, Action.VOTE, None, None),
        (5.5, Action.VOTE, NotOpen, 6),
        (8, Action.VOTE, Closed, 8),
        (5, Action.SUBMIT, Closed, 5),
        (4.5, Action.COMMENT, NotOpen, 6),
    ],
)
def test_check_may(at, action, refusal, when):
    if refusal is None:
        return check_may(PHASES, action, day(at))
    with pytest.raises(refusal) as caught:
        check_may(PHASES, action, day(at))
    assert caught.value.at == day(when)


def test_an_action_that_no_phase_allows_is_not_open_and_has_no_date():
    with pytest.raises(NotOpen) as caught:
        check_may(PHASES[:1], Action.VOTE, day(1))
    assert describe_refusal(caught.value, ZONE) == "Voting is not open yet, and no date is set."


def test_phases_that_touch_make_one_window():
    assert list_windows(PHASES, Action.SUBMIT) == ((day(0), day(5)),)
    assert list_windows(PHASES, Action.VOTE) == ((day(4), day(5)), (day(6), day(8)))


@pytest.mark.parametrize(
    "at, words",
    [
        (-1, "Entering opens 1 May 2026, 12:00 (New York)"),
        (1, "Voting opens 5 May 2026, 12:00 (New York)"),
        (4.5, "Voting closes 6 May 2026, 12:00 (New York)"),
        (5.5, "Voting opens 7 May 2026, 12:00 (New York)"),
        (7, "Voting closes 9 May 2026, 12:00 (New York)"),
    ],
)
def test_what_people_wait_for(at, words):
    assert describe_change(find_change(PHASES, day(at)), ZONE) == words


@pytest.mark.parametrize("at, opening", [(-1, 0), (1, None), (5.5, None), (6.5, 8), (8, None), (9, None)])
def test_from_when_on_votes_are_shown(at, opening):
    assert find_counts_opening(PHASES, day(at)) == (None if opening is None else day(opening))


def test_votes_hidden_to_the_end_are_shown_after_it():
    assert find_counts_opening((P("Vote", day(0), day(1), shows_counts=False),), day(0.5)) == day(1)
    assert find_counts_opening((), day(0)) is None


def test_nothing_is_waited_for_after_the_vote():
    assert find_change(PHASES, day(8)) is None
    assert find_change((), day(8)) is None


def test_when_it_is_over():
    assert not is_voting_over(PHASES, day(7.99)) and is_voting_over(PHASES, day(8))
    assert not is_over(PHASES, day(8.5)) and is_over(PHASES, day(9))
    assert not is_over((), day(0)) and not is_voting_over((), day(0))


def test_refusals_in_words():
    assert (
        describe_refusal(Closed(Action.VOTE, day(8)), ZONE) == "Voting closed 9 May 2026, 12:00 (New York)."
    )
    assert describe_refusal(NotOpen(Action.SUBMIT, day(0)), ZONE) == (
        "Entering is not open now. It opens 1 May 2026, 12:00 (New York)."
    )


def test_the_hash_of_the_rules():
    assert hash_rules("One vote.\r\nÉach.") == hash_rules("One vote.\nE\u0301ach.\n")
    assert hash_rules("One vote.") != hash_rules("One vote!")
    assert len(hash_rules("")) == 64


def test_a_pause_stops_entering_and_voting_but_not_talking():
    running = P("All", day(0), day(9), True, True, True, paused_at=day(2), resumed_at=day(3))
    for moment, is_open in ((1.99, True), (2, False), (2.99, False), (3, True)):
        for action in (Action.SUBMIT, Action.VOTE):
            assert may((running,), action, day(moment)) is is_open
        assert may((running,), Action.COMMENT, day(moment))
    assert not is_voting_over((running,), day(2.5))
    assert find_pause((running,), day(2)) is running and find_pause((running,), day(3)) is None
    assert find_pause((P("Looked through", day(0), day(9), paused_at=day(2)),), day(3)) is None
    assert describe_pause(running).startswith("Until it goes on, nobody can vote or send in an entry.")
    sooner = P("All", day(0), day(1), True, paused_at=day(0)), P("Vote", day(0), day(9), may_vote=True)
    assert find_change((running,), day(2)).action is find_change(sooner, day(0.5)).action is Action.VOTE
    open_end = P("All", day(0), day(9), may_vote=True, paused_at=day(2), pause_reason="A flood of bots.")
    with pytest.raises(Paused) as refusal:
        check_may((open_end,), Action.VOTE, day(8))
    assert (refusal.value.at, refusal.value.reason) == (day(2), "A flood of bots.")
    assert describe_refusal(refusal.value, ZONE) == "Voting is paused: A flood of bots."
    with pytest.raises(Closed):
        check_may((open_end,), Action.VOTE, day(9))
