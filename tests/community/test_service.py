"""Comments: who may write them, what becomes of them."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from quilt.community.queries import find_comment_entry, list_comments
from quilt.community.rules import CommentTooLong, EmptyComment, NotYours, check_text
from quilt.community.service import NoSuchEntry, add_comment, remove_comment
from quilt.contests.rules import Closed, NotOpen
from quilt.database import db
from quilt.entries.models import Entry
from quilt.moderation.comments import set_comment_state
from quilt.moderation.models import ModerationLog
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user


def version_of(entry: Entry) -> int:
    return db.session.scalar(select(Entry.version).where(Entry.id == entry.id))


def test_a_comment_stands_and_makes_the_page_new(app):
    entrant, friend = make_user(name="Mateo"), make_user(name="Ana")
    entry = make_entry(entrant=entrant)
    before = version_of(entry)
    add_comment(entry.id, friend.id, "  Well   done!\r\n\r\n\r\n\r\nFrom all of us. ", NOW)
    add_comment(entry.id, entrant.id, "Thank you.", NOW + timedelta(minutes=1))
    answer, first = list_comments(entry.id)
    assert first.text == "Well done!\n\nFrom all of us."
    assert (first.author_name, first.is_entrant, answer.is_entrant) == ("Ana", False, True)
    assert find_comment_entry(first.id) == entry.id
    assert version_of(entry) == before + 2


@pytest.mark.parametrize(
    "text, refusal",
    [("", EmptyComment), (" \n\u200b\x00 ", EmptyComment), ("x" * 1001, CommentTooLong), ("x" * 1000, None)],
)
def test_what_fits(app, text, refusal):
    entry, person = make_entry(), make_user()
    if refusal is None:
        assert add_comment(entry.id, person.id, text, NOW)
        return
    with pytest.raises(refusal):
        add_comment(entry.id, person.id, text, NOW)
    assert list_comments(entry.id) == []


@pytest.mark.parametrize("length, words", [(1001, "1 character too"), (3000, "2,000 characters too")])
def test_too_long_says_by_how_much(length, words):
    with pytest.raises(CommentTooLong) as caught:
        check_text("x" * length)
    assert words in caught.value.message


@pytest.mark.parametrize("days, refusal", [(-6, NotOpen), (5, Closed)])
def test_only_while_the_phase_allows(app, days, refusal):
    entry, person = make_entry(), make_user()
    with pytest.raises(refusal):
        add_comment(entry.id, person.id, "Hello", NOW + timedelta(days=days))


@pytest.mark.parametrize("state", ["draft", "submitted", "withdrawn", "removed"])
def test_only_under_what_is_published(app, state):
    entry, person = make_entry(state=state), make_user()
    with pytest.raises(NoSuchEntry):
        add_comment(entry.id, person.id, "Hello", NOW)
    with pytest.raises(NoSuchEntry):
        add_comment(9_999, person.id, "Hello", NOW)
    hidden = make_entry(make_contest(is_published=False))
    with pytest.raises(NoSuchEntry):
        add_comment(hidden.id, person.id, "Hello", NOW)


def test_a_button_pressed_twice_adds_one(app):
    entry, person = make_entry(), make_user()
    first = add_comment(entry.id, person.id, "Hello", NOW)
    assert add_comment(entry.id, person.id, "Hello", NOW + timedelta(seconds=20)) == first
    assert add_comment(entry.id, person.id, "Hello", NOW + timedelta(minutes=5)) != first
    assert len(list_comments(entry.id)) == 2


def test_only_ones_own_is_taken_back(app):
    entry, person, stranger = make_entry(), make_user(), make_user()
    comment_id = add_comment(entry.id, person.id, "Hello", NOW)
    with pytest.raises(NotYours):
        remove_comment(comment_id, stranger.id)
    assert len(list_comments(entry.id)) == 1
    before = version_of(entry)
    remove_comment(comment_id, person.id)
    remove_comment(comment_id, person.id)
    assert list_comments(entry.id) == []
    assert find_comment_entry(comment_id) is None
    assert version_of(entry) == before + 1


def test_hiding_is_logged_and_can_be_undone(app):
    entry, person, moderator = make_entry(), make_user(), make_user(role="moderator")
    comment_id = add_comment(entry.id, person.id, "Hello", NOW)
    assert set_comment_state(comment_id, "hide", "rude", moderator.id, NOW)
    assert not set_comment_state(comment_id, "hide", "rude", moderator.id, NOW)
    assert list_comments(entry.id) == []
    assert set_comment_state(comment_id, "show", "", moderator.id, NOW)
    assert len(list_comments(entry.id)) == 1
    rows = db.session.scalars(select(ModerationLog).order_by(ModerationLog.id)).all()
    assert [(row.subject_kind, row.subject_id, row.action, row.words) for row in rows] == [
        ("comment", comment_id, "hide", "rude"),
        ("comment", comment_id, "show", ""),
    ]
    assert not set_comment_state(9_999, "hide", "", moderator.id, NOW)


def test_the_number_of_queries_does_not_grow_with_the_comments(app, count_queries):
    entry = make_entry()
    counts = []
    for size in (1, 2):
        for number in range(size):
            add_comment(entry.id, make_user().id, f"Hello {size} {number}", NOW)
        with count_queries() as queries:
            list_comments(entry.id)
        counts.append(len(queries))
    assert counts == [1, 1]
