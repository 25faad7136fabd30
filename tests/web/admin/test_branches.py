"""The desk's page of an entry's branches: out of the figures, and back."""

import re
import secrets
from datetime import timedelta

import pytest

from quilt.arrivals.fold import fold_entry
from quilt.arrivals.nodes import Visit
from quilt.arrivals.queries import get_measures
from quilt.arrivals.service import record_arrival
from quilt.database import db
from quilt.moderation.models import ModerationLog
from quilt.web.clock import now
from tests.conftest import NOW
from tests.factories import make_entry, make_user, save
from tests.web.site.test_submit import sign_in, token_of


@pytest.fixture
def ana(client):
    user = make_user(name="Ana", role="moderator")
    sign_in(client, user)
    return user


@pytest.fixture
def entry():
    return make_entry()


@pytest.fixture
def branch(app, ana, entry):
    """The number of somebody who brought six others; two more stand beside them."""

    def arrive(via=""):
        visit = Visit(entry.id, secrets.token_bytes(8), via=via, channel="wa")
        return record_arrival(visit, None, now=NOW, entropy=secrets.token_bytes)

    sharer = arrive()
    for _ in range(6):
        arrive(sharer.code)
    arrive(arrive().code)
    fold_entry(entry.id, NOW)
    return sharer.arrival_id


def decide(client, entry, **fields):
    return client.post(f"/admin/entries/{entry.id}/spread", data={"csrf_token": token_of(client), **fields})


def reach(entry):
    db.session.rollback()
    return get_measures(entry.id).reach


def test_the_page_lists_the_largest_branches(client, entry, branch):
    page = client.get(f"/admin/entries/{entry.id}/spread")
    assert page.status_code == 200 and "no-store" in page.headers["Cache-Control"]
    rows = re.findall(r'<th scope="row">(\d+)</th><td>([^<]*)</td>', page.text)
    assert rows[0] == (str(branch), "7 people") and rows[1][1] == "Fewer than five people"
    assert len(rows) == 2 and "WhatsApp" in page.text
    assert "Out of the figures now" not in page.text and "Decided before" not in page.text


def test_a_branch_goes_out_and_comes_back(client, entry, branch):
    answer = decide(client, entry, action="exclude", arrival_id=branch, reason="One <b>network</b>.")
    assert answer.status_code == 303 and reach(entry) == 2
    page = client.get(answer.headers["Location"]).text
    assert "7 people left the figures" in page and "Out of the figures now" in page
    assert "One &lt;b&gt;network&lt;/b&gt;." in page and "<b>Ana</b> took the branch" in page
    answer = decide(client, entry, action="restore", arrival_id=branch, reason="Cleared up.")
    assert answer.status_code == 303 and reach(entry) == 9
    page = client.get(answer.headers["Location"]).text
    assert "7 people count again" in page and page.index("Cleared up.") < page.index("One &lt;b")


def test_the_log_of_everything_tells_of_branches_too(client, ana, entry, branch):
    save(
        ModerationLog(
            subject_kind="entry",
            subject_id=entry.id,
            action="approve",
            actor_id=ana.id,
            decided_at=now() - timedelta(1),
        )
    )
    decide(client, entry, action="exclude", arrival_id=branch, reason="One network.")
    decide(client, entry, action="restore", arrival_id=branch, reason="Cleared up.")
    page = client.get("/admin/log").text
    told = ("put a branch back into the figures of", "took a branch out of the figures of", "approved")
    places = [page.index(words) for words in told]
    assert places == sorted(places) and "3 decisions" in page
    assert page.count(f'<a href="/admin/entries/{entry.id}/spread">entry {entry.id}</a>') == 2
    assert "One network." in page and "Cleared up." in page


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"action": "exclude", "reason": " "}, 422, "Say why"),
        ({"action": "exclude", "reason": "x" * 501}, 422, "Say why"),
        ({"action": "restore", "reason": "x"}, 409, "counts already"),
        ({"action": "exclude", "reason": "x", "arrival_id": "999999"}, 409, "no such person"),
        ({"action": "exclude", "reason": "x", "arrival_id": "1; DROP"}, 409, "no such person"),
        ({"action": "exclude", "reason": "x", "arrival_id": "9" * 30}, 409, "no such person"),
        ({"action": "explode", "reason": "x"}, 422, "not a decision"),
        ({}, 422, "not a decision"),
    ],
)
def test_a_refusal_says_why_and_keeps_the_figures(client, entry, branch, fields, status, words):
    answer = decide(client, entry, **{"arrival_id": branch, **fields})
    assert (answer.status_code, reach(entry)) == (status, 9)
    assert words in answer.text


def test_what_was_written_is_kept_when_it_is_refused(client, entry, branch):
    answer = decide(client, entry, action="exclude", arrival_id=branch, reason="long " * 101)
    assert "long long" in answer.text and f'<option selected value="{branch}"' in answer.text


def test_twice_is_said(client, entry, branch):
    for status in (303, 409):
        answer = decide(client, entry, action="exclude", arrival_id=branch, reason="x")
        assert answer.status_code == status
    assert "out of the figures already" in answer.text


def test_a_branch_of_another_entry_stays(client, entry, branch):
    other = make_entry()
    assert decide(client, other, action="exclude", arrival_id=branch, reason="x").status_code == 409
    assert reach(entry) == 9


@pytest.mark.parametrize("number", ["999999", "9" * 25])
def test_there_is_no_page_of_an_unknown_entry(client, ana, number):
    assert client.get(f"/admin/entries/{number}/spread").status_code == 404


def test_the_review_leads_here(client, entry, branch):
    assert f"/admin/entries/{entry.id}/spread" in client.get(f"/admin/entries/{entry.id}").text


def test_an_entry_without_anybody_says_so(client, ana, entry):
    assert "No branches yet" in client.get(f"/admin/entries/{entry.id}/spread").text
