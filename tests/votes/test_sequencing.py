"""Batches: every vote gets one leaf and every decision stands in one, and the public files agree with verify.py."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace

import pytest
import structlog
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from quilt.database import db, transaction, write
from quilt.entries.models import Entry
from quilt.ledger.leaves import DecisionLeaf, EntryLeaf, VoteLeaf, decode_leaf
from quilt.votes import sequencing
from quilt.votes.decisions import Verdict, decide_votes
from quilt.votes.leaves import LedgerNotOpen
from quilt.votes.ledger_models import Ledger, LedgerHead, LedgerLeaf
from quilt.votes.ledgers import list_accounts
from quilt.votes.models import DecisionInbox, EntryTally, Vote
from quilt.votes.queries import list_votes_of
from quilt.votes.receipts import find_receipt
from quilt.votes.schedule import close_due
from quilt.votes.sequencing import append_votes, has_news
from tests.conftest import NOW
from tests.factories import PLAIN, count_plainly, make_contest, make_entry, make_user
from tests.votes.ledgers import (
    CHANCE,
    SECRET,
    cast,
    get_key,
    number_of,
    publish,
    run_batch,
    start_ledger,
    verify,
)
from tests.votes.test_service import vote_for
from tests.waiting import wait_for_a_lock

HOLD = Verdict("held", "rules", "lockstep", "rules-1")


@pytest.fixture
def contest(app, settings):
    contest = make_contest()
    assert start_ledger(settings, contest)
    return contest


def read_leaves(contest):
    lines = db.session.scalars(
        select(LedgerLeaf.line).where(LedgerLeaf.contest_id == contest.id).order_by(LedgerLeaf.number)
    )
    return [decode_leaf(line.encode()) for line in lines]


def decide(vote_ids, *verdict):
    write(decide_votes, vote_ids, Verdict(*verdict), NOW)
    db.session.rollback()


def states(*vote_ids):
    return [db.session.get_one(Vote, vote_id, populate_existing=True).state for vote_id in vote_ids]


def test_an_open_ledger_has_an_empty_head_and_opens_once(settings, contest, tmp_path):
    assert not start_ledger(settings, contest)
    code, told = verify(publish(settings, contest, tmp_path))
    assert (code, "0 recorded, 0 counted" in told) == (0, True), told


def test_votes_are_judged_in_the_order_in_which_they_were_cast(settings, contest, monkeypatch):
    monkeypatch.setattr(sequencing, "MOST_JUDGED", 2)
    entry, other = make_entry(contest), make_entry(contest)
    votes = [vote for turn in (entry, other, entry, other, entry) for vote in cast(turn)]
    judged = []

    def judge(connection, contest_id, vote_ids):
        judged.append(list(vote_ids))
        return count_plainly(connection, contest_id, vote_ids)

    assert run_batch(settings, contest, judge).votes == 5
    assert judged == [votes[:2], votes[2:4], votes[4:]]


def test_a_contest_that_cannot_be_judged_keeps_no_other_from_its_batch(settings, contest):
    other = make_contest("other")
    assert start_ledger(settings, other)
    votes = cast(make_entry(contest)) + cast(make_entry(other))

    def judge(connection, contest_id, vote_ids):
        if contest_id == contest.id:
            raise ValueError("a fault in the rules")
        return count_plainly(connection, contest_id, vote_ids)

    later = NOW + timedelta(minutes=10)
    with structlog.testing.capture_logs() as told:
        assert close_due(settings, judge, lambda: later, CHANCE.randbytes) == 1
    db.session.rollback()
    assert states(*votes) == ["recorded", "counted"]
    assert [(line["event"], line["contest"]) for line in told] == [("batch_failed", contest.id)]
    assert close_due(settings, count_plainly, lambda: later, CHANCE.randbytes) == 1
    db.session.rollback()
    assert states(*votes) == ["counted", "counted"]


def test_a_batch_gives_every_vote_a_leaf_and_a_decision(settings, contest, tmp_path):
    entry, other = make_entry(contest), make_entry(contest)
    votes = cast(entry, 5) + cast(other, 2)
    batch = run_batch(settings, contest, chunk=3)
    assert (batch.votes, batch.decisions) == (7, 7)
    leaves = read_leaves(contest)
    assert sum(isinstance(leaf, VoteLeaf) for leaf in leaves) == 7
    assert len(leaves) == batch.size == 7 + 3  # one decision for each of three transactions
    assert states(*votes) == ["counted"] * 7
    assert db.session.scalar(select(func.count()).select_from(DecisionInbox)) == 0
    code, told = verify(publish(settings, contest, tmp_path))
    assert code == 0, told
    assert f"entry {entry.id}: 5 counted" in told and f"entry {other.id}: 2 counted" in told


def test_the_order_of_a_batch_is_not_that_of_the_votes(settings, contest):
    votes = cast(make_entry(contest), 12)
    run_batch(settings, contest)
    numbers = [number_of(vote_id) for vote_id in votes]
    assert sorted(numbers) == list(range(12)) != numbers


def test_the_judge_holds_and_later_decisions_follow(settings, contest, tmp_path):
    entry = make_entry(contest)
    votes = cast(entry, 6)
    run_batch(settings, contest, lambda *asked: {**count_plainly(*asked), **dict.fromkeys(votes[:4], HOLD)})
    assert states(*votes) == ["held"] * 4 + ["counted"] * 2
    decide(votes[:2], "rejected", "reviewer", "bought", "rules-1")
    decide(votes[2:3], "counted", "voter", "confirmed", "rules-1")
    decide(
        votes[:1], "counted", "appeal", "mistake", "rules-1"
    )  # the second about one vote, in the same batch
    batch = run_batch(settings, contest, at=NOW + timedelta(minutes=10))
    assert (batch.votes, batch.decisions) == (0, 4)
    last = [leaf for leaf in read_leaves(contest) if isinstance(leaf, DecisionLeaf)][-3:]
    assert [(leaf.state, leaf.actor, leaf.reason) for leaf in last] == [
        ("rejected", "reviewer", "bought"), ("counted", "voter", "confirmed"), ("counted", "appeal", "mistake"),
    ]  # fmt: skip
    assert last[0].votes != last[2].votes
    code, told = verify(publish(settings, contest, tmp_path))
    assert (code, f"entry {entry.id}: 4 counted, 1 held, 1 rejected" in told) == (0, True), told
    total, of_entry = list_accounts(contest.id)
    assert (total.all, total.counted, of_entry.entry_id) == (6, 4, entry.id)
    assert [(part.state, part.reason, part.votes) for part in total.removals] == [
        ("held", "lockstep", 1), ("rejected", "bought", 1),
    ]  # fmt: skip


def test_a_vote_that_was_decided_before_the_batch_keeps_that_decision(settings, contest, tmp_path):
    votes = cast(make_entry(contest), 3)
    decide(votes[:1], "withdrawn", "voter", "changed-mind", "rules-1")
    decide(votes[1:2], "held", "reviewer", "Odd: one!", "rules-1")
    batch = run_batch(settings, contest)
    assert (batch.votes, batch.decisions) == (3, 3)
    assert states(*votes) == ["withdrawn", "held", "counted"]
    assert "odd--one-" in {leaf.reason for leaf in read_leaves(contest) if isinstance(leaf, DecisionLeaf)}
    assert verify(publish(settings, contest, tmp_path))[0] == 0


def test_a_receipt_that_was_shown_holds_though_its_voter_proves_more_before_the_batch(app, settings):
    """The leaf names the proof of its own vote: a receipt is signed over it before there is any leaf."""
    contest = make_contest(tiers="email,passkey")
    start_ledger(settings, contest)
    first, second = make_entry(contest), make_entry(contest)
    voter, key = make_user(), get_key(settings)
    early = vote_for(first, voter).receipt
    promised = find_receipt(early, key, SECRET, timedelta(minutes=20))
    later = vote_for(second, voter, tier="passkey").receipt
    run_batch(settings, contest)
    kept = find_receipt(early, key, SECRET, timedelta(minutes=20))
    assert kept.signed == promised.signed and kept.proof is not None
    assert find_receipt(later, key, SECRET, timedelta(minutes=20)).signed.receipt.leaf.tier == "passkey"
    assert {leaf.tier for leaf in read_leaves(contest) if isinstance(leaf, VoteLeaf)} == {"email", "passkey"}


def test_a_voter_reads_recorded_until_the_ledger_says_more(settings, contest):
    voter = make_user()
    vote_for(make_entry(contest), voter)
    db.session.rollback()
    vote_id = db.session.scalars(select(Vote.id)).one()
    decide([vote_id], "held", "reviewer", "odd", "rules-1")
    assert list_votes_of(voter.id)[0].state == "recorded"
    run_batch(settings, contest)
    assert list_votes_of(voter.id)[0].state == "held"
    decide([vote_id], "rejected", "reviewer", "bought", "rules-1")
    assert list_votes_of(voter.id)[0].state == "held"
    run_batch(settings, contest)
    assert list_votes_of(voter.id)[0].state == "rejected"


def test_an_entry_that_leaves_the_running_has_a_leaf(settings, contest, tmp_path):
    entry, gone = make_entry(contest), make_entry(contest)
    cast(entry)
    cast(gone)
    for values, reason in (({"is_eligible": False}, "ineligible"), ({"state": "withdrawn"}, "withdrawn")):
        with transaction() as session:
            session.execute(update(Entry).where(Entry.id == gone.id).values(**values))
        run_batch(settings, contest)
        out = [leaf for leaf in read_leaves(contest) if isinstance(leaf, EntryLeaf)]
        assert [(leaf.entry, leaf.is_running, leaf.reason) for leaf in out] == [
            (gone.id, False, "ineligible")
        ], reason
    results = json.loads(publish(settings, contest, tmp_path).joinpath("results.json").read_bytes())
    assert results["out"] == [gone.id]
    assert verify(tmp_path)[0] == 0
    with transaction() as session:
        session.execute(update(Entry).where(Entry.id == gone.id).values(is_eligible=True, state="published"))
    run_batch(settings, contest)
    assert verify(publish(settings, contest, tmp_path))[0] == 0
    assert json.loads((tmp_path / "results.json").read_bytes())["out"] == []


def test_two_workers_at_once_double_nothing(app, settings, contest, tmp_path):
    votes, same = cast(make_entry(contest), 30), SimpleNamespace(id=contest.id)
    db.session.rollback()

    def work(_number):
        with app.app_context():
            return run_batch(settings, same, chunk=4).votes

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(work, range(3))) == 30
    db.session.rollback()
    assert sorted(leaf.vote_id for leaf in db.session.scalars(select(LedgerLeaf)) if leaf.vote_id) == votes
    assert verify(publish(settings, contest, tmp_path))[0] == 0


def test_a_batch_that_is_cut_off_is_taken_up_by_the_next(settings, contest, tmp_path):
    votes = cast(make_entry(contest), 6)
    write(
        append_votes, contest.id, votes[:4], dict.fromkeys(votes, PLAIN), SECRET, NOW
    )  # and then the power went
    db.session.rollback()
    assert verify(publish(settings, contest, tmp_path))[0] == 0  # the public sees the last head only
    assert run_batch(settings, contest).votes == 2
    assert write(append_votes, contest.id, votes, dict.fromkeys(votes, PLAIN), SECRET, NOW) == (0, 0)
    assert verify(publish(settings, contest, tmp_path))[0] == 0


def test_leaves_whose_head_was_never_signed_are_news(settings, contest):
    votes = cast(make_entry(contest), 3)
    write(
        append_votes, contest.id, votes, dict.fromkeys(votes, PLAIN), SECRET, NOW
    )  # and then the power went
    with db.engine.connect() as connection:
        assert has_news(connection, contest.id)
    assert run_batch(settings, contest).size == 4  # the votes, and the decision about them
    with db.engine.connect() as connection:
        assert not has_news(connection, contest.id)


def test_a_batch_takes_counters_in_the_order_of_the_votes(app, contest):
    """Else both wait in a ring, and PostgreSQL ends one of them after a second."""
    if db.engine.dialect.name == "sqlite":
        pytest.skip("one writer at a time")
    first, second = make_entry(contest), make_entry(contest)
    votes = [*cast(second, 1), *cast(first, 1)]
    held = {vote: HOLD._replace(evidence=f'{{"number": {number}}}') for number, vote in enumerate(votes)}

    def work():
        with app.app_context():
            done.append(write(append_votes, contest_id, votes, held, SECRET, NOW))

    done, contest_id = [], contest.id
    vote = update(EntryTally).values(standing=EntryTally.standing)
    batch = threading.Thread(target=work)
    with db.engine.connect() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '300ms'"))
        connection.execute(vote.where(EntryTally.entry_id == first.id))
        batch.start()
        wait_for_a_lock(batch)
        connection.execute(vote.where(EntryTally.entry_id == second.id))
        connection.commit()
    batch.join()
    assert done == [(2, 2)]


def test_a_judge_that_fails_leaves_everything_as_it_was(settings, contest):
    cast(make_entry(contest))
    with pytest.raises(RuntimeError):
        run_batch(settings, contest, explode)
    assert states(*db.session.scalars(select(Vote.id))) == ["recorded"]
    assert read_leaves(contest) == []


def explode(_connection, _contest_id, _vote_ids):
    raise RuntimeError("the judge fell over")


def test_the_database_refuses_to_change_a_line_or_a_head(settings, contest):
    cast(make_entry(contest))
    run_batch(settings, contest)
    for statement in (
        update(LedgerLeaf).values(line="x"), update(LedgerHead).values(line="x"),
        LedgerLeaf.__table__.delete(), LedgerHead.__table__.delete(),
    ):  # fmt: skip
        with pytest.raises(DatabaseError):
            write(lambda connection, statement=statement: connection.execute(statement))


def test_no_vote_has_two_leaves_and_no_number_comes_twice(settings, contest):
    (vote_id,) = cast(make_entry(contest))
    run_batch(settings, contest)
    line = {"contest_id": contest.id, "line": "x"}
    for row in ({"number": 9, "vote_id": vote_id}, {"number": 0, "vote_id": None}):
        with pytest.raises(IntegrityError):
            write(
                lambda connection, row=row: connection.execute(LedgerLeaf.__table__.insert(), {**line, **row})
            )


def test_without_a_ledger_there_is_no_batch(app, settings):
    contest = make_contest()
    cast(make_entry(contest))
    with pytest.raises(LedgerNotOpen):
        run_batch(settings, contest)
    assert db.session.scalar(select(func.count()).select_from(Ledger)) == 0
