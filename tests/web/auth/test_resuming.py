"""Pick up where you were: words and drafts that wait while their owner signs in, by a code or by a provider."""

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from quilt.accounts.models_identity import PendingAct
from quilt.accounts.pending import forget_old_acts, keep_act, put_back, take_act
from quilt.community.models import Comment
from quilt.config import Settings
from quilt.database import db
from quilt.entries.models import Entry, EntryRevision
from quilt.web.clock import entropy, now
from tests.conftest import NOW
from tests.factories import make_entry, make_user
from tests.issuer import Issuer
from tests.web.auth.provider_browser import Traveller, count, open_app, sign_in_settings
from tests.web.site.browsing import PERSON, make_open_contest, sign_in


@pytest.fixture
def browser(app: Flask, settings: Settings, issuer: Issuer) -> Iterator[Traveller]:
    with open_app(settings, **sign_in_settings(issuer)) as site:
        yield Traveller(site.test_client())


@pytest.fixture
def entry(app: Flask) -> Entry:
    return make_entry(make_open_contest())


def write(browser: Traveller, entry: Entry, text: str) -> object:
    page = browser.client.get(f"/entries/{entry.id}-{entry.slug}", headers=PERSON).text
    form = page[page.index("/comments/later") :]
    ticket = re.search(r'name="ticket" value="([^"]+)"', form)[1]
    return browser.client.post(
        f"/entries/{entry.id}/comments/later", data={"ticket": ticket, "text": text}, headers=PERSON
    )


def come_in(browser: Traveller, issuer: Issuer, mailed_code: Callable[[], str], way: str) -> object:
    if way == "provider":
        return browser.travel(issuer)
    browser.send("/sign-in", email="ana@example.org")
    return browser.send("/sign-in/code", page="/sign-in/code", code=mailed_code())


@pytest.mark.parametrize("way", ["code", "provider"])
def test_words_wait_and_are_added_once(
    browser: Traveller, issuer: Issuer, entry: Entry, mailed_code: Callable[[], str], way: str
) -> None:
    asked = write(browser, entry, "Go on!\n<b>")
    assert asked.status_code == 303 and asked.location.startswith("/sign-in?next=")
    assert "What you wrote is kept" in browser.get(asked.location).text and count(Comment) == 0
    done = come_in(browser, issuer, mailed_code, way)
    assert re.search(r"#comment-\d+$", done.location)
    assert db.session.scalars(select(Comment.text)).one() == "Go on!\n<b>"
    assert "is kept" not in browser.get("/sign-in").text
    come_in(browser, issuer, mailed_code, way)
    assert count(Comment) == 1


def test_words_that_do_not_fit_come_back_to_their_writer(
    browser: Traveller, issuer: Issuer, entry: Entry
) -> None:
    write(browser, entry, "x" * 1_001)
    page = browser.travel(issuer)
    assert page.status_code == 422 and "x" * 1_001 in page.text and browser.is_signed_in()


def test_words_are_kept_for_our_own_page_alone(browser: Traveller, entry: Entry) -> None:
    path = f"/entries/{entry.id}/comments/later"
    answer = browser.client.post(path, data={"text": "spam", "ticket": "made up"}, headers=PERSON)
    assert answer.status_code == 403 and count(PendingAct) == 0


def test_whoever_signed_in_in_another_tab_presses_once_more(browser: Traveller, entry: Entry) -> None:
    sign_in(browser.client, make_user())
    page = browser.client.post(f"/entries/{entry.id}/comments/later", data={"text": "Dear words"})
    assert page.status_code == 403 and "Dear words" in page.text and count(Comment) == 0


@pytest.mark.parametrize("way", ["code", "provider"])
def test_a_draft_begins_after_signing_in(
    browser: Traveller, issuer: Issuer, mailed_code: Callable[[], str], way: str
) -> None:
    contest = make_open_contest()
    asked = browser.send("/submit", page="/sign-in", contest_id=contest.id)
    assert asked.location == "/sign-in?next=/submit" and count(Entry) == 0
    done = come_in(browser, issuer, mailed_code, way)
    made = db.session.scalars(select(Entry)).one()
    assert done.location == f"/submit/{made.id}?step=cause"


@pytest.mark.parametrize(("story", "cause"), [("He walked.", "Reading"), ("ж" * 12_000, "🚌" * 12_000)])
def test_what_was_typed_after_a_session_ended_is_saved(
    browser: Traveller, issuer: Issuer, story: str, cause: str
) -> None:
    contest = make_open_contest()
    browser.travel(issuer)
    browser.send("/submit", contest_id=contest.id)
    draft = db.session.scalars(select(Entry)).one()
    token = browser.token(f"/submit/{draft.id}?step=cause")
    with browser.client.session_transaction() as session:  # it ends, and its form is still open
        for name in ("_user_id", "key"):
            session.pop(name, None)
    typed = {
        "csrf_token": token,
        "step": "cause",
        "title": "The bus",
        "story": story,
        "cause": cause,
        "edit_count": "0",
    }
    asked = browser.client.post(f"/submit/{draft.id}/draft", data=typed)
    assert asked.location.startswith("/sign-in?next=")
    done = browser.travel(issuer)
    assert done.location == f"/submit/{draft.id}?step=cause"
    db.session.rollback()
    revision = db.session.scalars(select(EntryRevision)).one()
    assert (revision.title, revision.story, revision.cause) == (
        "The bus",
        story,
        cause[: len(revision.cause)],
    )


def test_what_waits_is_not_for_somebody_else(browser: Traveller, issuer: Issuer) -> None:
    """Another person signs in where a draft's texts wait: they do not get them, and the draft stays."""
    draft = make_entry(make_open_contest(), state="draft")
    token = browser.token()
    typed = {"csrf_token": token, "step": "cause", "title": "Mine now", "edit_count": "0"}
    browser.client.post(f"/submit/{draft.id}/draft", data=typed)
    assert browser.travel(issuer).status_code == 404
    db.session.rollback()
    assert db.session.scalars(select(EntryRevision.title)).one() != "Mine now"
    assert browser.travel(issuer).status_code == 302, "what is not theirs stands in nobody's way"
    assert "is kept" in browser.get("/sign-in").text, "and waits for its owner"


def test_an_act_is_taken_once_and_forgotten_after_a_day(app: Flask) -> None:
    key = keep_act("vote", {"entry_id": 1}, NOW, entropy)
    act = take_act(key, NOW)
    assert act is not None and act.facts == {"entry_id": 1}
    assert take_act(key, NOW) is None and take_act("another", NOW) is None
    put_back(key)
    assert take_act(key, NOW) is not None
    keep_act("vote", {}, now(), entropy)
    assert (forget_old_acts(now()), count(PendingAct)) == (1, 1)
    with pytest.raises(ValueError):
        keep_act("comment", {"text": "x" * 300_001}, NOW, entropy)
