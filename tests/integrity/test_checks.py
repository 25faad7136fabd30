"""Held voters are asked once; a button counts the vote, the page alone does not, and haste is looked at."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from quilt.contests.models import Contest
from quilt.database import db, write
from quilt.entries.models import Entry
from quilt.integrity.checks import VOTE_CHECK, answer_check, find_checked, mail_checks
from quilt.integrity.models import VoteCheck
from quilt.integrity.privacy import KEPT, forget_evidence
from quilt.mail import MailMessage
from quilt.signed_ids import read_token
from quilt.votes.decisions import Verdict, decide_votes
from quilt.votes.evidence import Evidence, pack_evidence
from quilt.votes.ledger_models import Ledger
from quilt.votes.models import Vote, VoteDecision
from quilt.votes.settling import hear_appeals, settle
from tests.conftest import NOW
from tests.factories import make_entry, make_user, save
from tests.integrity.casting import BOT, cast, close_batch, states, take_in
from tests.integrity.test_reviews import meanwhile, review

LATER = NOW + timedelta(hours=2)
CALM = pack_evidence(Evidence(form_age=20.0))


@pytest.fixture
def contest(app):
    return db.session.get(Contest, make_entry(title="The library bus").contest_id)


@pytest.fixture
def held(contest):
    entry = contest_entry(contest)
    vote = cast(entry, contest, user=make_user("held@example.org"), **BOT)
    close_batch(contest)
    return vote


def contest_entry(contest):
    return db.session.scalars(select(Entry).where(Entry.contest_id == contest.id)).first()


def list_letters():
    db.session.rollback()
    return db.session.scalars(select(MailMessage).where(MailMessage.kind == "vote_check")).all()


def test_a_held_voter_is_asked_once(held, settings):
    assert [mail_checks(settings, NOW), mail_checks(settings, LATER)] == [1, 0]
    letter = list_letters()[0]
    assert letter.recipient == "held@example.org" and "The library bus" in letter.subject
    token = re.search(r"/votes/check/(\S+)", letter.text)[1]
    assert (
        read_token(token, settings.secret_key, VOTE_CHECK) == held and find_checked(held).is_answered is False
    )


def test_before_the_batch_nobody_is_asked(contest, settings):
    vote = cast(contest_entry(contest), contest, **BOT)
    write(decide_votes, [vote], Verdict("held", "rules", "score", "rules-1"), NOW)
    assert mail_checks(settings, NOW) == 0  # the decision still waits for the ledger


def test_an_answer_counts_the_vote_once(held, settings):
    mail_checks(settings, NOW)
    assert [answer_check(held, CALM, LATER), answer_check(held, CALM, LATER)] == [True, False]
    assert states()[held] == "counted"
    last = db.session.scalars(select(VoteDecision).order_by(VoteDecision.id.desc())).first()
    assert (last.actor, last.reason, last.actor_id) == ("voter", "confirmed", None)


@pytest.mark.parametrize(
    ("at", "form_age"), [(NOW + timedelta(seconds=20), 20.0), (LATER, 1.0), (LATER, None)]
)
def test_an_answer_as_quick_as_a_program_s_is_none(held, settings, at, form_age):
    mail_checks(settings, NOW)
    assert (
        answer_check(held, pack_evidence(Evidence(form_age=form_age)), at) is False
        and states()[held] == "held"
    )
    assert db.session.get(VoteCheck, held).answered_at is None
    db.session.rollback()
    assert answer_check(held, CALM, LATER) is True and states()[held] == "counted"


def test_a_proof_and_a_reviewer_s_hold_are_not_undone_by_the_voter(held, settings):
    mail_checks(settings, NOW)
    write(decide_votes, [held], Verdict("rejected", "reviewer", "program", "rules-1"), NOW)
    write(decide_votes, [held], Verdict("held", "reviewer", "mistake", "rules-1"), NOW)
    assert answer_check(held, CALM, LATER) is False and states()[held] == "held"


def test_a_vote_that_is_decided_about_while_its_voter_answers_stays_so(app, held, settings):
    mail_checks(settings, NOW)
    with meanwhile(app, lambda: answer_check(held, CALM, LATER)) as (other, refused):
        decide_votes(other, [held], Verdict("rejected", "reviewer", "program", "rules-1"), LATER)
    assert refused == [] and states()[held] == "rejected"
    assert db.session.get(VoteCheck, held).answered_at == LATER


def test_whose_vote_a_reviewer_holds_is_asked_too_and_the_answer_is_put_before_a_person(contest, settings):
    vote = cast(contest_entry(contest), contest, user=make_user("doubted@example.org"))
    close_batch(contest)
    write(decide_votes, [vote], Verdict("held", "reviewer", "program", "rules-1"), NOW)
    assert mail_checks(settings, NOW) == 0  # the decision still waits for the ledger
    take_in()
    assert [mail_checks(settings, NOW), mail_checks(settings, LATER)] == [1, 0]
    [letter] = list_letters()
    assert letter.recipient == "doubted@example.org" and "a person looks" in letter.text
    assert answer_check(vote, CALM, LATER) is False and states()[vote] == "held"
    assert db.session.get(VoteCheck, vote).answered_at == LATER


def test_whatever_holds_a_vote_its_voter_reads_the_same_letter(contest, settings):
    entry = contest_entry(contest)
    counted = [cast(entry, contest) for _ in range(2)]
    close_batch(contest)
    votes = [*(cast(entry, contest) for _ in range(4)), *counted]
    for vote, reason in zip(votes, ("score", "alias", "lockstep", "short_lived"), strict=False):
        write(decide_votes, [vote], Verdict("held", "rules", reason, "rules-1"), NOW)
    review(votes[4:], "held", make_user(), contest)
    take_in()
    assert mail_checks(settings, NOW) == 6
    letters = list_letters()
    assert len({letter.recipient for letter in letters}) == 6
    for words in ([letter.text for letter in letters], [letter.html for letter in letters]):
        assert len({re.sub(r"/votes/check/[\w-]+", "/…", text) for text in words}) == 1
    answers = [answer_check(vote, CALM, LATER) for vote in votes]
    assert answers == [True, *[False] * 5], "only points are outweighed by an answer"
    assert [states()[vote] for vote in votes] == ["counted", *["held"] * 5]


def test_a_vote_that_is_held_again_is_not_asked_about_again(held, contest, settings):
    mail_checks(settings, NOW)
    answer_check(held, CALM, LATER)
    review([held], "held", make_user(), contest)
    take_in()
    assert states()[held] == "held" and mail_checks(settings, LATER) == 0 and len(list_letters()) == 1


def test_where_the_result_is_final_nobody_is_asked(held, contest, settings):
    save(Ledger(contest_id=contest.id, name="x", policy=b"{}", opened_at=NOW, batch_at=NOW))
    write(hear_appeals, contest.id, NOW)
    write(settle, contest.id, NOW)
    assert states()[held] == "held" and mail_checks(settings, LATER) == 0


def test_where_the_result_is_final_no_button_is_left(held, contest, settings):
    mail_checks(settings, NOW)
    assert find_checked(held).is_held
    db.session.rollback()
    save(Ledger(contest_id=contest.id, name="x", policy=b"{}", opened_at=NOW, batch_at=NOW))
    write(hear_appeals, contest.id, NOW)
    write(settle, contest.id, NOW)
    db.session.rollback()
    assert not find_checked(held).is_held


def test_a_vote_that_nobody_was_asked_about_cannot_be_answered(held):
    assert answer_check(held, CALM, LATER) is False and states()[held] == "held"
    assert find_checked(held) is None


def test_evidence_goes_when_nobody_can_appeal_any_more(contest, held, settings):
    mail_checks(settings, NOW)
    answer_check(held, CALM, LATER)
    ends = max(phase.ends_at for phase in contest.phases)
    assert forget_evidence(ends + KEPT) == 0
    assert forget_evidence(ends + KEPT + timedelta(seconds=1)) == 1
    db.session.rollback()
    assert db.session.get(Vote, held).evidence is None and db.session.get(VoteCheck, held).evidence is None
