"""Truth tables of what an entry must be."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from quilt.entries import rules
from quilt.entries.rules import EntriesClosed, EntriesPaused, NotOpenYet, WrongState

GOOD = {"title": "A title", "cause": "A cause", "story": "A story.", "thanks": ""}
NOON = datetime(2026, 5, 1, 16, 0, tzinfo=UTC)  # 12:00 in New York


@dataclass
class Stretch:
    starts_at: datetime
    ends_at: datetime
    may_submit: bool = True
    paused_at: datetime | None = None
    resumed_at: datetime | None = None
    pause_reason: str = ""


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        pytest.param("title", "", "Give your entry a title.", id="B01-empty"),
        pytest.param("title", "   \n\t ", "Give your entry a title.", id="B01-spaces"),
        pytest.param("title", "\u200b\u200b\ufeff", "Give your entry a title.", id="B01-zero-width"),
        pytest.param("title", "\u202e\u2066", "Give your entry a title.", id="only-direction-marks"),
        pytest.param("title", "x" * 121, "Use at most 120 characters (you have 121).", id="one-too-long"),
        pytest.param("title", "x" * 100_001, "Use at most 120 characters (you have 100,001).", id="B02"),
        pytest.param("title", "x" * 120, None, id="just-fits"),
        pytest.param("title", "שלום", None, id="hebrew"),
        pytest.param("title", "👩‍👩‍👧", None, id="emoji"),
        pytest.param("cause", " ", "Say which cause it speaks for.", id="no-cause"),
        pytest.param("cause", "c" * 81, "Use at most 80 characters (you have 81).", id="long-cause"),
        pytest.param("story", "", "Tell the story in a few sentences.", id="no-story"),
        pytest.param("story", "s" * 5001, "Use at most 5,000 characters (you have 5,001).", id="long-story"),
        pytest.param("story", "<script>alert(1)</script>", None, id="B03-markup-is-text"),
        pytest.param("thanks", "", None, id="thanks-may-be-empty"),
        pytest.param("thanks", "t" * 281, "Use at most 280 characters (you have 281).", id="long-thanks"),
    ],
)
def test_texts(field: str, typed: str, message: str | None) -> None:
    assert rules.find_text_problems({**GOOD, field: typed}).get(field) == message


@pytest.mark.parametrize(
    ("video", "accepted", "missing"),
    [
        (("ready", ""), 2, []),
        (("processing", ""), 2, []),
        (("queued", ""), 2, []),
        (("parked", "We look into it."), 2, []),
        (("refused", "We could not read this as a video."), 2, ["video"]),
        ((None, ""), 2, ["video"]),
        (("ready", ""), 1, ["rights"]),
        (("ready", ""), None, ["rights"]),
    ],
)
def test_what_is_missing(video: tuple[str | None, str], accepted: int | None, missing: list[str]) -> None:
    assert list(rules.find_problems(GOOD, *video, accepted, 2)) == missing


def test_problems_come_in_the_order_of_the_steps() -> None:
    assert list(rules.find_problems({}, None, "", None, 1)) == ["title", "cause", "video", "story", "rights"]


@pytest.mark.parametrize(
    ("offset", "error"),
    [
        pytest.param(timedelta(milliseconds=-1), None, id="a-millisecond-before"),
        pytest.param(timedelta(0), EntriesClosed, id="at-the-close"),
        pytest.param(timedelta(milliseconds=1), EntriesClosed, id="B14"),
        pytest.param(timedelta(days=-3), NotOpenYet, id="before-the-start"),
        pytest.param(timedelta(hours=-2), EntriesPaused, id="at-the-pause"),
        pytest.param(timedelta(hours=-1), None, id="when-it-goes-on"),
    ],
)
def test_closing_time(offset: timedelta, error: type[Exception] | None) -> None:
    phases = [
        Stretch(NOON - timedelta(days=2), NOON, True, NOON - timedelta(hours=2), NOON - timedelta(hours=1)),
        Stretch(NOON, NOON + timedelta(days=1), may_submit=False),
    ]
    if error is None:
        rules.check_open(phases, NOON + offset, "America/New_York")
    else:
        with pytest.raises(error):
            rules.check_open(phases, NOON + offset, "America/New_York")


def test_closing_words() -> None:
    closed = EntriesClosed(NOON, "America/New_York")
    assert closed.message == "Entries closed at 12:00 on 1 May (New York). Your draft is saved."
    with pytest.raises(EntriesClosed, match="takes no entries"):
        rules.check_open([], NOON, "UTC")


@pytest.mark.parametrize("act", ["send", "approve", "ask_changes", "reject"])
@pytest.mark.parametrize("state", ["draft", "submitted", "needs_changes", "rejected", "approved"])
def test_every_pair_of_state_and_act_is_decided(state: str, act: str) -> None:
    allowed = {"send": ("draft", "needs_changes")}.get(act, ("submitted",))
    if state in allowed:
        assert rules.next_state(rules.REVISION_MOVES, state, act)
    else:
        with pytest.raises(WrongState):
            rules.next_state(rules.REVISION_MOVES, state, act)


@pytest.mark.parametrize("entry_state", sorted({state for state, _ in rules.ENTRY_MOVES}))
@pytest.mark.parametrize("revision_state", ["draft", "needs_changes", "submitted", "approved", "rejected"])
def test_what_may_be_edited(entry_state: str, revision_state: str) -> None:
    is_open = {"draft": True, "needs_changes": True, "published": True}.get(entry_state, False)
    assert rules.may_edit(entry_state, revision_state) is (
        is_open and revision_state in ("draft", "needs_changes")
    )


def test_a_live_entry_stays_live_whatever_becomes_of_its_revision() -> None:
    acts = ("send", "approve", "ask_changes", "reject")
    assert [rules.ENTRY_MOVES["published", act] for act in acts] == ["published"] * 4


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Mateo's first steps", "mateos-first-steps"),
        ("Ünïcode — Straße", "unicode-strasse"),
        ("日本語", "entry"),
        ("../../etc", "etc"),
        ("a" * 200, "a" * 60),
    ],
)
def test_slugs(title: str, slug: str) -> None:
    assert rules.make_slug(title) == slug


def test_tidied_text_keeps_paragraphs_and_loses_tricks() -> None:
    assert rules.tidy_paragraphs("One\r\n\r\n\r\n\r\nTwo \u202e\u200bx") == "One\n\nTwo x"
    assert rules.tidy_line("a" + "\u0301" * 300) == "á" + "\u0301" * 4
    assert rules.tidy_line("\ud800 lone") == "lone"
