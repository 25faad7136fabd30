"""One identity of a provider stands behind one voter of a contest, whoever signs in with it later."""

import secrets

import pytest
from sqlalchemy import delete, func, select, update

from quilt.accounts.models import User
from quilt.accounts.models_identity import Identity
from quilt.arrivals.nodes import Visit
from quilt.audit.counters import check_ballots
from quilt.contests.models import Contest
from quilt.database import db, transaction
from quilt.votes.casting_models import VoterIdentity
from quilt.votes.models import Vote, Voter
from quilt.votes.privacy import forget_voter
from quilt.votes.queries import build_policy
from quilt.votes.rules import AlreadyVoted, IdentityUsed, WrongTier
from quilt.votes.service import Ballot, cast_vote
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user, save

ISSUER = "https://id.example"


@pytest.fixture
def contest(app):
    return make_contest(tiers="oauth")


def vote_for(entry, user):
    policy = build_policy(db.session.get(Contest, entry.contest_id))
    ballot = Ballot(user.id, "email", Visit(entry.id, b"visit" + user.id.to_bytes(4)))
    receipt = cast_vote(ballot, policy, secret="s", now=NOW, entropy=secrets.token_bytes)
    db.session.rollback()
    return receipt


def connect(user, subject="ana", issuer=ISSUER):
    """The identity becomes this person's, and nobody else's."""
    with transaction() as session:
        session.execute(delete(Identity).where(Identity.issuer == issuer, Identity.subject == subject))
    names = {"provider": "oidc", "issuer": issuer, "subject": subject}
    save(Identity(user_id=user.id, created_at=NOW, used_at=NOW, **names))
    return user


def count(model):
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model))


def test_D41_one_identity_votes_once_however_many_accounts_it_visits(contest):
    entry = make_entry(contest)
    vote_for(entry, connect(make_user()))
    for _ in range(3):
        with pytest.raises(IdentityUsed):
            vote_for(entry, connect(make_user()))
    assert (count(Vote), count(Voter), count(VoterIdentity)) == (1, 1, 1)


def test_also_for_another_entry_and_after_the_account_is_gone(contest):
    first, second = make_entry(contest), make_entry(contest)
    voter = connect(make_user())
    vote_for(first, voter)
    with transaction() as session:
        forget_voter(session, voter.id, NOW)
    with pytest.raises(IdentityUsed):
        vote_for(second, connect(make_user()))
    other = make_contest(tiers="oauth", voter_salt=b"another")
    vote_for(make_entry(other), connect(make_user()))
    keys = set(db.session.scalars(select(VoterIdentity.key)))
    assert len(keys) == 2


def test_who_votes_with_two_identities_uses_both(contest):
    entry, other = make_entry(contest), make_entry(contest)
    voter = connect(connect(make_user()), issuer="https://other.example")
    vote_for(entry, voter)
    vote_for(other, voter)
    with pytest.raises(AlreadyVoted):
        vote_for(entry, voter)
    with pytest.raises(IdentityUsed):
        vote_for(entry, connect(make_user(), issuer="https://other.example"))
    assert check_ballots(db.session.connection()).differences == ()


def test_an_unproven_address_that_nobody_vouches_for_any_more_proves_nothing(contest):
    entry, voter = make_entry(contest), make_user(is_proven=False)
    with pytest.raises(WrongTier):
        vote_for(entry, voter)
    vote_for(entry, connect(voter))
    with transaction() as session:
        session.execute(delete(Identity))
        session.execute(update(User).values(is_proven=True))
    with pytest.raises(WrongTier):
        vote_for(make_entry(contest), voter)


def test_who_proves_an_address_is_not_asked_for_identities(app):
    entry, voter = make_entry(make_contest()), connect(make_user())
    vote_for(entry, voter)
    assert count(VoterIdentity) == 0
    vote_for(entry, connect(make_user()))
    assert count(Vote) == 2


def test_an_identity_noted_in_another_contest_is_found(contest):
    vote_for(make_entry(contest), connect(make_user()))
    other = make_contest()
    with transaction() as session:
        session.execute(update(VoterIdentity).values(contest_id=other.id))
    assert len(check_ballots(db.session.connection()).differences) == 2
