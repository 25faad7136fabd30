"""What people, robots and attackers send instead of a vote: the rows of group D in docs/bad_inputs.md."""

import os
import re
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest
from sqlalchemy import select, update

from quilt.accounts.models import EmailCode
from quilt.arrivals.models import Arrival
from quilt.contests.models import Phase
from quilt.database import db
from quilt.mail import MailMessage
from quilt.votes.evidence import unpack_evidence
from quilt.votes.models import Vote, Voter
from quilt.web.clock import now
from quilt.web.takeover import TAKEN_OVER
from quilt.web.tickets import issue_ticket
from quilt.web.visitors import read_codes, sign_code
from tests.factories import make_contest, make_entry, make_user
from tests.live import sign_cookie
from tests.web.api.seeds import bearer, make_token
from tests.web.auth.provider_browser import open_app
from tests.web.site.test_arrivals import FIREFOX, make_ticket, open_page
from tests.web.site.test_votes import HEADERS, ask_for_code, confirm, count_votes, open_contest, read_code
from tests.web.site.test_voting_rules import JSON, find_ticket, sign_in, vote
from tests.web.test_https import HOME

NO_ENTRIES = (
    '"1"', "1.0", "true", "-1", "0", "9223372036854775808", "1e309", "1e3", "NaN", '["1"]', '{"$ne":1}', "1 OR 1=1",
    "';select pg_sleep(5)--", "1/x",
)  # fmt: skip
PHONE = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1"}
CODE = "AbCdEfGhJkL"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_D01_D40_nothing_but_a_post_votes(app, client, method):
    entry = make_entry(open_contest())
    sign_in(app, client, make_user())
    ticket = find_ticket(client, entry)
    answer = client.open(f"/entries/{entry.id}/vote?ticket={ticket}", method=method, headers=HEADERS)
    assert answer.status_code == 405 and count_votes() == 0


@pytest.mark.parametrize("path", ["/votes/{receipt}", "/vote/{receipt}", "/entries/{entry}/vote/{receipt}"])
def test_D40_there_is_no_way_to_change_or_delete_a_vote(app, client, path):
    entry = make_entry(open_contest())
    sign_in(app, client, make_user(role="admin"))
    receipt = vote(client, entry).json["receipt"]
    for method in ("PUT", "PATCH", "DELETE", "POST"):
        answer = client.open(
            path.format(receipt=receipt, entry=entry.id), method=method, json={"state": "counted"}
        )
        assert answer.status_code in (403, 404, 405)
    assert [row.state for row in db.session.scalars(select(Vote))] == ["recorded"]


NO_FORMS = (
    ("text/plain", '{"ticket": "%s"}', 415),
    ("text/plain", "ticket=%s", 415),
    ("application/json", '{"ticket": "%s"', 415),
    ("application/json", "[" * 100_000, 415),
    ("application/json", '{"ticket": "%s", "ticket": "%s"}', 415),
    ("multipart/form-data", "nonsense %s", 403),
)


def test_D03_D04_D05_a_body_that_is_no_form_of_ours(app, client):
    """JSON is for the API, which tells more of what is wrong with it (tests/web/api/test_tokens.py)."""
    entry = make_entry(open_contest())
    sign_in(app, client, make_user())
    ticket = find_ticket(client, entry)
    for kind, body, status in NO_FORMS:
        headers = {**JSON, "Content-Type": kind}
        answer = client.post(f"/entries/{entry.id}/vote", data=body.replace("%s", ticket), headers=headers)
        assert (answer.status_code, answer.json["status"]) == (status, status), body[:40]
    assert count_votes() == 0


def test_D04_a_body_of_ten_megabytes(app, client):
    entry = make_entry(open_contest())
    sign_in(app, client, make_user())
    answer = client.post(
        f"/entries/{entry.id}/vote", data=b"ticket=" + b"x" * 10_000_000, headers={**JSON, **FORM}
    )
    assert answer.status_code == 413 and count_votes() == 0


@pytest.mark.parametrize(
    "path, body",
    [("/entries/{}/vote", {"data": {"ticket": "x"}}), ("/api/v1/entries/{}/votes", {"json": {}})],
)
def test_D06_D07_what_is_no_entry(client, path, body):
    """The entry stands in the address, and an address that names nothing is 404, whatever it would be as JSON."""
    entry = make_entry(open_contest())
    headers = {**JSON, **bearer(make_token(make_user())), "Idempotency-Key": "one"}
    for name in (*NO_ENTRIES, str(entry.id + 1_000)):  # the last one could be an entry's
        answer = client.post(path.format(quote(name)), headers=headers, **body)
        assert answer.status_code == 404, name
    assert count_votes() == 0


def test_D09_a_vote_for_one_s_own_entry(app, client):
    entrant = make_user()
    entry = make_entry(open_contest(), entrant)
    sign_in(app, client, entrant)
    refused = vote(client, entry)
    assert refused.status_code == 403 and "your own entry" in refused.json["detail"] and count_votes() == 0


def test_D10_a_vote_before_voting_opens_is_told_when(app, client):
    """That a moment before is before is for the rules to say (tests/votes/test_rules.py)."""
    opens = now() + timedelta(hours=1)
    entry = make_entry(make_contest(opens=opens, closes=opens + timedelta(days=1)))
    sign_in(app, client, make_user())
    refused = vote(client, entry)
    assert refused.status_code == 409 and "Voting opens" in refused.json["detail"] and count_votes() == 0
    assert datetime.fromisoformat(refused.json["opens_at"]) == opens


def test_D12_the_answer_to_a_vote_that_came_too_late_tells_the_thousandth_of_a_second(app, client):
    contest = open_contest()
    entry = make_entry(contest)
    sign_in(app, client, make_user())
    ticket = find_ticket(client, entry)
    with db.engine.begin() as connection:
        connection.execute(update(Phase).values(ends_at=now() - timedelta(seconds=1)))
        connection.execute(update(type(contest)).values(version=99))
    refused = client.post(f"/entries/{entry.id}/vote", data={"ticket": ticket}, headers=JSON)
    assert refused.status_code == 409
    assert re.search(
        r"Voting closed .+ \(New York\)\. This vote arrived at \d\d:\d\d:\d\d\.\d{3}", refused.json["detail"]
    )
    assert count_votes() == 0


def test_D13_a_time_that_the_client_tells_changes_nothing(app, client):
    entry = make_entry(open_contest())
    sign_in(app, client, make_user())
    data = {"ticket": find_ticket(client, entry), "cast_at": "2020-01-01T00:00:00Z", "timestamp": "1"}
    before = now()
    answer = client.post(
        f"/entries/{entry.id}/vote", data=data, headers={**JSON, "Date": "Wed, 01 Jan 2020 00:00:00 GMT"}
    )
    assert answer.status_code == 201
    cast_at = db.session.scalars(select(Vote.cast_at)).one()
    assert before - timedelta(milliseconds=2) <= cast_at <= now()


def test_D22_a_browser_that_refuses_cookies_is_told_to_allow_them_or_to_sign_in(app):
    """The first step needs none, for nobody has any before: the second names the entry in its address."""
    entry = make_entry(open_contest())
    form = {"ticket": open_page(app.test_client(), entry)["ticket"], "email": "ana@example.org"}
    browser = app.test_client(use_cookies=False)
    asked = browser.post(f"/entries/{entry.id}/vote", data=form, headers=HEADERS)
    assert asked.status_code == 303
    told = browser.get(asked.location, headers=HEADERS)
    assert told.status_code == 403 and "Allow cookies or sign in to vote" in told.text
    assert f'href="/entries/{entry.id}-{entry.slug}"' in told.text and count_votes() == 0


def test_D23_a_forged_cookie_is_none_and_is_replaced(app):
    """It says by whose link somebody came, and lets nobody in: whoever's is cut has voted all the same."""
    entry, other = make_entry(open_contest()), make_entry(open_contest())
    of_other = sign_code(other.id, CODE, app.config["SECRET_KEY"])
    forged = ["forged", f"{entry.id}.{CODE}.AAAAAAAAAAA", "~" * 3_000, "1.2", f"{entry.id}.{CODE}.{of_other}"]
    for cookie in forged:
        browser = sign_in(app, app.test_client(), make_user())
        browser.set_cookie("quilt_codes", cookie)
        assert vote(browser, entry, **{"User-Agent": f"{FIREFOX} {cookie[:40]}"}).status_code == 201
        kept = read_codes(browser.get_cookie("quilt_codes").value, app.config["SECRET_KEY"])
        assert kept.keys() == {entry.id} and kept[entry.id] != CODE
    assert db.session.query(Arrival).count() == count_votes() == len(forged)
    assert not any(unpack_evidence(told).has_cookie for told in db.session.scalars(select(Vote.evidence)))


def test_D24_a_session_that_we_did_not_sign_votes_for_nobody(app, client):
    entry = make_entry(open_contest())
    sign_in(app, client, make_user())
    ticket = find_ticket(client, entry)
    client.set_cookie("quilt_session", "eyJfdXNlcl9pZCI6IjEuMCJ9.forged.signature")
    refused = client.post(f"/entries/{entry.id}/vote", data={"ticket": ticket}, headers=JSON)
    assert refused.status_code == 403 and count_votes() == 0


def test_D24_over_https_a_cookie_that_a_subdomain_could_set_is_none(app, settings):
    """No browser takes a cookie named __Host- from anybody but this host, or over HTTP."""
    entry, voter = make_entry(open_contest()), make_user()
    with open_app(settings, base_url=HOME) as secure:
        name, _, session = sign_cookie(secure, voter.id).partition("=")
        for cookie, status in (("quilt_session", 403), (name, 201)):
            browser = secure.test_client()
            browser.set_cookie(cookie, session, domain="quilt.example")
            ticket = issue_ticket(entry.id, str(voter.id), settings.secret_key, now(), os.urandom)
            path, data = f"/entries/{entry.id}/vote", {"ticket": ticket}
            answer = browser.post(path, data=data, headers=JSON, base_url=HOME)
            assert answer.status_code == status, cookie


def test_D25_addresses_that_somebody_writes_into_headers_are_not_believed(app, client):
    entry = make_entry(open_contest())
    sign_in(app, client, make_user())
    forged = {"X-Forwarded-For": "1.2.3.4, 5.6.7.8", "X-Real-IP": "1.2.3.4", "Forwarded": "for=1.2.3.4"}
    assert vote(client, entry, **forged).status_code == 201
    plain = sign_in(app, app.test_client(), make_user())
    assert vote(plain, entry).status_code == 201
    assert count_votes() == 2 and len(find_networks()) == 1
    elsewhere = sign_in(app, app.test_client(), make_user())
    elsewhere.environ_base["REMOTE_ADDR"] = "203.0.113.7"
    assert vote(elsewhere, entry).status_code == 201
    assert len(find_networks()) == 2  # the line's own address is what is believed


def find_networks():
    """The marks of the networks from which votes came."""
    return {unpack_evidence(packed).marks.network for packed in db.session.scalars(select(Vote.evidence))}


def test_D30_six_wrong_codes_and_the_vote_still_waits(client):
    entry = make_entry(open_contest())
    ask_for_code(client, entry)
    right = "".join(read_code().groups())
    wrong = "00000000" if right != "00000000" else "11111111"
    statuses = [confirm(client, entry, wrong).status_code for _ in range(7)]
    assert statuses == [422] * 6 + [429]
    over = confirm(client, entry, right)
    assert over.status_code == 429 and 'name="code"' not in over.text and 'name="another"' in over.text
    first = db.session.scalars(select(EmailCode)).one()
    another = press(client, f"/entries/{entry.id}/vote/confirm", another="1")
    assert another.status_code == 303 and 'name="code"' in client.get(another.location).text
    newest = db.session.scalars(select(EmailCode).order_by(EmailCode.id.desc())).first()
    assert (newest.email, newest.wish, newest.entry_id) == (first.email, first.wish, entry.id)
    assert newest.token != first.token and '"told"' in newest.wish
    assert confirm(client, entry).status_code == 303 and count_votes() == 1


def test_D31_a_code_works_once(client, app):
    entry = make_entry(open_contest())
    ask_for_code(client, entry)
    code = "".join(read_code().groups())
    with client.session_transaction() as session:
        pending = dict(session["pending_vote"])
    assert confirm(client, entry, code).status_code == 303
    with client.session_transaction() as session:
        session["pending_vote"] = pending
    wrong = "00000000" if code != "00000000" else "11111111"
    again = press(client, f"/entries/{entry.id}/vote/confirm", code=wrong)
    assert again.status_code == 410 and "/receipts/" not in again.text
    twice = press(client, f"/entries/{entry.id}/vote/confirm", code=code)
    receipt = db.session.scalars(select(Vote.receipt)).one()
    assert twice.status_code == 303 and twice.location.endswith(f"/receipts/{receipt}")
    with db.engine.begin() as connection:
        connection.execute(update(EmailCode).values(used_at=now() - timedelta(minutes=2)))
    again = press(client, f"/entries/{entry.id}/vote/confirm", code=code)
    assert again.status_code == 410 and "This letter has been used" in again.text and count_votes() == 1
    assert db.session.query(EmailCode).count() == 1


def test_D30_the_code_of_another_entry_s_vote_is_a_wrong_one(app, client):
    entry, other, elsewhere = make_entry(open_contest()), make_entry(open_contest()), app.test_client()
    ask_for_code(client, entry)
    right = "".join(read_code().groups())
    ask_for_code(elsewhere, other)
    link = read_link().replace(f"/{other.id}/", f"/{entry.id}/")
    assert confirm(client, entry).status_code == 422
    assert client.get(link, headers=HEADERS).status_code == press(client, link).status_code == 410
    assert confirm(client, entry, right).status_code == 303
    assert db.session.scalars(select(Vote.entry_id)).all() == [entry.id]


def test_D31_the_letter_s_link_casts_the_vote_on_another_device(app, client):
    """It knows how the voter came and what the page told; opening it, as scanners do, casts nothing."""
    entry = make_entry(open_contest())
    ask_for_code(client, entry)
    confirm(client, entry)
    sharer = db.session.scalars(select(Arrival)).one()
    asking, phone = app.test_client(), app.test_client()
    way = {"via": sharer.code, "c": "wa", "ticket": make_ticket(asking, entry, seconds_ago=20)}
    ask_for_code(asking, entry, "ben@example.org", played="1", **way)
    link = read_link()
    for _ in range(2):
        page = phone.get(link, headers=PHONE)
        assert page.status_code == 200 and "ben@example.org" in page.text
    assert count_votes() == 1
    assert press(phone, link, PHONE).location == f"/entries/{entry.id}/share?voted=1"
    vote = db.session.scalars(select(Vote).order_by(Vote.id.desc())).first()
    assert (vote.last_code, vote.last_channel, vote.tier) == (sharer.code, "wa", "email")
    assert unpack_evidence(vote.evidence).has_played is True
    assert unpack_evidence(vote.evidence).code_wait < 60
    assert press(app.test_client(), link).status_code == 410
    assert press(asking, f"/entries/{entry.id}/vote/confirm", code="12345678").status_code == 410
    waiting = asking.get(f"/entries/{entry.id}/vote/confirm", headers=HEADERS)
    assert waiting.status_code == 200 and "This letter has been used" in waiting.text
    for again in (press(phone, link, PHONE), phone.get(link, headers=PHONE)):
        assert again.location == f"/entries/{entry.id}/share?voted=1", "it has worked, and says so again"
    assert count_votes() == 2


def test_who_goes_back_to_the_story_finds_the_way_to_the_code(client):
    entry = make_entry(open_contest())
    ask_for_code(client, entry)
    page = client.get(f"/entries/{entry.id}-{entry.slug}", headers=HEADERS).text
    assert "A vote of yours waits for its code" in page and f'"/entries/{entry.id}/vote/confirm"' in page


def test_a_program_is_told_what_the_link_does(client):
    entry = make_entry(open_contest())
    ask_for_code(client, entry)
    link, asks = read_link(), {**HEADERS, "Accept": "application/json"}
    assert client.get(link, headers=asks).json == {"detail": "Press to confirm.", "status": 200}
    assert client.get(f"{link}x", headers=asks).json["detail"].startswith("We do not know this link.")


def test_a_code_of_the_release_before_casts_its_vote(client):
    """What the vote was to be cast with lay in the session then: the row has nothing."""
    entry = make_entry(open_contest())
    ask_for_code(client, entry)
    db.session.execute(update(EmailCode).values(wish=None))
    db.session.commit()
    assert confirm(client, entry).status_code == 303 and count_votes() == 1


def test_whose_account_somebody_else_had_begun_is_told_so(client):
    entry = make_entry(open_contest())
    make_user("ana@example.org", is_proven=False, password_hash="theirs")
    ask_for_code(client, entry)
    done = press(client, read_link())
    assert TAKEN_OVER in client.get(done.location, headers=HEADERS).text


def test_D31_a_link_of_a_vote_signs_nobody_in_by_itself(client):
    entry = make_entry(open_contest())
    ask_for_code(client, entry)
    link = read_link()
    key = link.rpartition("/")[2]
    for other in (f"/sign-in/link/{key}", f"{link}x", f"/entries/{entry.id}/vote/confirm/%F0%9F%A7%B5"):
        assert client.get(other, headers=HEADERS).status_code == press(client, other).status_code == 410
    assert press(client, link).status_code == 303 and count_votes() == 1


def read_link():
    """The link in the newest letter."""
    mail = db.session.scalars(select(MailMessage).order_by(MailMessage.id.desc())).first()
    return re.search(r"http://localhost(/entries/\S+)", mail.text)[1]


def press(browser, path, headers=HEADERS, **fields):
    """Press the button of a page that a link leads to, whatever that page is."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/sign-in", headers=headers).text)[1]
    return browser.post(path, data={"csrf_token": token, **fields}, headers=headers)


@pytest.mark.parametrize(
    "first, second, voters",
    [
        ("ana.b@gmail.com", "anab+x@googlemail.com", 1),
        ("ana.b@example.org", "anab@example.org", 2),  # D33
        ("ana+a@example.org", "ana+b@example.org", 2),  # D33
    ],
)
def test_whose_mailbox_is_one_person_s(app, first, second, voters):
    entry = make_entry(open_contest())
    for address in (first, second):
        browser = app.test_client()
        ask_for_code(browser, entry, address)
        confirm(browser, entry)
    assert db.session.query(Voter).count() == count_votes() == voters
