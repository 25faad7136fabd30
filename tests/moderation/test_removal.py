"""A published entry is taken out of the contest and put back, each time with a row of the log and a letter."""

import pytest
from sqlalchemy import select

from quilt.config import Settings
from quilt.contests.models import Contest
from quilt.database import db, write
from quilt.entries.models import Entry
from quilt.letters import composer
from quilt.mail import MailMessage
from quilt.moderation.queries import list_decisions
from quilt.moderation.removal import take_out_or_back
from quilt.moderation.rules import (
    AlreadyDecided,
    OwnEntry,
    PlacesFixed,
    ReasonMissing,
    TooManyWords,
    UnknownAction,
    WordsMissing,
)
from quilt.moderation.service import NotFound
from quilt.votes.settling import settle
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user
from tests.votes.ledgers import start_appeals
from tests.web.site.browsing import post, sign_in


def act(settings, entry_id, action, reason="", words="", actor=None):
    return take_out_or_back(
        entry_id, action, reason=reason, words=words, actor_id=(actor or make_user(role="moderator")).id, now=NOW,
        compose=composer(settings), base_url=settings.base_url,
    )  # fmt: skip


def read(entry_id):
    return db.session.get_one(Entry, entry_id, populate_existing=True)


@pytest.mark.parametrize(
    ("action", "reason", "state"), [("remove", "people", "removed"), ("disqualify", "votes", "disqualified")]
)
def test_out_and_back(app, client, settings: Settings, action, reason, state):
    entry = make_entry(None, make_user("ana@example.org"), title="The library bus")
    versions = entry.version, db.session.get_one(Contest, entry.contest_id).version
    assert client.get(f"/entries/{entry.id}-{entry.slug}").status_code == 200
    assert act(settings, entry.id, action, reason, "We are sorry.") == state
    assert client.get(f"/entries/{entry.id}-{entry.slug}").status_code == 404
    contest = db.session.get_one(Contest, entry.contest_id, populate_existing=True)
    assert (read(entry.id).version, contest.version) == (versions[0] + 1, versions[1] + 1)
    assert act(settings, entry.id, "restore", words="It was a mistake.") == "published"
    assert client.get(f"/entries/{entry.id}-{entry.slug}").status_code == 200
    rows = [(row.action, row.words) for row in list_decisions("entry", entry.id)]
    assert rows == [("restore", "It was a mistake."), (action, "We are sorry.")]
    letters = db.session.scalars(select(MailMessage).order_by(MailMessage.id)).all()
    assert [(mail.kind, mail.recipient) for mail in letters] == [
        ("entry_taken_out", "ana@example.org"), ("entry_published", "ana@example.org"),
    ]  # fmt: skip
    assert (
        "We are sorry." in letters[0].text and list_decisions("entry", entry.id)[1].reason in letters[0].text
    )


@pytest.mark.parametrize(
    ("action", "reason", "words", "refusal"),
    [
        ("approve", "", "", UnknownAction),
        ("remove", "", "Because.", ReasonMissing),
        ("remove", "votes", "", ReasonMissing),
        ("disqualify", "other", " ", WordsMissing),
        ("remove", "harm", "x" * 2001, TooManyWords),
        ("restore", "", "Wrong.", AlreadyDecided),
    ],
)
def test_what_is_no_decision_changes_nothing(app, settings: Settings, action, reason, words, refusal):
    entry = make_entry()
    with pytest.raises(refusal):
        act(settings, entry.id, action, reason, words)
    assert read(entry.id).state == "published" and list_decisions("entry", entry.id) == []


def test_two_at_once_make_one_decision(app, settings: Settings):
    entry, mo = make_entry(), make_user(name="Mo", role="moderator")
    act(settings, entry.id, "remove", "harm", actor=mo)
    with pytest.raises(AlreadyDecided, match="Mo already removed this"):
        act(settings, entry.id, "disqualify", "rules")


def test_H14_who_is_in_the_running_stays_as_a_final_result_has_it(app, settings: Settings):
    contest = make_contest()
    entry, out = make_entry(contest), make_entry(contest, state="disqualified")
    write(start_appeals, contest.id, out.id)
    write(settle, contest.id, NOW)
    with pytest.raises(PlacesFixed):
        act(settings, entry.id, "disqualify", "rules")
    with pytest.raises(PlacesFixed):
        act(settings, out.id, "restore", words="They did not.")
    assert (read(entry.id).state, read(out.id).state) == ("published", "disqualified")
    assert act(settings, entry.id, "remove", "law") == "removed", "what must not be shown never is"
    assert act(settings, entry.id, "restore", words="It may be shown.") == "published"


def test_nobody_decides_about_their_own_and_what_is_not_there_is_not_found(app, settings: Settings):
    mo = make_user(role="moderator")
    with pytest.raises(OwnEntry):
        act(settings, make_entry(None, mo).id, "remove", "harm", actor=mo)
    with pytest.raises(NotFound):
        act(settings, 999_999, "remove", "harm")


def test_from_the_desk_to_the_entrant_s_page(app, client, settings: Settings):
    ana = make_user("ana@example.org")
    entry = make_entry(None, ana, title="The library bus")
    sign_in(client, make_user(role="moderator"))
    page = f"/admin/entries/{entry.id}"
    assert "Take it out of the contest" in client.get(page).text
    refused = post(client, f"{page}/removal", action="disqualify", words="Typed already.")
    assert (
        refused.status_code == 422 and "Choose a reason" in refused.text and "Typed already." in refused.text
    )
    done = post(
        client,
        f"{page}/removal",
        action="disqualify",
        reason="disqualify:votes",
        words="We saw 40 bought votes.",
    )
    assert done.status_code == 303 and read(entry.id).state == "disqualified"
    shown = client.get(page).text
    assert "Put it back" in shown and "disqualified" in shown and "There is nothing to decide now." in shown
    entrant = app.test_client()
    sign_in(entrant, ana)
    own = entrant.get(f"/submit/{entry.id}", follow_redirects=True).text
    assert "Votes for it were bought" in own and "We saw 40 bought votes." in own
    assert "It is out of the contest." in entrant.get("/me").text
    assert post(client, f"{page}/removal", action="restore", words="They were not.").status_code == 303
    assert read(entry.id).state == "published"
