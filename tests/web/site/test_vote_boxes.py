"""The vote box offers a vote where there is one to give, and says elsewhere what is so and when the next is possible."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from quilt.contests.dates import pause_contest
from quilt.database import db, transaction
from quilt.votes.models import Vote, VoteDecision
from quilt.votes.periods import name_period
from quilt.votes.withdrawing import withdraw_vote
from quilt.web.clock import now
from tests.factories import make_entry, make_user, save
from tests.web.site.test_votes import open_contest
from tests.web.site.test_voting_rules import sign_in, vote

BUTTON = "Vote for this story"


@pytest.fixture
def ana(app, client):
    user = make_user("ana@gmail.com")
    sign_in(app, client, user)
    return user


def show(client, entry):
    """The words of the box, without markup."""
    page = client.get(f"/entries/{entry.id}-{entry.slug}").text
    [box] = re.findall(r'<section class="vote-box.*?</section>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", box).split())


def age_votes(days, kind="day"):
    """As if every vote had been cast so many days earlier."""
    moment = now() - timedelta(days=days)
    with transaction() as session:
        session.execute(
            update(Vote).values(cast_at=moment, period=name_period(kind, "America/New_York", moment))
        )


def test_the_vote_of_today_is_sewn_in_and_the_next_has_its_time(client, ana):
    entry = make_entry(open_contest(period="day"))
    assert BUTTON in show(client, entry)
    assert vote(client, entry).status_code == 201
    words = show(client, entry)
    assert BUTTON not in words and "Your vote is sewn in" in words
    assert re.search(r"You can vote for it again from .*, 00:00", words)


@pytest.mark.parametrize(
    ("after", "said", "unsaid"),
    [
        (None, "Your vote is sewn in It is recorded. Whether it counts is decided", "second look"),
        ("counted", "Your vote is sewn in It is in the open count.", "second look"),
        (
            "held",
            "Your vote is being looked at It is kept, and may still count: a person looks at it. Ask",
            "sewn in",
        ),
        (
            "rejected",
            "Your vote is not counted The decision stands in the open count, with its reason. Ask",
            "sewn in",
        ),
    ],
)
def test_the_box_says_what_the_open_count_says_of_the_vote(client, ana, after, said, unsaid):
    entry = make_entry(open_contest())
    receipt = vote(client, entry).json["receipt"]
    if after:
        decided = {
            "before": "recorded",
            "after": after,
            "actor": "rules",
            "reason": "score",
            "rules": "rules-1",
        }
        vote_id = db.session.scalar(select(Vote.id))
        save(VoteDecision(contest_id=entry.contest_id, vote_id=vote_id, decided_at=now(), **decided))
    words = show(client, entry)
    assert said in words and unsaid not in words
    mine = client.get("/me").text
    assert (f"/appeal?receipt={receipt}" in mine) is (after in ("held", "rejected"))


def test_the_vote_of_yesterday_leaves_today_s(client, ana):
    entry = make_entry(open_contest(period="day"))
    vote(client, entry)
    age_votes(1)
    words = show(client, entry)
    assert BUTTON in words and "You gave it one on" in words and "sewn in" not in words
    assert vote(client, entry).status_code == 201


def test_after_the_last_day_no_next_one_is_promised(client, ana):
    entry = make_entry(open_contest(period="day", closes=now() + timedelta(seconds=90)))
    vote(client, entry)
    words = show(client, entry)
    if name_period("day", "America/New_York", now()) == name_period(
        "day", "America/New_York", now() + timedelta(seconds=90)
    ):
        assert "again from" not in words
    assert "Your vote is sewn in" in words


@pytest.mark.parametrize(
    ("period", "limit", "heading", "told"),
    [
        ("contest", 1, "No vote left You gave your vote on", "this contest gives no more"),
        ("contest", 2, "No vote left You have given all 2", "this contest gives no more"),
        ("day", 1, "No vote left for now You gave your vote on", "The next is possible from"),
    ],
)
def test_where_the_limit_is_used_up_no_vote_is_offered(client, ana, period, limit, heading, told):
    contest = open_contest(period=period, limit_count=limit)
    for _ in range(limit):
        assert BUTTON in show(client, entry := make_entry(contest))
        assert vote(client, entry).status_code == 201
    left = make_entry(contest)
    words = show(client, left)
    assert heading in words and told in words and "Pass it on instead" in words and BUTTON not in words
    assert vote(client, left).status_code == 409, "what the box says is so"
    if period == "day":
        age_votes(1)
        assert BUTTON in show(client, left)


def test_another_person_still_has_theirs(app, client, ana):
    contest = open_contest(limit_count=1)
    vote(client, make_entry(contest))
    left, other = make_entry(contest), app.test_client()
    sign_in(app, other, make_user())
    assert (
        BUTTON in show(other, left)
        and BUTTON in show(app.test_client(), left)
        and BUTTON not in show(client, left)
    )


def test_a_vote_that_was_taken_back_cannot_be_given_again(client, ana):
    entry = make_entry(open_contest(revocable_until=now() + timedelta(hours=1)))
    receipt = vote(client, entry).json["receipt"]
    withdraw_vote(receipt, ana.id, now=now())
    words = show(client, entry)
    assert "You took your vote back" in words and "cannot be given again" in words and BUTTON not in words


@pytest.mark.parametrize("email", ["ana@gmail.com", "a.na+film@gmail.com"])
def test_nobody_is_offered_a_vote_for_their_own(client, ana, email):
    entrant = ana if email == ana.email else make_user(email)
    entry = make_entry(open_contest(may_vote_for_own=False), entrant)
    words = show(client, entry)
    assert "This is your entry" in words and BUTTON not in words
    assert vote(client, entry).status_code == 403


@pytest.mark.parametrize(
    ("days", "words"), [((1, 2), "Voting is not open now. It opens"), ((-2, -1), "Voting closed")]
)
def test_outside_its_time_nobody_is_offered_one(app, client, ana, days, words):
    opens, closes = (now() + timedelta(days=day) for day in days)
    entry = make_entry(open_contest(opens=opens, closes=closes))
    for browser in (client, app.test_client()):
        told = show(browser, entry)
        assert words in told and BUTTON not in told


def test_while_it_is_paused_the_reason_is_said(app, client, ana):
    contest = open_contest()
    entry = make_entry(contest)
    pause_contest(
        contest.id, "The power is out.", actor_id=make_user(role="admin").id, now=now() - timedelta(minutes=1)
    )
    for browser in (client, app.test_client()):
        told = show(browser, entry)
        assert "Voting is paused: The power is out." in told and BUTTON not in told
