"""From the last vote to what the money did, through a real ledger."""

import contextlib
import io
import json
import secrets
import threading
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from quilt.audit.ledger import check_ledgers
from quilt.contests.models import ContestChange, ContestRules
from quilt.database import db, write
from quilt.entries.models import Entry
from quilt.integrity.appeals import AppealsOver, answer_appeal, appeal_by_receipt, appeal_for_entry
from quilt.integrity.reviews import ReviewRefused, review_votes, try_review
from quilt.judging.models import Criterion
from quilt.judging.service import WantedCriterion, invite_judge, save_scores, seal_panel, set_criteria
from quilt.ledger.tally import decide_places
from quilt.moderation.eligibility import set_eligibility
from quilt.results import service
from quilt.results.gate import ResultRefused
from quilt.results.models import GateRun, PrizeStep, Result
from quilt.results.pack import write_pack, write_table
from quilt.results.queries import (
    count_ledger,
    find_awaited_head,
    find_result,
    list_places,
    list_prizes,
    list_steps,
)
from quilt.results.service import (
    advance_prize,
    approve_result,
    finish_results,
    pass_prize_on,
    propose_result,
    take_back_result,
    take_in_points,
    try_gate,
)
from quilt.votes.decisions import ResultIsFinal, Verdict, decide_votes
from quilt.votes.heads import sign_next_head
from quilt.votes.ledger_models import Settlement
from quilt.votes.models import Vote
from quilt.votes.schedule import close_due
from tests.conftest import NOW
from tests.factories import count_plainly, make_contest, make_entry, make_user
from tests.votes.ledgers import SECRET, cast, get_key, publish, run_batch, start_ledger, verify
from tests.waiting import wait_for_a_lock

CLOSED = NOW + timedelta(days=6)
LATER = CLOSED + timedelta(hours=49)


class Contest:
    """A contest with 4, 3 and 2 votes for its entries, whose voting is over; two people at the desk."""

    def __init__(self, settings, **policy):
        self.settings = replace(settings, secret_key=SECRET)  # the votes of these tests are cast with it
        self.contest = make_contest(**policy)
        self.id = self.contest.id
        self.entries = [make_entry(self.contest, title=title).id for title in ("Bus", "River", "Book")]
        self.first, self.second = make_user(role="admin"), make_user(role="admin")
        start_ledger(settings, self.contest)

    def vote(self, *counts):
        for entry_id, count in zip(self.entries, counts, strict=True):
            entry = type("E", (), {"id": entry_id, "contest_id": self.id})
            cast(entry, count)

    def close(self, at=CLOSED):
        run_batch(self.settings, self.contest, at=at)

    def gate(self, value="", at=CLOSED):
        gate = try_gate(self.id, value, settings=self.settings, actor_id=self.first.id, now=at)
        db.session.rollback()
        return {check.name for check in gate.checks if not check.is_fine}

    def propose(self, value="", at=CLOSED):
        propose_result(self.id, value, settings=self.settings, actor_id=self.first.id, now=at)
        db.session.rollback()

    def approve(self, by=None, at=CLOSED):
        approve_result(self.id, settings=self.settings, actor_id=(by or self.second).id, now=at)
        db.session.rollback()

    def decide(self, vote_id, *verdict, at=CLOSED):
        write(decide_votes, [vote_id], Verdict(*verdict), at)
        db.session.rollback()

    def finish(self, at=LATER):
        done = finish_results(at)
        db.session.rollback()
        return done


@pytest.fixture
def contest(app, settings):
    made = Contest(settings)
    made.vote(4, 3, 2)
    return made


def test_before_the_close_the_gate_says_what_is_missing(contest):
    assert contest.gate(at=NOW) == {"Voting is over", "The ledger has everything", "The audit is clean"}
    with pytest.raises(ResultRefused, match="gate"):
        contest.propose(at=NOW)
    assert find_result(contest.id) is None


def test_a_ledger_without_a_vote_shuts_the_gate(app, settings):
    contest = Contest(settings)
    contest.close()
    assert contest.gate() == {"The audit is clean"}


def test_two_people_an_appeal_and_the_prize(contest, settings, tmp_path):
    contest.close()
    assert contest.gate() == set()
    contest.propose()
    with pytest.raises(ResultRefused, match="somebody else"):
        contest.approve(contest.first)
    assert list_prizes(contest.id) == []
    contest.approve()
    assert list_places(find_result(contest.id)) == contest.entries
    code, told = verify(publish(settings, contest.contest, tmp_path / "files"))
    assert code == 0, told
    assert contest.finish(CLOSED + timedelta(hours=47)) == 0
    with pytest.raises(ResultRefused, match="appeals"):
        advance_prize(contest.id, 1, "verified", "Checked.", actor_id=contest.first.id, now=LATER)
    assert contest.finish() == 1
    for step, words in (("verified", "Papers seen."), ("paid", "By cheque."), ("told", "A new bus.")):
        advance_prize(contest.id, 1, step, words, actor_id=contest.first.id, now=LATER)
        db.session.rollback()
    assert [(step.state, step.words) for step in list_steps(contest.id)] == [
        ("promised", ""), ("verified", "Papers seen."), ("paid", "By cheque."), ("told", "A new bus."),
    ]  # fmt: skip
    public = db.session.scalars(select(ContestChange.kind).where(ContestChange.is_public)).all()
    assert {"result", "result final"} <= set(public)


def test_the_database_itself_wants_two_people_and_their_times(contest):
    contest.close()
    contest.propose()
    whole = {"approved_by": contest.second.id, "approved_at": CLOSED, "appeals_until": LATER}
    refused = [{"state": "approved", **whole, name: None} for name in whole]
    for values in [*refused, {"state": "final"}, {"approved_by": Result.proposed_by}]:
        with pytest.raises(IntegrityError):
            db.session.execute(update(Result).values(values))
        db.session.rollback()
    db.session.execute(update(Result).values(state="approved", **whole))
    db.session.rollback()


def test_held_votes_that_could_change_the_winner_shut_the_gate(contest):
    contest.vote(0, 1, 0)
    contest.close()
    vote_id = db.session.scalars(select(Vote.id).where(Vote.entry_id == contest.entries[1])).first()
    contest.decide(vote_id, "held", "rules", "lockstep", "rules-1")
    contest.close()
    assert contest.gate() == {"Held votes change no paid place"}, "counted, River were level with Bus"
    contest.decide(vote_id, "rejected", "reviewer", "bought", "rules-1")
    contest.close()
    assert contest.gate() == set()


def test_an_open_appeal_shuts_the_gate_and_keeps_a_result_from_being_final(contest):
    contest.close()
    vote = db.session.scalars(select(Vote).where(Vote.entry_id == contest.entries[2])).first()
    receipt, vote_id = vote.receipt, vote.id
    contest.decide(vote_id, "held", "rules", "lockstep", "rules-1")
    contest.decide(vote_id, "rejected", "reviewer", "bought", "rules-1")
    contest.close()
    contest.propose()
    contest.approve()
    appeal = appeal_by_receipt(receipt, "I am a person.", author_id=None, now=CLOSED)
    db.session.rollback()
    assert contest.finish() == 0
    answer_appeal(appeal, "upheld", "So you are.", actor_id=contest.second.id, now=LATER)
    db.session.rollback()
    contest.close(LATER)
    assert contest.finish() == 0, "the ledger has grown since"
    take_back_result(
        contest.id, "An appeal was upheld.", settings=contest.settings, actor_id=contest.first.id, now=LATER
    )
    db.session.rollback()
    write(sign_next_head, contest.id, get_key(contest.settings), LATER)
    contest.propose(at=LATER)
    contest.approve(at=LATER)
    assert contest.finish(LATER + timedelta(hours=49)) == 1


def test_H14_a_final_result_is_contradicted_by_nothing(contest, settings, tmp_path):
    votes = {entry: list_votes(entry) for entry in contest.entries}
    contest.close()
    doubted = votes[contest.entries[2]][0]
    contest.decide(doubted, "held", "reviewer", "bought", "rules-1")
    contest.close()
    contest.propose()
    contest.approve()
    until = find_result(contest.id).appeals_until
    receipt = db.session.scalar(select(Vote.receipt).where(Vote.id == doubted))
    appeal = appeal_by_receipt(receipt, "I am a person.", author_id=None, now=until - timedelta(seconds=1))
    db.session.rollback()
    assert contest.finish() == 0
    answer_appeal(appeal, "dismissed", "Bought.", actor_id=contest.second.id, now=LATER)
    db.session.rollback()
    with pytest.raises(AppealsOver):
        appeal_by_receipt(receipt, "I am late.", author_id=None, now=until)
    with pytest.raises(AppealsOver):
        appeal_for_entry(contest.entries[2], "I am late.", author_id=contest.first.id, now=until)
    db.session.rollback()
    assert contest.finish() == 1
    month = LATER + timedelta(days=30)
    facts = {"reason": "bought", "words": "Seen.", "actor_id": contest.first.id, "now": month}
    counted = votes[contest.entries[0]]
    with pytest.raises(ReviewRefused, match="final"):
        seal = try_review(counted, "held").seal
        review_votes(counted, "held", seal=seal, contest_id=contest.id, **facts)
    for verdict in (("held", "reviewer", "late"), ("withdrawn", "voter", "taken-back")):
        with pytest.raises(ResultIsFinal):
            contest.decide(counted[0], *verdict, "rules-1", at=month)
    with db.engine.begin() as connection:  # what the entrants do with their films is theirs
        connection.execute(update(Entry).where(Entry.id == contest.entries[2]).values(state="withdrawn"))
    close_due(contest.settings, count_plainly, lambda: month, secrets.token_bytes)
    folder = publish(settings, contest.contest, tmp_path / "files")
    results = json.loads((folder / "results.json").read_text())
    assert (results["final"], results["places"]) == (True, contest.entries)
    assert verify(folder)[0] == 0
    with db.engine.connect() as connection:
        checks = check_ledgers(connection, contest.settings, month)
    assert [one for check in checks for one in check.differences] == []
    with db.engine.begin() as connection:
        connection.execute(update(Settlement).values(appeals_until=NOW, settled_at=NOW))
        found = [
            one for check in check_ledgers(connection, contest.settings, month) for one in check.differences
        ]
    assert found and all("after the result was final" in one for one in found)


def test_a_result_that_becomes_final_waits_for_what_is_being_decided(app, contest):
    """Somebody has decided and not yet committed: the result is not final before, nor without it."""
    contest.close()
    contest.propose()
    contest.approve()
    vote_ids, done = list_votes(contest.entries[2])[:1], []
    db.session.rollback()

    def finish():
        with app.app_context():
            done.append(contest.finish())

    finishing = threading.Thread(target=finish)
    with db.engine.connect().execution_options(quilt_begin="IMMEDIATE") as connection:
        decide_votes(connection, vote_ids, Verdict("held", "reviewer", "late", "rules-1"), LATER)
        finishing.start()
        wait_for_a_lock(finishing)
        connection.commit()
    finishing.join(30)
    assert done == [0], "the decision waits for the ledger"


def test_an_entry_that_leaves_the_prize_is_in_the_ledger_before_its_result_is_final(contest):
    contest.close()
    contest.propose()
    contest.approve()
    first, *others = contest.entries
    rule(contest, first, False)
    assert contest.finish() == 0, "it waits for the ledger"
    assert contest.gate(at=LATER) == {"The ledger has everything"}
    contest.close(LATER)
    assert contest.finish() == 0, "the ledger has grown since"
    take_back_result(
        contest.id, "Ruled out.", settings=contest.settings, actor_id=contest.first.id, now=LATER
    )
    contest.propose(at=LATER)
    assert list_places(find_result(contest.id)) == others


def rule(contest, entry_id, is_eligible):
    set_eligibility(entry_id, is_eligible, words="Her age.", actor_id=contest.second.id, now=CLOSED)
    db.session.rollback()


def list_votes(entry_id):
    return list(db.session.scalars(select(Vote.id).where(Vote.entry_id == entry_id).order_by(Vote.id)))


def test_what_is_level_waits_for_the_draw_and_anybody_can_repeat_it(app, settings, tmp_path):
    contest = Contest(settings)
    contest.vote(3, 3, 1)
    contest.close()
    assert contest.gate() == {"Nobody is level, or the draw is made"}
    with pytest.raises(ResultRefused, match="letters"):
        contest.gate("7, 8")
    assert contest.gate("2.5.8.10.12") == set()
    contest.propose("2.5.8.10.12")
    contest.approve()
    counted = count_ledger(contest.id)
    assert list_places(find_result(contest.id)) == decide_places(
        counted.tally, counted.terms, counted.head_hash, "2.5.8.10.12"
    )
    code, told = verify(publish(settings, contest.contest, tmp_path / "files"))
    assert code == 0 and "2.5.8.10.12" in told, told


def test_judges_change_the_order_by_the_declared_formula(app, settings):
    contest = Contest(settings, judges_share=50)
    contest.vote(4, 3, 2)
    contest.close()
    assert "The judges are done" in contest.gate()
    judge = make_user("ada@example.org")
    set_criteria(contest.id, [WantedCriterion("All", 1)], actor_id=contest.first.id, now=CLOSED)
    invite_judge(contest.id, judge.id, actor_id=contest.first.id, settings=settings, now=CLOSED)
    db.session.rollback()
    criterion = db.session.scalar(select(Criterion.id))
    for entry, points in zip(contest.entries, (1, 10, 5), strict=True):
        save_scores(judge.id, entry, {criterion: points}, now=CLOSED)
    db.session.rollback()
    seal_panel(contest.id, actor_id=contest.first.id, now=CLOSED)
    db.session.rollback()
    assert "The judges are done" in contest.gate(), "the points are not in the ledger yet"
    assert take_in_points(contest.id, get_key(settings), CLOSED) == 3
    db.session.rollback()
    assert take_in_points(contest.id, get_key(settings), CLOSED) == 0
    late = make_entry(contest.contest, title="Restored after the close").id
    assert contest.gate() == {"The judges are done"}, "an entry in the running has no points"
    db.session.execute(update(Entry).where(Entry.id == late).values(is_eligible=False))
    db.session.commit()
    contest.close()
    assert contest.gate() == set()
    contest.propose()
    # 50 · 3/4 + 50 · 10/10, 50 · 4/4 + 50 · 1/10, 50 · 2/4 + 50 · 5/10
    assert list_places(find_result(contest.id)) == [
        contest.entries[1],
        contest.entries[0],
        contest.entries[2],
    ]


def sign_another_head(contest, at):
    """A head over the leaves there are, as a worker signs one where nothing has happened."""
    write(sign_next_head, contest.id, get_key(contest.settings), at)
    db.session.rollback()


@pytest.mark.parametrize("counts", [(4, 3, 2), (3, 3, 1)])
def test_a_head_over_the_same_leaves_leaves_the_result_verifiable(app, settings, tmp_path, counts):
    contest = Contest(settings)
    contest.vote(*counts)
    contest.close()
    contest.propose("7.8")
    sign_another_head(contest, CLOSED + timedelta(seconds=14))
    with contextlib.suppress(ResultRefused):  # a draw comes out otherwise by another head: proposed anew
        contest.approve()
    if find_result(contest.id).state == "proposed":
        take_back_result(
            contest.id,
            "There is a new head.",
            settings=contest.settings,
            actor_id=contest.first.id,
            now=CLOSED,
        )
        db.session.rollback()
        contest.propose("7.8")
        contest.approve()
    for hours in (1, 2):
        sign_another_head(contest, CLOSED + timedelta(hours=hours))
    folder = publish(settings, contest.contest, tmp_path / "files")
    code, told = verify(folder)
    assert code == 0, told
    assert json.loads((folder / "results.json").read_text())["places"] == list_places(find_result(contest.id))


def test_a_head_that_is_being_signed_meanwhile_stops_the_approval(app, contest, monkeypatch):
    """Its results.json names no places, and would stand where the result's does, or the other way round."""
    contest.close()
    contest.propose()
    ask, asked, refused, second_id = service._ask, threading.Event(), [], contest.second.id
    monkeypatch.setattr(service, "_ask", lambda *arguments: (ask(*arguments), asked.set())[0])

    def approve():
        with app.app_context():
            try:
                approve_result(contest.id, settings=contest.settings, actor_id=second_id, now=CLOSED)
            except ResultRefused as refusal:
                refused.append(refusal)

    approving = threading.Thread(target=approve)
    with db.engine.connect().execution_options(quilt_begin="IMMEDIATE") as connection:
        sign_next_head(connection, contest.id, get_key(contest.settings), CLOSED + timedelta(seconds=14))
        approving.start()
        assert asked.wait(30)
        wait_for_a_lock(approving)
        connection.commit()
    approving.join(30)
    assert len(refused) == 1 and find_result(contest.id).state == "proposed"


def test_the_gate_waits_for_the_head_behind_every_promise(contest):
    """Voting ends on day 5; a vote of its last second was promised its line 20 minutes later."""
    ends = NOW + timedelta(days=5)

    def await_head(minutes):
        return find_awaited_head(contest.id, contest.settings, ends + timedelta(minutes=minutes))

    contest.close(ends + timedelta(minutes=1))
    assert contest.gate(at=ends + timedelta(minutes=2)) == {"The ledger has everything"}
    assert (await_head(-1), await_head(2)) == (None, ends + timedelta(minutes=20))
    contest.close(ends + timedelta(minutes=20))
    assert contest.gate(at=ends + timedelta(minutes=21)) == set() and await_head(21) is None


def test_a_public_value_that_nobody_needed_is_not_kept(contest):
    contest.close()
    contest.propose("abab")
    result = find_result(contest.id)
    assert (result.draw_value, json.loads(result.body)["draw"]) == ("", None)


def test_a_prize_that_cannot_be_taken_goes_to_the_runner_up(contest):
    """Also to one that was promised it by a result that was taken back."""
    first, second, _ = contest.entries
    rule(contest, first, False)
    contest.close()
    contest.propose()
    contest.approve()
    take_back_result(
        contest.id, "She was old enough.", settings=contest.settings, actor_id=contest.first.id, now=CLOSED
    )
    rule(contest, first, True)
    contest.close()
    contest.propose()
    contest.approve()
    assert [(step.entry_id, step.state, step.words) for step in list_steps(contest.id)] == [
        (second, "promised", ""), (second, "withdrawn", "She was old enough."), (first, "promised", ""),
    ]  # fmt: skip
    contest.finish()
    for expected in contest.entries[1:]:
        entry = pass_prize_on(contest.id, 1, "They are away.", actor_id=contest.first.id, now=LATER)
        db.session.rollback()
        assert entry == expected == list_prizes(contest.id)[0].entry_id
    with pytest.raises(ResultRefused, match="no runner-up"):
        pass_prize_on(contest.id, 1, "They are away.", actor_id=contest.first.id, now=LATER)


def test_a_result_is_proposed_once_and_can_be_taken_back_until_it_is_final(contest):
    contest.close()
    contest.propose()
    with pytest.raises(ResultRefused, match="already"):
        contest.propose()
    with pytest.raises(ResultRefused, match="why"):
        take_back_result(contest.id, " ", settings=contest.settings, actor_id=contest.first.id, now=CLOSED)
    take_back_result(
        contest.id, "Too early.", settings=contest.settings, actor_id=contest.first.id, now=CLOSED
    )
    db.session.rollback()
    contest.propose()
    contest.approve()
    contest.finish()
    with pytest.raises(ResultRefused):
        take_back_result(
            contest.id, "Too late.", settings=contest.settings, actor_id=contest.first.id, now=LATER
        )


def test_a_result_that_was_taken_back_stands_in_no_public_file(contest, settings, tmp_path):
    contest.close()
    contest.propose()
    contest.approve()
    published = publish(settings, contest.contest, tmp_path / "published")
    assert json.loads((published / "results.json").read_text())["places"] == contest.entries
    take_back_result(
        contest.id,
        "A prize was promised twice.",
        settings=contest.settings,
        actor_id=contest.first.id,
        now=CLOSED,
    )
    db.session.rollback()
    withdrawn = publish(settings, contest.contest, tmp_path / "withdrawn")
    results = json.loads((withdrawn / "results.json").read_text())
    assert (results["final"], results["places"]) == (False, [])
    code, told = verify(withdrawn)
    assert code == 0, told


def test_what_was_decided_meanwhile_stops_the_approval(contest):
    contest.close()
    contest.propose()
    vote_id = db.session.scalars(select(Vote.id).where(Vote.entry_id == contest.entries[2])).first()
    contest.decide(vote_id, "held", "reviewer", "late", "rules-1")
    contest.close()
    with pytest.raises(ResultRefused, match="changed since"):
        contest.approve()


def test_what_was_proposed_anew_meanwhile_is_not_approved(contest, monkeypatch):
    contest.close()
    contest.propose()
    ask = service._ask

    def ask_for_long(*arguments):
        monkeypatch.setattr(service, "_ask", ask)
        gate = ask(*arguments)
        take_back_result(
            contest.id, "Too early.", settings=contest.settings, actor_id=contest.first.id, now=CLOSED
        )
        contest.propose(at=CLOSED + timedelta(minutes=1))
        return gate

    monkeypatch.setattr(service, "_ask", ask_for_long)
    with pytest.raises(ResultRefused, match="quicker"):
        contest.approve()
    db.session.rollback()
    assert db.session.get_one(Result, contest.id).state == "proposed"


def test_the_evidence_pack_is_complete_and_agrees(contest, settings, tmp_path):
    contest.close()
    with pytest.raises(ResultRefused), open(tmp_path / "none.zip", "wb") as file:
        write_pack(contest.id, get_key(settings), file, CLOSED)
    contest.propose()
    contest.approve()
    rules = {"contest_id": contest.id, "digest": "", "written_at": NOW}
    db.session.execute(insert(ContestRules), [{**rules, "version": n, "text": f"No. {n}"} for n in (9, 7, 8)])
    db.session.commit()
    with open(tmp_path / "pack.zip", "wb") as file:
        write_pack(contest.id, get_key(settings), file, CLOSED)
    pack = zipfile.ZipFile(tmp_path / "pack.zip")
    assert [name for name in pack.namelist() if "rules/" in name][-3:] == [
        "rules/version-7.txt", "rules/version-8.txt", "rules/version-9.txt",
    ]  # fmt: skip
    pack.extractall(tmp_path / "pack")
    code, told = verify(tmp_path / "pack")
    assert code == 0, told
    lines = (tmp_path / "pack" / "decisions.csv").read_text().splitlines()
    assert lines[0] == "leaf,before,after,actor,reason,rules,at" and len(lines) == 1 + 9
    assert json.loads((tmp_path / "pack" / "results.json").read_text())["final"]
    assert "example.org" not in "".join(path.read_text() for path in (tmp_path / "pack").glob("*.csv"))


def test_a_table_of_the_pack_is_written_as_its_rows_come():
    file = io.BytesIO()

    def list_rows():
        yield from ([secrets.token_hex(16)] for _ in range(5_000))
        assert file.tell() > 50_000, "they are not held in memory"

    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as pack:
        write_table(pack, "decisions.csv", ["leaf"], list_rows())
        assert len(pack.read("decisions.csv").splitlines()) == 5_001


def test_what_is_decided_after_the_result_is_in_no_table_of_its_pack(contest, settings, tmp_path):
    contest.close()
    contest.propose()
    contest.approve()
    told, waiting = db.session.scalars(select(Vote.id).where(Vote.entry_id == contest.entries[2])).all()
    contest.decide(told, "held", "reviewer", "late", "rules-1")
    contest.close(LATER)
    contest.decide(waiting, "held", "reviewer", "later", "rules-1")
    with open(tmp_path / "pack.zip", "wb") as file:
        write_pack(contest.id, get_key(settings), file, LATER)
    lines = zipfile.ZipFile(tmp_path / "pack.zip").read("decisions.csv").decode().splitlines()
    assert len(lines) == 1 + 9 and all(",recorded,counted,rules," in line for line in lines[1:])


@pytest.mark.parametrize("model", [GateRun, PrizeStep])
def test_the_logs_only_grow(contest, model):
    contest.close()
    contest.propose()
    contest.approve()
    with pytest.raises(DatabaseError, match="only grows"):
        db.session.execute(delete(model))
    db.session.rollback()
