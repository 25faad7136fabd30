"""The batch's verdict, from real rows: a script is held, people and the unknown count."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from quilt.accounts.domain_models import MailDomain
from quilt.accounts.models_identity import Identity
from quilt.database import db
from quilt.integrity import verdicts
from quilt.integrity.facts import find_first_vote, get_rulebook, split_address
from quilt.integrity.verdicts import judge_batch
from quilt.votes.models import Vote, VoteDecision
from tests.conftest import NOW
from tests.factories import make_user, save
from tests.integrity.casting import BOT, cast, close_batch, states


def test_a_script_is_held_and_a_person_counts(entry, contest):
    bot = cast(entry, contest, **BOT)
    person = cast(entry, contest, has_played=True, dwell=80.0, form_age=90.0, code_wait=30.0)
    unknown = cast(entry, contest)
    assert close_batch(contest) == {bot: "held", person: "counted", unknown: "counted"}
    held = db.session.scalars(select(VoteDecision).where(VoteDecision.vote_id == bot)).one()
    assert (held.actor, held.reason, held.rules) == ("rules", "score", "rules-1")
    assert '"automation"' in held.evidence and "203.0.113" not in held.evidence + held.words


def test_a_link_speaks_for_whoever_followed_it(entry, contest):
    vote = cast(entry, contest, via=f"own{entry.id:08}", **{**BOT, "has_language": True, "code_wait": 20.0})
    assert close_batch(contest) == {vote: "counted"}


def test_votes_that_were_counted_before_are_looked_at_together_with_later_ones(entry, contest):
    told = {"has_played": False, "dwell": 6.0, "form_age": 7.0, "code_wait": 8.0}
    early = [cast(entry, contest, at=NOW + timedelta(minutes=n), **told) for n in range(19)]
    assert set(close_batch(contest).values()) == {"counted"}
    late = cast(entry, contest, at=NOW + timedelta(minutes=30), **told)
    assert close_batch(contest) == {late: "held"}
    assert {states()[vote] for vote in early} == {"counted"}  # what was counted stays, until a person decides
    much_later = cast(entry, contest, at=NOW + timedelta(hours=30), **told)
    assert close_batch(contest) == {much_later: "counted"}  # alone in its window


def test_a_crowd_that_the_window_does_not_hold_is_judged_all_the_same(entry, contest, monkeypatch):
    book = replace(get_rulebook(), most_votes=2)
    monkeypatch.setattr(verdicts, "get_rulebook", lambda: book)
    votes = [cast(entry, contest, **BOT) for _ in range(5)]
    assert close_batch(contest) == dict.fromkeys(votes, "held")


def test_many_spellings_of_one_mailbox(entry, contest):
    votes = [
        cast(entry, contest, user=make_user(f"promo+{n}@firm.example"), has_played=True) for n in range(5)
    ]
    assert list(close_batch(contest).values()) == ["counted", *["held"] * 4] and len(votes) == 5


@pytest.mark.parametrize(
    ("email", "tiers", "word", "state"),
    [
        ("ana@mailinator.com", "email,oauth", None, "held"),
        ("ana@mailinator.com", "email", None, "counted"),  # nothing stronger could be shown
        (
            "ana@mailinator.com",
            "email,passkey",
            True,
            "counted",
        ),  # somebody in charge has said that it is fine
        ("ana@mail.clinic.example", "email,oauth", False, "held"),
        ("ana@clinic.example", "email,oauth", None, "counted"),
    ],
)
def test_an_address_for_a_short_while_holds_where_another_proof_counts(
    entry, contest, email, tiers, word, state
):
    contest.policy.tiers = tiers
    if word is not None:
        facts = {"reason": "Known.", "added_at": NOW, "ends_at": NOW + timedelta(hours=1)}
        db.session.add(
            MailDomain(domain=email.rpartition("@")[2], verdict="fine" if word else "step_up", **facts)
        )
    db.session.commit()
    vote = cast(entry, contest, user=make_user(email), has_played=True, dwell=80.0)
    assert close_batch(contest, NOW + timedelta(days=1)) == {vote: state}, "as it was when the vote was cast"


def test_whom_a_provider_vouches_for_needs_no_lasting_address(entry, contest):
    voter = make_user("ana@mailinator.com")
    save(
        Identity(
            user_id=voter.id,
            provider="oidc",
            issuer="https://id.example",
            subject="a",
            created_at=NOW,
            used_at=NOW,
        )
    )
    vote = cast(entry, contest, user=voter)
    assert close_batch(contest) == {vote: "counted"} and db.session.get(Vote, vote).tier == "oauth"


def test_a_forgotten_account_tells_nothing(entry, contest):
    assert judge_batch(db.session.connection(), contest.id, []) == {}
    assert split_address("") == ("", "", "", False, False)
    assert split_address("Ana.B+x9@Mailinator.com") == (
        "mailinator.com",
        "ana.b@mailinator.com",
        "ana.b",
        True,
        True,
    )
    assert split_address("voter1234@clinic.example")[2] == "voter"


def test_the_first_vote_since_a_moment_is_found_by_its_id(entry, contest):
    ids = [cast(entry, contest, at=NOW + timedelta(hours=n)) for n in range(5)]
    connection = db.session.connection()
    for place, vote_id in enumerate(ids):
        found = find_first_vote(connection, NOW + timedelta(hours=place))
        assert (ids[place - 1] if place else -1) < found <= vote_id
    assert find_first_vote(connection, NOW + timedelta(days=9)) == ids[-1] + 1
