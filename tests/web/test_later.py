"""Where many vote at once, nobody's thread waits for the commit: the answer comes later."""

import json
import secrets
import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection

import pytest
from sqlalchemy import func, select

from quilt import database
from quilt.database import db
from quilt.votes import service
from quilt.votes.models import Vote
from quilt.web.later import REPLY, Reply
from quilt.web.tickets import issue_ticket
from quilt.writing import lock_writes
from tests.factories import make_contest, make_entry, make_user
from tests.faults.vote_storm import add_people
from tests.live import open_site, sign_cookie, sign_cookies
from tests.waiting import wait_until
from tests.web.site.test_arrivals import open_page
from tests.web.site.test_votes import open_contest
from tests.web.test_front import send

DAY = timedelta(days=1)
FORM = "application/x-www-form-urlencoded"


class Protocol:
    """What granian gives for a request: it takes one answer."""

    def __init__(self):
        self.told = []

    def response_bytes(self, status, headers, body):
        self.told.append((status, dict(headers), body))


@pytest.fixture
def vote(app, client):
    """Sends one vote of a person to the whole site, in a crowd: returns what the protocol was told by then."""
    entry, voter = make_entry(open_contest()), make_user()
    client.set_cookie("quilt_session", sign_cookie(app, voter.id).partition("=")[2])
    ticket = open_page(client, entry)["ticket"]

    def vote(**environ):
        protocol = Protocol()
        with database._crowd.joined():  # somebody else writes at this moment
            answer = send(
                app.wsgi_app, f"/entries/{entry.id}/vote", f"ticket={ticket}&via=&c=".encode(),
                CONTENT_TYPE=FORM, HTTP_COOKIE=sign_cookie(app, voter.id), HTTP_ACCEPT="application/json",
                **{REPLY: Reply(protocol), **environ},
            )  # fmt: skip
        assert answer is None
        wait_until(lambda: protocol.told)
        return protocol.told

    return vote


def count_votes():
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Vote))


def test_the_receipt_comes_later_with_every_header(vote):
    [(status, headers, body)] = vote()
    assert status == 201 and len(json.loads(body)["receipt"]) == 24
    assert headers["Content-Length"] == str(len(body)) and len(headers["X-Request-Id"]) == 12
    assert headers["X-Content-Type-Options"] == "nosniff" and "Set-Cookie" in headers
    assert count_votes() == 1


def test_a_refusal_comes_later_in_the_views_words_and_is_asked_for_once(vote, monkeypatch):
    receipt = json.loads(vote()[0][2])["receipt"]
    asked, plan = [], service.plan_vote
    monkeypatch.setattr(service, "plan_vote", lambda *args, **more: asked.append(1) or plan(*args, **more))
    [(status, headers, body)] = vote()
    told = json.loads(body)
    assert status == 200 and told["receipt"] == receipt and "You voted" in told["detail"], told
    assert headers["Content-Type"].startswith("application/json") and len(asked) == 1


def test_a_key_is_let_go_as_soon_as_its_vote_has_been_cast(vote):
    told = [json.loads(vote(HTTP_IDEMPOTENCY_KEY="press-1")[0][2])["receipt"] for _ in range(2)]
    assert told[0] == told[1] and count_votes() == 1


def test_what_fails_after_the_commit_is_told_by_the_view(vote, monkeypatch):
    def fail(*_):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("quilt.web.site.votes.answer_receipt", fail)
        [(status, _, body)] = vote()
    assert status == 200 and "You voted" in json.loads(body)["detail"] and count_votes() == 1


def test_nothing_is_told_twice():
    protocol = Protocol()
    at_once, later = Reply(protocol), Reply(protocol)
    at_once.response_bytes(200, [], b"now")
    later.come_later()
    later.response_bytes(200, [], b"never")
    later.send(201, [], b"then")
    assert [body for _, _, body in protocol.told] == [b"now", b"then"]


def test_pages_are_answered_while_more_votes_than_threads_wait_for_the_database(tmp_path):
    with open_site(tmp_path / "site", workers=1, extra={"QUILT_PROXIES": "1"}) as site, ExitStack() as lines:
        moment = datetime.now(UTC)
        with site.app.app_context():
            entry_id = make_entry(make_contest(opens=moment - DAY, closes=moment + DAY)).id
            first, *voters = add_people("crowd", 61, moment)
            db.session.remove()
            engine = db.engine
        cookies = sign_cookies(site.app, [first, *voters])

        def vote(voter):
            line = lines.enter_context(closing(HTTPConnection("127.0.0.1", site.port, timeout=30)))
            ticket = issue_ticket(entry_id, str(voter), site.settings.secret_key, moment, secrets.token_bytes)
            headers = {"Cookie": cookies[voter], "Content-Type": FORM, "Accept": "application/json"}
            line.request("POST", f"/entries/{entry_id}/vote", f"ticket={ticket}", headers)
            return line

        def send_robot():
            line = lines.enter_context(closing(HTTPConnection("127.0.0.1", site.port, timeout=30)))
            told = {"entry": entry_id, "ticket": "", "visible": True, "prerendering": False, "dwell": 1500}
            headers = {"Content-Type": "application/json", "User-Agent": "curl/8.0"}
            line.request("POST", "/arrivals", json.dumps(told), headers)
            return line

        assert vote(first).getresponse().status == 201  # it makes the day's key of all pseudonyms
        with lock_writes(engine):
            robots = [send_robot() for _ in range(40)]
            waiting = [vote(voter) for voter in voters]
            time.sleep(0.5)
            with closing(HTTPConnection("127.0.0.1", site.port, timeout=5)) as other:
                other.request("GET", "/contests")
                assert other.getresponse().status == 200
        assert [line.getresponse().status for line in waiting] == [201] * len(voters)
        assert [line.getresponse().status for line in robots] == [200] * len(robots)
