"""The fraud desk: what it shows, a decision tried and done and undone, appeals answered by somebody else."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from quilt.contests.models import Contest
from quilt.database import db
from quilt.integrity.alerts import add_notice, raise_alerts
from quilt.integrity.appeals import appeal_for_entry
from quilt.integrity.models import VoteCheck
from quilt.integrity.retally import POLICIES, retally
from quilt.votes.models import Vote
from tests.conftest import NOW
from tests.factories import make_entry, make_user, save
from tests.integrity.casting import BOT, cast, close_batch, open_wide, states
from tests.web.site.test_submit import sign_in, token_of

STRETCH = {"from": "2026-05-10T07:00", "to": "2026-05-10T09:00"}  # the contest's clock is New York's


@pytest.fixture
def ana(client):
    user = make_user("ana@desk.example", name="Ana", role="moderator")
    sign_in(client, user)
    return user


@pytest.fixture
def entry(app):
    return make_entry(title="The <library> bus")


@pytest.fixture
def contest(entry):
    return db.session.get(Contest, entry.contest_id)


@pytest.fixture
def votes(entry, contest):
    """Fourteen people and two scripts within two minutes."""
    ids = [
        cast(entry, contest, at=NOW + timedelta(seconds=5 * n), has_played=True, dwell=60.0)
        for n in range(14)
    ]
    ids += [cast(entry, contest, at=NOW + timedelta(seconds=100), **BOT) for _ in range(2)]
    raise_alerts(NOW + timedelta(minutes=5))
    close_batch(contest)
    return ids


def post(client, path, **fields):
    return client.post(path, data={"csrf_token": token_of(client), **fields})


def test_the_desk_shows_hours_alerts_and_entries(client, ana, entry, votes):
    add_notice(entry.id, starts_at=NOW, people=40, words="A mail", author_id=entry.entrant_id, now=NOW)
    page = client.get("/admin/integrity")
    assert page.status_code == 200 and "no-store" in page.headers["Cache-Control"]
    assert "<b>16 votes</b> for" in page.text and "The &lt;library&gt; bus" in page.text
    assert "Told beforehand: A mail (about 40 people)" in page.text
    assert re.search(r"<td[^>]*>14</td><td[^>]*>2</td>", page.text)  # the hour's row in the table twin
    assert 'href="/admin/integrity"' in page.text and "Fingerprint" in page.text.replace(
        "fingerprint", "Fingerprint"
    )


def test_held_votes_that_their_voters_have_confirmed_stand_out(client, ana, entry, contest, votes):
    held = votes[-1]
    check = {"contest_id": contest.id, "mailed_at": NOW, "answered_at": NOW + timedelta(hours=1)}
    save(VoteCheck(vote_id=held, **check), VoteCheck(vote_id=votes[0], **check))
    page = client.get("/admin/integrity").text
    [link] = re.findall(r'href="([^"]+part=confirmed[^"]+)">1<', page)
    listed = client.get(html.unescape(link)).text
    assert f"/votes/{held}" in listed and "confirmed by its voter" in listed
    assert f'/votes/{votes[0]}"' not in listed and f'/votes/{votes[-2]}"' not in listed


def test_the_confirmed_votes_hold_the_newest_of_all(client, ana, entry, contest):
    """It came at the beginning of a minute."""
    newest = cast(entry, contest, at=NOW + timedelta(milliseconds=500), **BOT)
    close_batch(contest)
    save(VoteCheck(vote_id=newest, contest_id=contest.id, mailed_at=NOW, answered_at=NOW))
    [link] = re.findall(r'href="([^"]+part=confirmed[^"]+)">1<', client.get("/admin/integrity").text)
    assert f"/votes/{newest}" in client.get(html.unescape(link)).text


def follow(client, page, words):
    """The page behind the link whose visible words begin so."""
    [link] = re.findall(rf'href="([^"]+)"[^>]*>{words}', page)
    return client.get(html.unescape(link)).text


def test_links_lead_to_the_votes_they_speak_of(client, ana, entry, contest, votes):
    """However long ago those were cast: another entry has the newest vote, four days later."""
    cast(make_entry(contest), contest, at=NOW + timedelta(days=4), has_played=True)
    appeal_for_entry(entry.id, "Look again.", author_id=entry.entrant_id, now=NOW)
    desk, appeals = client.get("/admin/integrity").text, client.get("/admin/integrity/appeals").text
    assert "<dd>16</dd>" in follow(client, desk, "The &lt;library")
    for page in (follow(client, desk, "2<span"), follow(client, appeals, "The entry’s votes that are held")):
        assert re.findall(r'/votes/(\d+)"', page) == [str(vote) for vote in reversed(votes[-2:])]


def test_appeals_of_another_contest_are_named(client, ana, entry, contest, votes):
    other = make_entry()
    cast(other, db.session.get(Contest, other.contest_id), at=NOW)
    appeal_for_entry(entry.id, "Look again.", author_id=entry.entrant_id, now=NOW)
    for path in ("", "/appeals", "/retally"):
        page = client.get(f"/admin/integrity{path}?contest={other.contest_id}").text
        assert "Look again." in follow(client, page, f"1 appeal waits for an answer in {contest.title}")
        own = client.get(f"/admin/integrity{path}?contest={contest.id}").text
        assert ("1 appeal waits for an answer<" in own) == (path != "/appeals")


def test_an_hour_that_comes_twice_is_looked_at_and_decided_about(client, ana, entry, contest):
    """In New York 01:30 of 1 November comes at 05:30 and at 06:30 UTC."""
    at = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    open_wide(contest, at)
    for moment in (at, at + timedelta(hours=1)):
        cast(entry, contest, at=moment, **BOT)
    close_batch(contest)
    path = f"/admin/integrity/entries/{entry.id}"
    both = client.get(path, query_string={"from": "2026-11-01T01:30", "to": "2026-11-01T01:31"}).text
    first = client.get(path, query_string={"from": "2026-11-01T05:30Z", "to": "2026-11-01T05:31Z"}).text
    assert "all 2 votes" in both and "the one vote" in first
    tried = post(client, path, **dict(re.findall(r'name="(from|to)" value="([^"]+Z)"', first)), after="held")
    assert tried.status_code == 200 and "0 votes would be held. 1 is held" in tried.text


def test_a_long_stretch_has_pages_and_tells_of_its_smaller_groups(client, ana, entry, contest):
    ids = [
        cast(entry, contest, user=make_user(f"a@{'abcdefghij'[number % 10]}.example"), at=NOW)
        if number < 10
        else cast(entry, contest, at=NOW)
        for number in range(32)
    ]
    path = f"/admin/integrity/entries/{entry.id}"
    page = client.get(path).text
    assert re.findall(r'/votes/(\d+)"', page) == [str(vote) for vote in ids[:1:-1]] and "Page 1 of 2" in page
    assert re.search(r"and 3 others</th><td[^>]*>3</td><td[^>]*>0</td>", page)
    assert re.findall(r'/votes/(\d+)"', follow(client, page, "More")) == [str(ids[1]), str(ids[0])]
    assert (
        "Page 2 of 2" in client.get(f"{path}?page=99").text
        and client.get(f"{path}?page=x").status_code == 422
    )


def test_an_empty_desk_says_so(client, ana):
    assert "No votes yet" in client.get("/admin/integrity").text
    assert client.get("/admin/integrity/appeals").status_code == 200


def test_a_stretch_shows_what_it_is_made_of_and_no_address(client, ana, entry, votes):
    page = client.get(f"/admin/integrity/entries/{entry.id}", query_string=STRETCH)
    assert page.status_code == 200
    for words in ("Mail domains", "Kinds of device", "Networks", "By nobody’s link", "example.org"):
        assert words in page.text
    assert "203.0.113" not in page.text and not re.search(r"person\d+@", page.text)
    part = re.search(r"part=(device:[0-9a-f]+)", page.text.replace("%3A", ":"))[1]
    assert (
        "16</dd>"
        in client.get(f"/admin/integrity/entries/{entry.id}", query_string={**STRETCH, "part": part}).text
    )
    held = client.get(f"/admin/integrity/entries/{entry.id}", query_string={**STRETCH, "part": "state:held"})
    assert "2 votes" in held.text
    none = client.get(
        f"/admin/integrity/entries/{entry.id}",
        query_string={"from": "2026-05-01T00:00", "to": "2026-05-02T00:00"},
    )
    assert "No votes here" in none.text


@pytest.mark.parametrize(
    "typed",
    [{"from": "x"}, {"from": "2026-03-08T02:30"}, {"from": "2026-05-10T09:00", "to": "2026-05-10T08:00"}],
)
def test_a_stretch_that_makes_no_sense_says_why(client, ana, entry, votes, typed):
    page = client.get(f"/admin/integrity/entries/{entry.id}", query_string=typed)
    assert page.status_code == 200 and 'role="alert"' in page.text
    tried = post(client, f"/admin/integrity/entries/{entry.id}", **typed, after="rejected")
    assert tried.status_code == 422 and "would be rejected" not in tried.text, (
        "no other stretch is decided about"
    )


def test_one_vote_shows_its_evidence(client, ana, votes):
    page = client.get(f"/admin/integrity/votes/{votes[-1]}").text
    assert "recorded to <b>held</b> by the rules" in page and "not played" in page
    assert "The film was not played" in page and "@" not in re.sub(
        r"<footer.*", "", page.partition("<main")[2], flags=re.DOTALL
    )
    assert client.get("/admin/integrity/votes/999999").status_code == 404
    assert client.get(f"/admin/integrity/votes/{'9' * 25}").status_code == 404


def test_a_decision_is_tried_then_done_then_undone(client, ana, entry, votes):
    path, part = f"/admin/integrity/entries/{entry.id}", {**STRETCH, "part": "state:held"}
    tried = post(client, path, **part, after="rejected")
    assert tried.status_code == 200 and "2 votes would be rejected" in tried.text
    assert set(states().values()) == {"counted", "held"}
    assert f'action="{path}#decide"' in tried.text and 'id="decide" tabindex="-1" autofocus' in tried.text
    seal = re.search(r'name="seal" value="([0-9a-f]+)"', tried.text)[1]
    refused = post(client, path, **part, after="rejected", seal=seal, reason="program", words=" ")
    assert refused.status_code == 422 and "Say what you saw" in refused.text and 'name="seal"' in refused.text
    done = post(client, path, **part, after="rejected", seal=seal, reason="program", words="A <script>.")
    assert done.status_code == 303 and [states()[vote] for vote in votes[-2:]] == ["rejected", "rejected"]
    page = client.get(done.headers["Location"]).text
    assert "2 votes rejected" in page and "A &lt;script&gt;." in page
    undo = re.search(r"/admin/integrity/reviews/(\d+)/undo", page)[0]
    assert post(client, undo, words="They were people.").status_code == 303
    assert [states()[vote] for vote in votes[-2:]] == ["held", "held"]
    assert "undone already" in client.get(post(client, undo, words="Again.").headers["Location"]).text


def test_what_changed_since_the_trial_is_looked_at_again(client, ana, entry, contest, votes):
    path = f"/admin/integrity/entries/{entry.id}"
    seal = re.search(r'name="seal" value="([0-9a-f]+)"', post(client, path, **STRETCH, after="held").text)[1]
    cast(entry, contest, at=NOW + timedelta(minutes=3), has_played=True)
    close_batch(contest)
    late = post(client, path, **STRETCH, after="held", seal=seal, reason="bought", words="Seen in a group.")
    assert late.status_code == 409 and "changed since you looked" in late.text
    assert "counted" in states().values()


@pytest.mark.parametrize("after", ["", "gone"])
def test_a_decision_that_is_none(client, ana, entry, votes, after):
    answer = post(client, f"/admin/integrity/entries/{entry.id}", **STRETCH, after=after)
    assert answer.status_code == 422 and "Choose what to do" in answer.text


def test_an_appeal_is_answered_on_its_page(client, ana, entry, contest, votes):
    number = appeal_for_entry(entry.id, "They are <people>.", author_id=entry.entrant_id, now=NOW)
    page = client.get("/admin/integrity/appeals").text
    assert 'name="outcome"' in page
    assert "They are &lt;people&gt;." in page
    refused = post(client, f"/admin/integrity/appeals/{number}", outcome="upheld", words="")
    assert refused.status_code == 422 and "checked" in refused.text
    answered = post(client, f"/admin/integrity/appeals/{number}", outcome="upheld", words="So it is.")
    assert answered.status_code == 303 and set(states().values()) == {"counted"}
    again = post(client, f"/admin/integrity/appeals/{number}", outcome="dismissed", words="No.")
    assert again.status_code == 409 and "answered meanwhile" in again.text


def test_whose_entry_it_is_does_not_answer(client, ana, contest):
    """Ana has an entry in this contest: the form is not shown to her."""
    other = make_entry(contest)
    make_entry(contest, entrant=ana)
    cast(other, contest, **BOT)
    close_batch(contest)
    appeal_for_entry(other.id, "Look again.", author_id=other.entrant_id, now=NOW)
    page = client.get("/admin/integrity/appeals").text
    assert "Look again." in page and 'name="outcome"' not in page and "Somebody else has to answer it" in page


def test_the_log_says_where_the_other_logs_are(client, ana):
    page = client.get("/admin/log").text.partition("<main")[2]
    assert 'href="/admin/integrity"' in page and 'href="/admin/contests"' in page


def test_who_decided_does_not_answer(client, ana, entry, contest, votes):
    path, part = f"/admin/integrity/entries/{entry.id}", {**STRETCH, "part": "state:held"}
    seal = re.search(r'name="seal" value="([0-9a-f]+)"', post(client, path, **part, after="rejected").text)[1]
    post(client, path, **part, after="rejected", seal=seal, reason="program", words="A script.")
    number = appeal_for_entry(entry.id, "No.", author_id=entry.entrant_id, now=NOW)
    page = client.get("/admin/integrity/appeals").text
    assert 'name="outcome"' not in page and "Somebody else has to answer it" in page
    answer = post(client, f"/admin/integrity/appeals/{number}", outcome="upheld", words="Yes.")
    assert answer.status_code == 422 and "somebody else has to answer" in answer.text
    assert [states()[vote] for vote in votes[-2:]] == ["rejected", "rejected"]


@pytest.mark.parametrize(
    ("policy", "votes_so"),
    [
        ("all", 16),
        ("counted", 14),
        ("email", 14),
        ("oauth", 0),
        ("network", 1),
        ("no_automation", 16),
        ("no_lockstep", 14),
    ],
)
def test_another_count(client, ana, entry, contest, votes, policy, votes_so):
    rows = retally(contest.id, policy)
    place = 1 if votes_so else None
    assert [(row.votes, row.other_votes, row.other_place) for row in rows] == [(14, votes_so, place)]
    page = client.get(f"/admin/integrity/retally?policy={policy}").text
    assert POLICIES[policy] in page and (">–</b></td>" in page) == (place is None)


def test_an_entry_out_of_the_prize_is_named_and_takes_no_place(client, ana, entry, contest, votes):
    other = make_entry(contest, title="The toads", is_eligible=False)
    cast(other, contest)
    rows = retally(contest.id, "all")
    assert [(row.entry_id, row.other_votes, row.other_place) for row in rows] == [
        (entry.id, 16, 1), (other.id, 1, None),
    ]  # fmt: skip
    page = client.get("/admin/integrity/retally").text
    assert re.findall(r">([^<]+)</a> <span[^>]*>out of the prize<", page) == ["The toads"]


def test_another_count_goes_by_the_proof_of_each_vote(entry, contest, votes):
    """One voter's votes may have different proofs: those of the votes count."""
    db.session.execute(update(Vote).where(Vote.id == votes[0]).values(tier="passkey"))
    db.session.commit()
    told = {policy: retally(contest.id, policy)[0].other_votes for policy in ("email", "oauth", "passkey")}
    assert told == {"email": 13, "oauth": 0, "passkey": 1}


def test_every_other_count_can_be_made(entry, contest, votes):
    assert len(POLICIES) == 11 and all(len(retally(contest.id, policy)) == 1 for policy in POLICIES)
