"""Many votes at once: tried out, done as tried, undone once; the second look is another person's."""

import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select, text, update
from sqlalchemy.exc import DatabaseError

from quilt.audit.counters import check_tallies
from quilt.audit.keys import check_unique_keys
from quilt.database import db, write
from quilt.integrity.appeals import (
    AlreadyAnswered,
    AlreadyAppealed,
    AppealRefused,
    Changed,
    NothingToAppeal,
    Partial,
    SamePerson,
    UnknownReceipt,
    WordsNeeded,
    answer_appeal,
    appeal_by_receipt,
    appeal_for_entry,
    find_appeals_of,
    list_appeals,
)
from quilt.integrity.desk import list_reviews
from quilt.integrity.models import Appeal, ReviewedVote, VoteReview
from quilt.integrity.reviews import ReviewRefused, review_votes, try_review, undo_review
from quilt.votes.decisions import TransitionRefused, Verdict, decide_votes
from quilt.votes.ledger_models import Ledger
from quilt.votes.models import EntryTally, Vote
from quilt.votes.settling import hear_appeals, lock_settlement, settle
from tests.conftest import NOW
from tests.factories import make_entry, make_user, save
from tests.integrity.casting import BOT, cast, close_batch, states, take_in
from tests.waiting import wait_for_a_lock

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def votes(entry, contest):
    """Two counted, one held, one recorded."""
    ids = [cast(entry, contest), cast(entry, contest), cast(entry, contest, **BOT)]
    close_batch(contest)
    return [*ids, cast(entry, contest)]


@pytest.fixture
def ana(app):
    return make_user(name="Ana", role="moderator")


@pytest.fixture
def ben(app):
    return make_user(name="Ben", role="admin")


def review(votes, after, who, contest, reason="program"):
    trial = try_review(votes, after)
    return review_votes(
        votes,
        after,
        reason=reason,
        words="Seen.",
        seal=trial.seal,
        actor_id=who.id,
        now=LATER,
        contest_id=contest.id,
    )


@contextmanager
def meanwhile(app, work):
    """Let `work` run, as another process would, while what is done within is not committed yet; what it refused with."""
    refused = []

    def run():
        with app.app_context():
            try:
                work()
            except (AppealRefused, ReviewRefused, TransitionRefused) as refusal:
                refused.append(refusal)

    waiting = threading.Thread(target=run)
    db.session.rollback()
    with db.engine.connect().execution_options(quilt_begin="IMMEDIATE") as connection:
        yield connection, refused
        waiting.start()
        wait_for_a_lock(waiting)
        connection.commit()
    waiting.join(30)


def receipt_of(vote):
    return db.session.scalar(select(Vote.receipt).where(Vote.id == vote))


def test_a_trial_changes_nothing_and_says_what_would(votes):
    trial = try_review(votes, "held")
    assert trial.vote_ids == tuple(votes[:2]) and trial.kept == {"held": 1, "recorded": 1}
    assert list(states().values()) == ["counted", "counted", "held", "recorded"]


def test_H12_nobody_decides_about_a_contest_that_they_are_in(votes, contest, entry, ana, ben):
    number = review(votes[:1], "held", ben, contest)
    make_entry(contest, ana)
    before = states()
    with pytest.raises(ReviewRefused, match="somebody else"):
        review(votes, "counted", ana, contest)
    with pytest.raises(ReviewRefused, match="somebody else"):
        undo_review(number, words="Mine.", actor_id=ana.id, now=LATER)
    appeal = appeal_for_entry(entry.id, "We are people.", author_id=entry.entrant_id, now=LATER)
    for actor in (ana.id, entry.entrant_id):
        with pytest.raises((Partial, SamePerson)):
            answer_appeal(appeal, "upheld", "So they are.", actor_id=actor, now=LATER)
    assert states() == before


def test_H12_nobody_decides_about_their_own_vote(entry, contest, ana, ben):
    vote = cast(entry, contest, user=ana, **BOT)
    close_batch(contest)
    assert states()[vote] == "held"
    with pytest.raises(ReviewRefused, match="yours"):
        review([vote], "counted", ana, contest)
    appeal = appeal_by_receipt(receipt_of(vote), "I am a person.", author_id=None, now=LATER)
    with pytest.raises(Partial):
        answer_appeal(appeal, "upheld", "So I am.", actor_id=ana.id, now=LATER)
    assert answer_appeal(appeal, "upheld", "So she is.", actor_id=ben.id, now=LATER) == 1


def test_a_review_changes_states_counters_and_log_and_can_be_undone_once(votes, contest, ana):
    number = review(votes, "held", ana, contest)
    assert list(states().values()) == ["held", "held", "held", "recorded"]
    assert check_tallies(db.session.connection()).differences == ()
    assert db.session.scalar(select(func.count()).select_from(ReviewedVote)) == 2
    undone = undo_review(number, words="People.", actor_id=ana.id, now=LATER)
    assert list(states().values()) == ["counted", "counted", "held", "recorded"]
    assert db.session.get(VoteReview, undone).undoes_id == number
    with pytest.raises(ReviewRefused):
        undo_review(number, words="Again.", actor_id=ana.id, now=LATER)


def test_an_undo_takes_nothing_back_that_was_decided_since(votes, contest, ana, ben):
    number = review(votes, "held", ana, contest)
    review(votes[:1], "counted", ben, contest, "people")
    review(votes[:1], "held", ben, contest, "bought")
    undo_review(number, words="People.", actor_id=ana.id, now=LATER)
    assert list(states().values()) == ["held", "counted", "held", "recorded"]
    again = review(votes[1:2], "held", ana, contest)
    review(votes[1:2], "counted", ben, contest, "people")
    with pytest.raises(ReviewRefused, match="Nothing is left to undo"):
        undo_review(again, words="People.", actor_id=ana.id, now=LATER)


def test_votes_that_came_from_two_states_are_brought_back_by_one_undo(votes, contest, ana):
    review(votes[2:3], "rejected", ana, contest)
    number = review(votes[:3], "held", ana, contest)
    undone = undo_review(number, words="A mistake.", actor_id=ana.id, now=LATER)
    assert list(states().values()) == ["counted", "counted", "rejected", "recorded"]
    rows = list_reviews(contest.id)
    told = [(row[0].after, row[0].undoes_id, row.is_undone) for row in rows]
    assert told == [("rejected", number, False), ("counted", number, False),
                    ("held", None, True), ("rejected", None, False)]  # fmt: skip
    assert undone == rows[1][0].id
    for row in rows[:2]:
        with pytest.raises(ReviewRefused, match="undo"):
            undo_review(row[0].id, words="Back.", actor_id=ana.id, now=LATER)
    with pytest.raises(ReviewRefused, match="undone already"):
        undo_review(number, words="Again.", actor_id=ana.id, now=LATER)


def test_H10_of_two_reviewers_at_once_one_has_decided(app, votes, contest, ana, ben):
    tried, ben_id, contest_id = try_review(votes, "held"), ben.id, contest.id

    def decide():
        review_votes(
            votes, "held", reason="program", words="x", seal=tried.seal, actor_id=ben_id, now=LATER,
            contest_id=contest_id,
        )  # fmt: skip

    with meanwhile(app, decide) as (other, refused):
        decide_votes(other, votes[:1], Verdict("held", "reviewer", "program", "r", actor_id=ana.id), LATER)
    assert ["changed since" in str(refusal) for refusal in refused] == [True]
    assert states()[votes[1]] == "counted" and list_reviews(contest_id) == []


def test_an_undo_leaves_a_vote_alone_that_is_taken_back_meanwhile(app, votes, contest, ana):
    number, ana_id = review(votes, "held", ana, contest), ana.id

    def undo():
        undo_review(number, words="People.", actor_id=ana_id, now=LATER)

    with meanwhile(app, undo) as (other, refused):
        decide_votes(other, votes[:1], Verdict("withdrawn", "voter", "taken-back", "rules-1"), LATER)
    assert refused == [] and list(states().values()) == ["withdrawn", "counted", "held", "recorded"]


def test_a_rejection_is_undone_to_held(votes, contest, ana):
    number = review(votes[2:3], "rejected", ana, contest)
    assert states()[votes[2]] == "rejected"
    undo_review(number, words="A mistake.", actor_id=ana.id, now=LATER)
    assert states()[votes[2]] == "held"


def test_an_undoing_takes_all_votes_before_the_first_counter(app, votes, contest, ana):
    """Else whoever has a vote of them and wants a counter waits in a ring with us."""
    if db.engine.dialect.name == "sqlite":
        pytest.skip("one writer at a time")
    review(votes[2:3], "rejected", ana, contest)
    number, ana_id = review(votes[:3], "held", ana, contest), ana.id  # to be counted, and rejected, again

    def work():
        with app.app_context():
            done.append(undo_review(number, words="People.", actor_id=ana_id, now=LATER))

    done, undoing = [], threading.Thread(target=work)
    with db.engine.connect() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '300ms'"))
        connection.execute(select(Vote.id).where(Vote.id == votes[2]).with_for_update())
        undoing.start()
        wait_for_a_lock(undoing)
        connection.execute(update(EntryTally).values(held=EntryTally.held))
        connection.commit()
    undoing.join(30)
    assert len(done) == 1 and list(states().values()) == ["counted", "counted", "rejected", "recorded"]


def test_only_held_votes_are_rejected_and_recorded_ones_wait(votes, contest, ana):
    assert try_review(votes, "rejected").vote_ids == (votes[2],)
    with pytest.raises(ReviewRefused):
        review([votes[3]], "held", ana, contest)


def test_what_has_changed_since_the_trial_is_not_done(votes, contest, ana):
    seal = try_review(votes, "held").seal
    review(votes[:1], "held", ana, contest)
    with pytest.raises(ReviewRefused, match="changed since"):
        review_votes(
            votes,
            "held",
            reason="program",
            words="x",
            seal=seal,
            actor_id=ana.id,
            now=LATER,
            contest_id=contest.id,
        )
    assert states()[votes[1]] == "counted"


@pytest.mark.parametrize(
    ("after", "reason", "words", "field"),
    [
        ("gone", "program", "x", "after"),
        ("held", "", "x", "reason"),
        ("held", "program", " ", "words"),
        ("held", "program", "x" * 2001, "words"),
    ],
)
def test_a_review_without_its_reason_is_refused(votes, contest, ana, after, reason, words, field):
    with pytest.raises(ReviewRefused) as refusal:
        review_votes(
            votes,
            after,
            reason=reason,
            words=words,
            seal="",
            actor_id=ana.id,
            now=LATER,
            contest_id=contest.id,
        )
    assert refusal.value.field == field


@pytest.fixture
def rejected(votes, contest, ana):
    """A vote that Ana has rejected."""
    review(votes[2:3], "rejected", ana, contest)
    return votes[2]


def test_an_appeal_is_answered_by_somebody_else(rejected, contest, ana, ben):
    number = appeal_by_receipt(f" {receipt_of(rejected).upper()} ", "It was me.", author_id=None, now=LATER)
    with pytest.raises(SamePerson):
        answer_appeal(number, "upheld", "Fine.", actor_id=ana.id, now=LATER)
    assert states()[rejected] == "rejected" and len(list_appeals(contest.id, is_open=True)) == 1
    assert answer_appeal(number, "upheld", "A person.", actor_id=ben.id, now=LATER) == 1
    assert states()[rejected] == "counted"
    shown = find_appeals_of(receipt_of(rejected))[0]
    assert (shown.outcome, shown.answer, shown.answered_by) == ("upheld", "A person.", "Ben")
    with pytest.raises(AlreadyAnswered):
        answer_appeal(number, "dismissed", "No.", actor_id=ben.id, now=LATER)


def waiting(contest):
    """The appeal that waits."""
    db.session.rollback()
    [appeal] = list_appeals(contest.id, is_open=True)
    return appeal


@pytest.mark.parametrize("outcome", ["upheld", "dismissed"])
def test_who_decided_before_another_did_does_not_answer(rejected, contest, ana, ben, outcome):
    review([rejected], "held", ben, contest)
    number = appeal_by_receipt(receipt_of(rejected), "It was me.", author_id=None, now=LATER)
    for who in (ana, ben):
        with pytest.raises(SamePerson):
            answer_appeal(number, outcome, "Fine.", actor_id=who.id, now=LATER)
        assert not waiting(contest).may_be_answered_by(who.id)
    cleo = make_user(name="Cleo", role="moderator")
    assert waiting(contest).may_be_answered_by(cleo.id)
    assert answer_appeal(number, outcome, "Fine.", actor_id=cleo.id, now=LATER) == (outcome == "upheld")


def test_who_decided_about_one_of_an_entry_s_votes_answers_none(rejected, votes, entry, contest, ana, ben):
    review(votes[:1], "held", ben, contest)
    number = appeal_for_entry(entry.id, "All people.", author_id=entry.entrant_id, now=LATER)
    for who in (ana, ben):
        assert not waiting(contest).may_be_answered_by(who.id)
        with pytest.raises(SamePerson):
            answer_appeal(number, "dismissed", "No.", actor_id=who.id, now=LATER)


def test_who_answered_an_appeal_may_answer_the_next(rejected, votes, entry, contest, ana, ben):
    first = appeal_by_receipt(receipt_of(rejected), "It was me.", author_id=None, now=LATER)
    answer_appeal(first, "upheld", "A person.", actor_id=ben.id, now=LATER)
    review([rejected], "held", ana, contest)
    again = appeal_by_receipt(receipt_of(rejected), "It was.", author_id=None, now=LATER)
    assert answer_appeal(again, "upheld", "Still.", actor_id=ben.id, now=LATER) == 1


def test_the_database_refuses_the_same_person_too(rejected, entry, ana, ben):
    verdict = Verdict("counted", "appeal", "upheld", "rules-1", actor_id=ana.id)
    with pytest.raises(DatabaseError):
        write(decide_votes, [rejected], verdict, LATER)
    assert states()[rejected] == "rejected"
    answers = [
        (appeal_by_receipt(receipt_of(rejected), "Me.", author_id=None, now=LATER), ana.id),
        (number := appeal_for_entry(entry.id, "Us.", author_id=ben.id, now=LATER), ana.id),
        (number, ben.id),
    ]
    for number, actor_id in answers:
        with pytest.raises(DatabaseError):
            write(_dismiss, number, actor_id)
    write(_dismiss, answers[0][0], ben.id)


def _dismiss(connection, appeal_id, actor_id):
    answer = {"outcome": "dismissed", "answered_by_id": actor_id, "answered_at": LATER}
    connection.execute(update(Appeal).where(Appeal.id == appeal_id).values(answer))


def test_an_appeal_s_vote_that_is_taken_back_meanwhile_is_left_alone(app, votes, ben):
    held, ben_id = votes[2], ben.id
    number = appeal_by_receipt(receipt_of(held), "It was me.", author_id=None, now=LATER)

    def answer():
        assert answer_appeal(number, "upheld", "A person.", actor_id=ben_id, now=LATER) == 0

    with meanwhile(app, answer) as (other, refused):
        decide_votes(other, [held], Verdict("withdrawn", "voter", "taken-back", "rules-1"), LATER)
    assert refused == [] and states()[held] == "withdrawn"


def test_who_decides_while_they_answer_has_decided(app, votes, entry, ben):
    """Two windows of one person."""
    number, ben_id = appeal_for_entry(entry.id, "Us.", author_id=entry.entrant_id, now=LATER), ben.id

    def answer():
        answer_appeal(number, "dismissed", "A program.", actor_id=ben_id, now=LATER)

    with meanwhile(app, answer) as (other, refused):
        decide_votes(
            other, votes[2:3], Verdict("rejected", "reviewer", "bought", "r", actor_id=ben_id), LATER
        )
    assert [type(refusal) for refusal in refused] == [SamePerson]


def test_what_the_database_refuses_while_an_appeal_is_answered_has_changed(app, votes, entry, contest, ben):
    if db.engine.dialect.name == "sqlite":
        pytest.skip("one writer at a time")
    number, ben_id = appeal_for_entry(entry.id, "Us.", author_id=entry.entrant_id, now=LATER), ben.id
    engine, held = db.engine, Verdict("held", "reviewer", "bought", "rules-1", actor_id=ben_id)

    def decide(_connection, _cursor, statement, *_):
        if statement.startswith("UPDATE appeal") and states()[votes[0]] == "counted":
            with engine.begin() as other:
                decide_votes(other, votes[:1], held, LATER)

    event.listen(engine, "before_cursor_execute", decide)
    try:
        with pytest.raises(Changed):
            answer_appeal(number, "dismissed", "A program.", actor_id=ben_id, now=LATER)
    finally:
        event.remove(engine, "before_cursor_execute", decide)
    assert waiting(contest).outcome == ""


def publish(contest):
    """Its result is published, and appeals have been heard."""
    save(Ledger(contest_id=contest.id, name="x", policy=b"{}", opened_at=NOW, batch_at=NOW))
    write(hear_appeals, contest.id, NOW)


def test_of_a_decision_and_a_final_result_one_is_first(app, votes, contest, ana):
    publish(contest)
    seal, ana_id, contest_id = try_review(votes, "held").seal, ana.id, contest.id

    def decide():
        review_votes(
            votes, "held", reason="program", words="x", seal=seal, actor_id=ana_id, now=LATER,
            contest_id=contest_id,
        )  # fmt: skip

    with meanwhile(app, decide) as (other, refused):
        lock_settlement(other, contest_id)
        settle(other, contest_id, LATER)
    assert ["is final" in str(refusal) for refusal in refused] == [True]
    assert states()[votes[0]] == "counted"


def test_an_appeal_that_a_final_result_has_left_open_changes_nothing(votes, contest, ben):
    number = appeal_by_receipt(receipt_of(votes[2]), "It was me.", author_id=None, now=LATER)
    publish(contest)
    write(settle, contest.id, NOW)
    with pytest.raises(Changed):
        answer_appeal(number, "upheld", "A person.", actor_id=ben.id, now=LATER)
    assert states()[votes[2]] == "held"


@pytest.mark.parametrize("what", ["decided", "wrote", "voted"])
def test_another_account_of_the_same_mailbox_is_the_same_person(what, votes, entry, contest, ana):
    one, other = (make_user(f"cy.lee{tag}@gmail.com", role="admin") for tag in ("", "+more"))
    if what == "voted":
        votes.append(cast(entry, contest, user=one, **BOT))
        close_batch(contest)
        with pytest.raises(ReviewRefused, match="somebody else has to decide"):
            review(votes[-1:], "counted", other, contest)
        return
    review(votes[2:3], "rejected", one if what == "decided" else ana, contest)
    take_in()
    author = one.id if what == "wrote" else None
    number = appeal_by_receipt(receipt_of(votes[2]), "It was me.", author_id=author, now=LATER)
    with pytest.raises(SamePerson):
        answer_appeal(number, "dismissed", "No.", actor_id=other.id, now=LATER)


def test_nobody_answers_their_own_appeal(rejected, entry, contest, ben):
    number = appeal_for_entry(entry.id, "All of them were people.", author_id=ben.id, now=LATER)
    with pytest.raises(SamePerson):
        answer_appeal(number, "upheld", "Fine.", actor_id=ben.id, now=LATER)


def test_an_entrant_s_appeal_is_about_all_doubted_votes(rejected, votes, entry, contest, ben):
    third = cast(entry, contest, **BOT)
    close_batch(contest)
    number = appeal_for_entry(entry.id, "All people.", author_id=entry.entrant_id, now=LATER)
    with pytest.raises(AlreadyAppealed):
        appeal_for_entry(entry.id, "Again.", author_id=entry.entrant_id, now=LATER)
    assert answer_appeal(number, "upheld", "Indeed.", actor_id=ben.id, now=LATER) == 2
    assert states()[rejected] == states()[third] == "counted"


def test_a_dismissed_appeal_changes_no_vote(rejected, ben):
    number = appeal_by_receipt(receipt_of(rejected), "Please.", author_id=None, now=LATER)
    assert answer_appeal(number, "dismissed", "A program.", actor_id=ben.id, now=LATER) == 0
    assert states()[rejected] == "rejected"
    appeal_by_receipt(
        receipt_of(rejected), "Once more.", author_id=None, now=LATER
    )  # after an answer: allowed


def test_what_a_batch_has_not_told_yet_cannot_be_appealed(votes, entry, contest, ben):
    late = cast(entry, contest, **BOT)
    write(decide_votes, [votes[2]], Verdict("rejected", "reviewer", "program", "rules-1"), LATER)
    write(decide_votes, [late], Verdict("held", "rules", "score", "rules-1"), LATER)
    db.session.rollback()
    with pytest.raises(NothingToAppeal) as refusal:
        appeal_by_receipt(receipt_of(late), "x", author_id=None, now=LATER)
    assert refusal.value.state == "recorded"
    appeal_by_receipt(receipt_of(votes[2]), "x", author_id=None, now=LATER)  # known to be held
    other = make_entry(contest)
    write(decide_votes, [cast(other, contest)], Verdict("held", "rules", "score", "rules-1"), LATER)
    db.session.rollback()
    with pytest.raises(NothingToAppeal):
        appeal_for_entry(other.id, "x", author_id=other.entrant_id, now=LATER)
    take_in()
    appeal_by_receipt(receipt_of(late), "x", author_id=None, now=LATER)
    appeal_for_entry(other.id, "x", author_id=other.entrant_id, now=LATER)


def test_what_cannot_be_appealed(rejected, votes, entry):
    with pytest.raises(UnknownReceipt):
        appeal_by_receipt("0" * 24, "x", author_id=None, now=LATER)
    for vote, state in ((votes[0], "counted"), (votes[3], "recorded")):
        with pytest.raises(NothingToAppeal) as refusal:
            appeal_by_receipt(receipt_of(vote), "x", author_id=None, now=LATER)
        assert refusal.value.state == state
    with pytest.raises(WordsNeeded):
        appeal_by_receipt(receipt_of(rejected), "  ", author_id=None, now=LATER)
    appeal_by_receipt(receipt_of(rejected), "x", author_id=None, now=LATER)
    with pytest.raises(AlreadyAppealed):
        appeal_by_receipt(receipt_of(rejected), "x", author_id=None, now=LATER)
    with pytest.raises(NothingToAppeal):
        appeal_for_entry(make_entry().id, "x", author_id=entry.entrant_id, now=LATER)


def test_a_second_appeal_is_no_difference_of_the_audit(rejected, entry, ana, ben):
    """Only open appeals share a key: an answered one stays beside the next."""
    for _ in range(2):
        number = appeal_by_receipt(receipt_of(rejected), "It was me.", author_id=None, now=LATER)
        answer_appeal(number, "dismissed", "A program.", actor_id=ben.id, now=LATER)
    appeal_for_entry(entry.id, "All of them were people.", author_id=ana.id, now=LATER)
    check = check_unique_keys(db.session.connection())
    assert check.differences == () and check.looked_at > 10
