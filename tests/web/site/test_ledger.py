"""The open count: its page, its files over HTTP, proofs, receipts with their proof; nothing before it is due."""

import io
import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from quilt.audit.ledger import check_ledgers
from quilt.contests.models import BallotPolicy, Contest
from quilt.database import db, transaction, write
from quilt.integrity.appeals import answer_appeal, appeal_by_receipt
from quilt.integrity.checks import ANSWERED_BY_VOTER
from quilt.integrity.facts import get_rulebook
from quilt.integrity.models import VoteCheck
from quilt.integrity.reviews import REASONS
from quilt.jobs.queue import Job
from quilt.ledger.heads import decode_head, name_key
from quilt.ledger.proofs import check_consistency, check_inclusion
from quilt.ledger.receipts import decode_receipt
from quilt.votes.decisions import Verdict, decide_votes
from quilt.votes.ledger_models import LedgerLeaf
from quilt.votes.models import Vote
from quilt.votes.privacy import KEPT, forget_keys
from quilt.votes.schedule import close_due
from quilt.votes.settling import hear_appeals, settle
from quilt.votes.tasks import forget_spent
from quilt.web.clock import now
from quilt.web.proof_steps import list_steps
from tests.conftest import without_guards
from tests.factories import count_plainly, make_entry, make_user
from tests.ledger.books import load_verifier
from tests.votes.ledgers import CHANCE, start_ledger, verify
from tests.votes.ledgers import cast as cast_at
from tests.web.site.browsing import make_open_contest

FILES = ("policy.json", "public_key", "heads.ndjson", "ledger.ndjson", "results.json")


@pytest.fixture
def contest(app, settings):
    contest = make_open_contest()
    start_ledger(settings, contest, now() - timedelta(days=1))
    return contest


def cast(entry, count=1):
    return cast_at(entry, count, now())


def close(settings):
    """The batch, as the worker does it, with the site's own secret."""
    heads = close_due(settings, count_plainly, now, CHANCE.randbytes)
    db.session.rollback()
    return heads


def fetch(client, name):
    answer = client.get(f"/contests/open/ledger/{name}", buffered=True)
    assert answer.status_code == 200, answer.text
    return answer.data


def receipt_of(vote_id):
    return db.session.scalar(select(Vote.receipt).where(Vote.id == vote_id))


def test_a_stranger_recounts_it_from_what_the_page_offers(client, contest, settings, tmp_path):
    entry = make_entry(contest)
    cast(entry, 3)
    assert close(settings) == 1
    for name in FILES:
        (tmp_path / name).write_bytes(fetch(client, name))
    assert verify(tmp_path)[0] == 0
    page = client.get("/contests/open/ledger").text
    assert "<b>3</b> votes in the list" in page and "<b>3</b> counted" in page
    assert "The standings say “under 5” while voting goes on; here each figure is exact" in page
    assert "python3 verify.py http://localhost/contests/open/ledger" in page
    for name in (*FILES, "verify.py", "head.json"):
        assert f'href="/contests/open/ledger/{name}"' in page
    assert fetch(client, "verify.py").startswith(b'"""Recount a contest')
    assert fetch(client, "head.json").strip() == fetch(client, "heads.ndjson").splitlines()[-1]


def test_the_state_at_an_earlier_head_can_still_be_had(client, contest, settings):
    entry = make_entry(contest)
    cast(entry, 2)
    close(settings)
    size = decode_head(fetch(client, "head.json").strip()).head.size
    cast(entry)
    with transaction() as session:
        session.execute(update_batch(contest))
    assert close(settings) == 1
    assert fetch(client, f"ledger.ndjson?size={size}").count(b"\n") == size
    assert json.loads(fetch(client, f"results.json?size={size}"))["size"] == size
    assert client.get("/contests/open/ledger/ledger.ndjson?size=999").status_code == 404
    assert client.get("/contests/open/ledger/results.json?size=1").status_code == 404
    assert client.get("/contests/open/ledger/ledger.ndjson?size=-1").status_code == 422


def update_batch(contest):
    from quilt.votes.ledger_models import Ledger

    return update(Ledger).where(Ledger.contest_id == contest.id).values(batch_at=now() - timedelta(hours=1))


def test_proofs_lead_to_signed_heads(client, contest, settings):
    cast(make_entry(contest), 5)
    close(settings)
    heads = [decode_head(line).head for line in fetch(client, "heads.ndjson").splitlines()]
    told = json.loads(client.get("/contests/open/ledger/proof.json?leaf=2").data)
    path = [bytes.fromhex(node) for node in told["path"]]
    check_inclusion(bytes.fromhex(told["leaf_hash"]), 2, heads[-1].size, path, heads[-1].root)
    steps = list_steps(bytes.fromhex(told["leaf_hash"]), 2, heads[-1].size, path)
    assert steps[-1].result == heads[-1].root.hex() == told["root"]
    told = json.loads(client.get("/contests/open/ledger/consistency.json?from=0").data)
    check_consistency(
        0, heads[-1].size, heads[0].root, heads[-1].root, [bytes.fromhex(n) for n in told["path"]]
    )
    for path, status in (
        ("proof.json", 422), ("proof.json?leaf=99", 404), ("proof.json?leaf=0&size=3", 404), ("proof.json?leaf=x", 422),
        ("consistency.json?from=6&to=0", 422), ("consistency.json?from=2", 404),
        ("consistency.json?from=99999999999999999999", 422),
    ):  # fmt: skip
        assert client.get(f"/contests/open/ledger/{path}").status_code == status, path


def test_a_receipt_is_a_promise_first_and_a_proof_after_the_batch(client, contest, settings, tmp_path):
    (vote_id,) = cast(make_entry(contest, title="The library bus"))
    number = receipt_of(vote_id)
    page = client.get(f"/receipts/{number}")
    assert "Recorded" in page.text and "at the latest" in page.text and "data-receipt" not in page.text
    assert page.headers["Cache-Control"] == "private, no-store"
    assert page.headers["Referrer-Policy"] == "same-origin"
    promise = tmp_path / "promise.json"
    promise.write_bytes(client.get(f"/receipts/{number}/receipt.json").data)
    assert decode_receipt(promise.read_bytes().strip())[1] is None
    for name in FILES:
        (tmp_path / name).write_bytes(fetch(client, name))
    code, told = verify(tmp_path, "--receipt", promise)
    assert (code, "is not in the ledger yet" in told) == (2, True), told
    close(settings)
    for name in FILES:
        (tmp_path / name).write_bytes(fetch(client, name))
    kept = tmp_path / "receipt.json"
    kept.write_bytes(client.get(f"/receipts/{number}/receipt.json").data)
    for file in (promise, kept):
        code, told = verify(tmp_path, "--receipt", file)
        assert (code, "counted" in told) == (0, True), told
    page = client.get(f"/receipts/{number}").text
    assert "Checked by us: your line is number 0" in page and "Counted" in page
    assert decode_receipt(kept.read_bytes().strip())[0].receipt.leaf is not None


def test_the_receipt_never_says_more_than_the_ledger(client, contest, settings):
    (vote_id,) = cast(make_entry(contest))
    number = receipt_of(vote_id)
    write(decide_votes, [vote_id], Verdict("held", "reviewer", "odd", "rules-1"), now())
    assert "Recorded" in client.get(f"/receipts/{number}").text
    close(settings)
    page = client.get(f"/receipts/{number}").text
    assert "Being looked at" in page and "We have written" not in page and "again=1" not in page


def test_the_receipt_of_a_held_vote_says_what_was_asked_answered_and_appealed(client, contest, settings):
    (vote_id,) = cast(make_entry(contest))
    number, reviewer = receipt_of(vote_id), make_user(role="admin")
    write(decide_votes, [vote_id], Verdict("held", "rules", "other", "rules-1"), now())
    close(settings)
    with transaction() as session:
        session.add(VoteCheck(vote_id=vote_id, contest_id=contest.id, mailed_at=now()))
    asked = client.get(f"/receipts/{number}").text
    assert "We have written to the address" in asked and "Ask for a second look</a>" in asked
    with transaction() as session:
        session.get_one(VoteCheck, vote_id).answered_at = now()
    answered = client.get(f"/receipts/{number}").text
    assert "You have told us that it was you" in answered and "We have written" not in answered
    appeal = appeal_by_receipt(number, "It was me.", author_id=None, now=now())
    for path in (f"/receipts/{number}", f"/appeal?receipt={number}"):
        waiting = client.get(path).text
        assert "waits for an answer" in waiting and "Ask for a second look</a>" not in waiting, path
        assert "<textarea" not in waiting
    answer_appeal(appeal, "dismissed", "The code came from elsewhere.", actor_id=reviewer.id, now=now())
    told = client.get(f"/receipts/{number}").text
    assert "It stays as it is." in told and "The code came from elsewhere." in told and "again=1" in told
    assert "<textarea" in client.get(f"/appeal?receipt={number}&again=1").text


def test_reasons_stand_there_in_plain_words(app, client, contest, settings):
    votes = cast(make_entry(contest), 3)
    for vote_id, reason in zip(votes, ("mistake", "short_lived", "an-old_one"), strict=True):
        write(decide_votes, [vote_id], Verdict("held", "rules", reason, "rules-1"), now())
    close(settings)
    page = client.get("/contests/open/ledger").text
    told = re.findall(r"<li><b>− 1</b> being looked at([^<]*)</li>", page)
    assert sorted(told) == ["", ": an address for a short while only", ": an old one"]
    say = app.jinja_env.get_template("macros/reasons.html").module.reason_words
    signs = [name for name, sign in get_rulebook().signs.items() if sign.holds]
    tags = {*REASONS, *signs, ANSWERED_BY_VOTER}
    assert len(tags) == 11 and [tag for tag in tags if str(say(tag)) == tag.replace("_", " ")] == []


def test_a_line_that_was_changed_is_told(client, contest, settings):
    """The guards of the database are lifted, as somebody with the keys to the machine could."""
    (vote_id,) = cast(make_entry(contest))
    close(settings)
    number = receipt_of(vote_id)
    with db.engine.begin() as connection, without_guards(connection, {"contest"}):
        connection.execute(update(Contest).where(Contest.id == contest.id).values(voter_salt=b"another"))
    assert "The proof does not hold" in client.get(f"/receipts/{number}").text


def test_a_month_after_the_final_result_no_receipt_is_opened_any_more(client, contest, settings, tmp_path):
    (vote_id,) = cast(make_entry(contest))
    close(settings)
    number, at = receipt_of(vote_id), now()
    for name in FILES:
        (tmp_path / name).write_bytes(fetch(client, name))
    kept = tmp_path / "mine.json"
    kept.write_bytes(client.get(f"/receipts/{number}/receipt.json").data)
    assert forget_keys(at + 2 * KEPT) == 0, "no result is final"
    with (
        pytest.raises(DBAPIError),
        db.engine.begin() as connection,
    ):  # nor does the database let anybody else do it
        connection.execute(update(Contest).values(voter_salt=b""))
    write(hear_appeals, contest.id, at)
    write(settle, contest.id, at)
    assert forget_keys(at + KEPT) == 0
    assert client.get(f"/receipts/{number}").status_code == 200
    forget_spent(Job(settings, lambda: at + KEPT + timedelta(seconds=1), CHANCE.randbytes))
    assert forget_keys(at + 2 * KEPT) == 0, "it is empty already"
    assert db.session.scalar(select(Contest.voter_salt).where(Contest.id == contest.id)) == b""
    db.session.rollback()
    for path in (f"/receipts/{number}", f"/receipts/{number}/receipt.json"):
        answer = client.get(path)
        assert answer.status_code == 410 and "verify.py" in answer.text
    assert verify(tmp_path, "--receipt", kept)[0] == 0
    with db.engine.connect() as connection:
        checks = check_ledgers(connection, settings, now())
        assert [one for check in checks for one in check.differences] == []
        assert sum(check.looked_at for check in checks if check.name == "ledger leaves") == 2, (
            "with the decision"
        )
        connection.execute(update(Vote).values(tier="oauth"))
        found = [one for check in check_ledgers(connection, settings, now()) for one in check.differences]
        assert len(found) == 1 and f"it does not say what vote {vote_id} says" in found[0]


@pytest.mark.parametrize("number", ["0" * 24, "x", "a b", "%2e%2e", "A" * 300, "é"])
def test_a_number_that_is_none_is_not_found(client, contest, number):
    assert client.get(f"/receipts/{number}").status_code == 404
    answer = client.get("/receipts", query_string={"number": number})
    assert answer.status_code == 404 and "We have no receipt with that number" in answer.text


def test_the_form_takes_a_number_with_blanks(client, contest):
    (vote_id,) = cast(make_entry(contest))
    number = receipt_of(vote_id)
    assert client.get("/receipts").status_code == 200
    answer = client.get("/receipts", query_string={"number": f" {number[:12]} {number[12:].upper()}\n"})
    assert (answer.status_code, answer.location) == (303, f"/receipts/{number}")


@pytest.mark.parametrize("counts", ["hour", "day", "end"])
def test_covered_votes_stay_covered_until_the_close(client, app, settings, counts):
    contest = make_open_contest()
    with transaction() as session:
        session.execute(
            update(BallotPolicy).where(BallotPolicy.contest_id == contest.id).values(counts=counts)
        )
    start_ledger(settings, contest, now() - timedelta(days=1))
    (vote_id,) = cast(make_entry(contest))
    close(settings)
    for name in ("ledger.ndjson", "results.json"):
        answer = client.get(f"/contests/open/ledger/{name}")
        assert answer.status_code == 403 and "stay covered" in answer.text
    page = client.get("/contests/open/ledger").text
    assert "stay covered" in page and "in the list</li>" not in page
    assert fetch(client, "heads.ndjson")
    assert "Checked by us" in client.get(f"/receipts/{receipt_of(vote_id)}").text


def test_before_voting_there_is_no_ledger(client, app):
    make_open_contest(days=(1, 2))
    assert "The book is still closed." in client.get("/contests/open/ledger").text
    for name in (*FILES, "proof.json?leaf=0", "consistency.json?from=0"):
        assert client.get(f"/contests/open/ledger/{name}").status_code == 404
    assert client.get("/contests/other/ledger").status_code == 404
    assert client.get("/contests/open/ledger/keys").status_code == 404


def test_an_old_key_stays_listed(client, contest, settings, tmp_path):
    from dataclasses import replace

    cast(make_entry(contest))
    with transaction() as session:
        session.execute(update_batch(contest))
    other = replace(settings, ledger_key="ab" * 32)
    close(other)
    keys = [bytes.fromhex(line) for line in fetch(client, "public_key").decode().splitlines()]
    heads = [decode_head(line).head for line in fetch(client, "heads.ndjson").splitlines()]
    assert [head.key for head in heads] == [name_key(key) for key in keys] and len(keys) == 2
    for name in FILES:
        (tmp_path / name).write_bytes(fetch(client, name))
    assert verify(tmp_path)[0] == 0


def test_nothing_in_the_files_is_about_a_person(client, contest, settings):
    (vote_id,) = cast(make_entry(contest))
    close(settings)
    line = db.session.scalar(select(LedgerLeaf.line).where(LedgerLeaf.vote_id == vote_id))
    assert sorted(json.loads(line)) == ["at", "commit", "contest", "entry", "kind", "period", "tier", "v"]
    everything = b"".join(fetch(client, name) for name in FILES)
    assert receipt_of(vote_id).encode() not in everything
    assert not re.search(rb"@|198\.|Mozilla", everything)


def test_the_verifier_reads_the_site_itself(contest, settings, client, monkeypatch):
    cast(make_entry(contest), 2)
    close(settings)
    module = load_verifier()

    class Site(module.Source):
        def open(self, name, size=None):
            query = "" if size is None else f"?size={size}"
            return io.BytesIO(fetch(client, name + query))

    module.Source = Site
    assert module.main(["http://localhost/contests/open/ledger"]) == 0
