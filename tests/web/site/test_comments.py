"""Comments, as a browser without scripts sees them."""

import re

import pytest
from sqlalchemy import func, select

from quilt.accounts.service import create_user
from quilt.community.models import Comment
from quilt.community.queries import list_comments
from quilt.community.service import add_comment
from quilt.database import db
from quilt.moderation.models import ModerationLog
from quilt.web.clock import now
from tests.factories import make_entry, make_user
from tests.web.site.browsing import PERSON, make_open_contest, open_page, post, sign_in


@pytest.fixture
def entry(app):
    return make_entry(make_open_contest(), make_user(name="Mateo"), slug="steps")


def comments_of(entry):
    db.session.rollback()
    return list_comments(entry.id)


def test_a_comment_is_added_and_shown(client, entry):
    sign_in(client, make_user(name="Ana"))
    answer = post(client, f"/entries/{entry.id}/comments", text="So <b>brave</b>!\r\n\r\nThank you.")
    (comment,) = comments_of(entry)
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith(f"-steps#comment-{comment.id}")
    page = open_page(client, f"/entries/{entry.id}-steps")
    assert "So &lt;b&gt;brave&lt;/b&gt;!" in page.text and "Take it back" in page.text
    assert "Made this film" not in page.text


def test_the_entrant_is_marked(client, entry):
    add_comment(entry.id, entry.entrant_id, "Thank you all.", now())
    assert "Made this film" in open_page(client, f"/entries/{entry.id}-steps").text


def test_others_see_the_comment_and_no_buttons(client, entry):
    add_comment(entry.id, make_user().id, "Hello", now())
    page = open_page(client, f"/entries/{entry.id}-steps")
    assert "Hello" in page.text
    for words in ("Take it back", ">Hide<"):
        assert words not in page.text
    assert "Sign in and add your words" in page.text


@pytest.mark.parametrize(
    "text, words", [("", "Write a few words first."), ("x" * 1001, "1 character too long")]
)
def test_a_refusal_keeps_the_words(client, entry, text, words):
    sign_in(client, make_user())
    answer = post(client, f"/entries/{entry.id}/comments", text=text)
    assert answer.status_code == 422
    assert words in answer.text and f">{text}</textarea>" in answer.text
    assert comments_of(entry) == []


def test_after_the_close_it_says_so_and_keeps_the_words(client):
    entry = make_entry(make_open_contest(days=(-5, -1)))
    sign_in(client, make_user())
    answer = post(client, f"/entries/{entry.id}/comments", text="Too late?")
    assert answer.status_code == 409
    assert "Commenting closed" in answer.text and "Too late?" in answer.text


def test_without_a_name_to_it_there_is_no_comment(client, entry):
    answer = post(client, f"/entries/{entry.id}/comments", text="Hello")
    assert answer.status_code == 302 and "/sign-in" in answer.headers["Location"]
    assert comments_of(entry) == []


def test_without_the_forms_token_there_is_no_comment(client, entry):
    sign_in(client, make_user())
    assert client.post(f"/entries/{entry.id}/comments", data={"text": "Hello"}).status_code == 403
    assert comments_of(entry) == []


def test_only_the_author_takes_it_back(client, entry):
    author, stranger = make_user(), make_user()
    comment_id = add_comment(entry.id, author.id, "Hello", now())
    sign_in(client, stranger)
    assert post(client, f"/comments/{comment_id}/remove").status_code == 404
    assert len(comments_of(entry)) == 1
    sign_in(client, author)
    assert post(client, f"/comments/{comment_id}/remove").status_code == 303
    assert post(client, f"/comments/{comment_id}/remove").status_code == 404
    assert comments_of(entry) == []


def test_staff_hide_a_comment_and_the_log_keeps_it(client, entry):
    comment_id = add_comment(entry.id, make_user().id, "Rude words", now())
    sign_in(client, make_user())
    assert post(client, f"/comments/{comment_id}/hide").status_code == 404
    moderator = make_user(role="moderator")
    sign_in(client, moderator)
    assert ">Hide<" in open_page(client, f"/entries/{entry.id}-steps").text
    assert post(client, f"/comments/{comment_id}/hide", words="Rude").status_code == 303
    assert "Rude words" not in open_page(client, f"/entries/{entry.id}-steps").text
    db.session.rollback()
    row = db.session.scalars(select(ModerationLog)).one()
    assert (row.subject_kind, row.subject_id, row.action, row.actor_id) == (
        "comment",
        comment_id,
        "hide",
        moderator.id,
    )
    assert db.session.scalar(select(func.count()).select_from(Comment)) == 1


@pytest.mark.parametrize("path", ["/comments/999/remove", "/comments/99999999999999999999/hide"])
def test_comments_that_are_not_there(client, path):
    sign_in(client, make_user(role="admin"))
    assert post(client, path).status_code == 404


def test_a_name_comes_with_the_first_comment(client, entry):
    sign_in(client, make_user(name=""))
    assert 'id="comment-name"' in open_page(client, f"/entries/{entry.id}-steps").text
    post(client, f"/entries/{entry.id}/comments", text="So brave!", name=" Rosa ")
    assert [comment.author_name for comment in comments_of(entry)] == ["Rosa"]
    assert 'id="comment-name"' not in open_page(client, f"/entries/{entry.id}-steps").text
    post(client, f"/entries/{entry.id}/comments", text="Once more.", name="Ana")
    assert [comment.author_name for comment in comments_of(entry)] == ["Rosa", "Rosa"]


def test_a_name_that_will_not_do_keeps_the_words_and_itself(client, entry):
    sign_in(client, make_user(name=""))
    answer = post(client, f"/entries/{entry.id}/comments", text="So brave!", name="R" * 61)
    assert answer.status_code == 422
    assert "Use at most 60 characters." in answer.text and f'value="{"R" * 61}"' in answer.text
    assert ">So brave!</textarea>" in answer.text and 'id="comment-error"' not in answer.text
    assert comments_of(entry) == []


def test_a_stranger_s_name_waits_with_the_words(client, entry):
    page = open_page(client, f"/entries/{entry.id}-steps").text
    ticket = re.search(r'name="ticket" value="([^"]+)"', page)[1]
    fields = {"ticket": ticket, "text": "So brave!", "name": "Rosa"}
    client.post(f"/entries/{entry.id}/comments/later", data=fields, headers=PERSON)
    user = create_user("rosa@example.org", now=now(), password="a long way to the sea")
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/sign-in").text)[1]
    told = {"csrf_token": token, "email": user.email, "password": "a long way to the sea"}
    assert client.post("/sign-in/password", data=told).status_code == 303
    assert [(comment.author_name, comment.text) for comment in comments_of(entry)] == [("Rosa", "So brave!")]
