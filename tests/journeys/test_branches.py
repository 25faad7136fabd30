"""Letters about grown branches: each milestone once for ever, and never to who does not want them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from quilt.accounts.choices import LETTERS_OFF, choose
from quilt.arrivals.exclusions import exclude_arrival, restore_arrival
from quilt.database import db
from quilt.jobs.queue import PERIODIC
from quilt.journeys.models import BranchMilestone
from quilt.journeys.rules import list_milestones
from quilt.journeys.service import tell_grown_branches
from quilt.mail import MailMessage, build_message
from quilt.signed_ids import make_token
from quilt.votes.models import Vote, Voter
from tests.arrivals.planting import plant
from tests.conftest import NOW
from tests.factories import make_entry, make_user, save


def vote_as(user, entry, arrival_id, period="", **values):
    """A vote that points at its voter's arrival."""
    voter = db.session.scalar(
        select(Voter).where(Voter.user_id == user.id, Voter.contest_id == entry.contest_id)
    )
    voter = voter or save(
        Voter(
            contest_id=entry.contest_id,
            user_id=user.id,
            key=user.id.to_bytes(32),
            created_at=NOW,
        )
    )
    fields = {"receipt": f"r{user.id}-{arrival_id}-{period}", "cast_at": NOW, "state": "counted", **values}
    return save(
        Vote(contest_id=entry.contest_id, voter_id=voter.id, entry_id=entry.id, period=period, arrival_id=arrival_id, **fields)
    )  # fmt: skip


def list_letters():
    db.session.rollback()
    return db.session.scalars(select(MailMessage).order_by(MailMessage.id)).all()


@pytest.mark.parametrize(
    ("people", "told", "milestones"),
    [(9, 0, []), (10, 0, [10]), (10, 10, []), (99, 10, []), (100, 10, [100]), (5_000, 0, [10, 100, 1_000]), (5_000, 1_000, [])],
)  # fmt: skip
def test_milestones(people, told, milestones):
    assert list_milestones(people, told) == milestones


def test_a_branch_of_ten_is_told_once(app, settings):
    ana, bob, entry = make_user(name="Ana"), make_user(name="Bob"), make_entry(title="The library bus")
    ids = plant(entry, [-1, 0, *[0] * 6, 1, 1, 1])
    vote_as(ana, entry, ids[0])
    vote_as(bob, entry, ids[1])
    assert tell_grown_branches(settings, NOW) == 1
    assert tell_grown_branches(settings, NOW + timedelta(hours=1)) == 0
    (letter,) = list_letters()
    assert (letter.kind, letter.recipient, letter.state) == ("branch_grew", ana.email, "waiting")
    assert letter.subject == "10 people came to “The library bus” through you"
    assert "7 of them opened your own link" in letter.text
    assert (
        f"http://localhost/letters/off/{make_token(ana.id, settings.secret_key, LETTERS_OFF)}"
        == letter.off_url
    )
    assert letter.off_url in letter.text and letter.off_url in letter.html


def test_a_jump_over_two_milestones_is_one_letter(app, settings):
    ana, entry = make_user(), make_entry()
    ids = plant(entry, [-1, *[0] * 120])
    vote_as(ana, entry, ids[0])
    assert tell_grown_branches(settings, NOW) == 1
    assert [letter.subject[:10] for letter in list_letters()] == ["120 people"]
    assert sorted(db.session.scalars(select(BranchMilestone.people))) == [10, 100]


def test_nine_people_are_not_told(app, settings):
    ana, entry = make_user(), make_entry()
    vote_as(ana, entry, plant(entry, [-1, *[0] * 9, -1, -1])[0])
    assert tell_grown_branches(settings, NOW) == 0


def test_who_comes_and_goes_is_told_once_for_ever(app, settings):
    ana, moderator, entry = make_user(), make_user(role="moderator"), make_entry()
    ids = plant(entry, [-1, *[0] * 12])
    vote_as(ana, entry, ids[0])
    assert tell_grown_branches(settings, NOW) == 1
    exclude_arrival(ids[0], moderator.id, "One hand.", now=NOW)
    assert tell_grown_branches(settings, NOW) == 0
    restore_arrival(ids[0], moderator.id, "It was a school.", now=NOW)
    assert tell_grown_branches(settings, NOW) == 0
    assert len(list_letters()) == 1


def test_the_largest_of_several_arrivals_counts_for_one_person(app, settings):
    ana, entry = make_user(), make_entry()
    ids = plant(entry, [-1, -1, *[0] * 12, *[1] * 11])
    vote_as(ana, entry, ids[0], "2026-05-09")
    vote_as(ana, entry, ids[1], "2026-05-10")
    assert tell_grown_branches(settings, NOW) == 1
    assert list_letters()[0].subject.startswith("12 people")


@pytest.mark.parametrize("state", ["held", "rejected"])
def test_votes_that_do_not_count_bring_no_letter(app, settings, state):
    ana, entry = make_user(), make_entry()
    vote_as(ana, entry, plant(entry, [-1, *[0] * 12])[0], state=state)
    assert tell_grown_branches(settings, NOW) == 0


def test_an_entry_that_is_not_shown_brings_no_letter(app, settings):
    ana, entry = make_user(), make_entry(state="withdrawn")
    vote_as(ana, entry, plant(entry, [-1, *[0] * 12])[0])
    assert tell_grown_branches(settings, NOW) == 0


def test_switched_off_it_passes_in_silence_and_stays_past(app, settings):
    ana, entry = make_user(), make_entry()
    vote_as(ana, entry, plant(entry, [-1, *[0] * 12])[0])
    choose(ana.id, has_branch_letters=False, is_named_spreader=False)
    assert tell_grown_branches(settings, NOW) == 0
    choose(ana.id, has_branch_letters=True, is_named_spreader=False)
    plant(entry, [-1])
    assert tell_grown_branches(settings, NOW) == 0 and list_letters() == []


def test_a_few_direct_people_are_not_told(app, settings):
    ana, entry = make_user(), make_entry()
    vote_as(ana, entry, plant(entry, [-1, 0, *[1] * 12])[0])
    tell_grown_branches(settings, NOW)
    assert "of them opened" not in list_letters()[0].text


def test_workers_at_once_write_one_letter_each(app, settings):
    entry = make_entry()
    people = [make_user() for _ in range(6)]
    ids = plant(entry, [*[-1] * 6, *[place for place in range(6) for _ in range(11)]])
    for person, arrival_id in zip(people, ids[:6], strict=True):
        vote_as(person, entry, arrival_id)

    def work(_worker):
        with app.app_context():
            return tell_grown_branches(settings, NOW)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 6
    assert sorted(letter.recipient for letter in list_letters()) == sorted(person.email for person in people)


def test_an_unmoved_entry_is_not_looked_through_again(app, settings, count_queries):
    ana, entry = make_user(), make_entry()
    vote_as(ana, entry, plant(entry, [-1, *[0] * 12])[0])
    tell_grown_branches(settings, NOW)
    with count_queries() as queries:
        tell_grown_branches(settings, NOW)
    assert len(queries) == 1


def test_mail_programs_get_their_one_click(app, settings):
    ana, entry = make_user(), make_entry()
    vote_as(ana, entry, plant(entry, [-1, *[0] * 12])[0])
    tell_grown_branches(settings, NOW)
    letter = list_letters()[0]
    message = build_message(letter, "Quilt <quilt@example.org>")
    assert message["List-Unsubscribe"] == f"<{letter.off_url}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    letter.off_url = ""
    assert build_message(letter, "Quilt <quilt@example.org>")["List-Unsubscribe"] is None


def test_the_worker_knows_the_task(app):
    assert PERIODIC["journeys.tasks.tell_of_branches"].seconds == 120
