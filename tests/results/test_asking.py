"""A word for a worker: done once, whoever takes it; what went wrong stands in the row."""

from datetime import timedelta

import pytest

from quilt.database import db
from quilt.results.asking import BROKEN, LEASE, answer_gate, ask_gate, find_request, list_waiting
from quilt.results.gate import ResultRefused
from quilt.results.models import GateRun
from quilt.results.queries import find_result
from tests.conftest import NOW
from tests.factories import make_user
from tests.results.test_service import CLOSED, Contest


@pytest.fixture
def contest(app, settings):
    made = Contest(settings)
    made.vote(4, 3, 2)
    made.close()
    return made


def ask(contest, action="try", value="", by=None, at=CLOSED):
    ask_gate(contest.id, action, value, actor_id=(by or contest.first).id, now=at)
    db.session.rollback()


def answer(contest, at=CLOSED):
    is_done = answer_gate(contest.id, contest.settings, lambda: at)
    db.session.rollback()
    return is_done


def count_runs():
    return db.session.query(GateRun).count()


def test_a_word_is_done_once_and_says_how_it_ended(contest):
    ask(contest)
    assert list_waiting(CLOSED) == [contest.id]
    with pytest.raises(ResultRefused, match="at this moment"):
        ask(contest, "propose")
    assert [answer(contest), answer(contest)] == [True, False]
    request = find_request(contest.id)
    assert (request.is_fine, request.words, request.ended_at) == (True, "The gate is passed.", CLOSED)
    assert list_waiting(CLOSED) == [] and count_runs() == 1 and find_result(contest.id) is None


def test_proposed_by_one_approved_by_another(contest):
    ask(contest, "propose")
    answer(contest)
    with pytest.raises(ResultRefused, match="somebody else has to approve it"):
        ask(contest, "approve")
    ask(contest, "approve", by=contest.second)
    answer(contest)
    assert find_result(contest.id).state == "approved" and find_request(contest.id).is_fine


def test_whoever_is_no_admin_any_more_publishes_nothing(contest):
    ask(contest, "propose")
    answer(contest)
    ask(contest, "approve", by=contest.second)
    contest.second.role = "member"
    db.session.merge(contest.second)
    db.session.commit()
    answer(contest)
    assert (
        "no admin any more" in find_request(contest.id).words and find_result(contest.id).state == "proposed"
    )


def test_another_account_of_who_proposed_approves_nothing(contest):
    contest.first, other = (make_user(f"cy.lee{tag}@gmail.com", role="admin") for tag in ("", "+more"))
    ask(contest, "propose")
    answer(contest)
    with pytest.raises(ResultRefused, match="somebody else has to approve it"):
        ask(contest, "approve", by=other)


def test_a_worker_that_is_gone_is_followed_by_another(contest):
    ask(contest)
    request = find_request(contest.id)
    request.begun_at = CLOSED  # a worker has begun, and is never heard of again
    db.session.commit()
    assert list_waiting(CLOSED + LEASE) == [] and not answer(contest, CLOSED + LEASE)
    late = CLOSED + LEASE + timedelta(seconds=1)
    assert list_waiting(late) == [contest.id] and answer(contest, late)
    assert find_request(contest.id).is_fine


def test_what_the_gate_misses_is_told_where_it_was_asked(contest):
    ask(contest, "propose", at=NOW)
    answer(contest, NOW)  # voting is open then
    request = find_request(contest.id)
    assert not request.is_fine and "not passed" in request.words and find_result(contest.id) is None


def test_a_misspelt_value_is_refused_at_once(contest):
    with pytest.raises(ResultRefused, match="letters, digits and dots"):
        ask(contest, value="7, 8")
    assert find_request(contest.id) is None


def test_what_breaks_is_told_and_may_be_asked_again(contest):
    ask(contest)
    with pytest.raises(AttributeError):
        answer_gate(contest.id, None, lambda: CLOSED)  # no settings: nothing can be audited
    db.session.rollback()
    assert find_request(contest.id).words == BROKEN and not find_request(contest.id).is_fine
    ask(contest)
    assert answer(contest)


def test_a_row_of_another_contest_is_left_alone(contest, settings):
    other = Contest(settings)
    ask(contest, by=make_user(role="admin"))
    assert not answer_gate(other.id, contest.settings, lambda: CLOSED)
    assert list_waiting(CLOSED) == [contest.id]
