"""One identity of a provider moves from account to account while both vote: it stands behind one voter, always."""

import secrets
import threading
import time
from collections import Counter

from sqlalchemy import func, select, update

from quilt.accounts.models_identity import Identity
from quilt.arrivals.nodes import Visit
from quilt.contests.models import Contest
from quilt.database import db, write
from quilt.votes.casting_models import VoterIdentity
from quilt.votes.models import Vote, Voter
from quilt.votes.queries import build_policy
from quilt.votes.rules import VoteRefused
from quilt.votes.service import Ballot, cast_vote
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user, save

ROUNDS = 40
WAITS = (0.0, 0.001, 0.002, 0.004, 0.008, 0.05)  # seconds: before, amid and after the other's vote


def move(user_id):
    """The identity is disconnected where it was and connected here."""
    write(lambda connection: connection.execute(update(Identity).values(user_id=user_id)).rowcount)


def run_round(app, policy, entry_id, users, wait):
    """Both press, the second `wait` seconds later, when the identity is theirs; what each of them was told."""
    told, gate = Counter(), threading.Barrier(2)

    def press(user_id, takes_over):
        with app.app_context():
            gate.wait()
            if takes_over:
                time.sleep(wait)
                move(user_id)
            ballot = Ballot(user_id, "email", Visit(entry_id, user_id.to_bytes(8)))
            try:
                cast_vote(ballot, policy, secret="s", now=NOW, entropy=secrets.token_bytes)
                told["cast"] += 1
            except VoteRefused as refusal:
                told[type(refusal).__name__] += 1

    threads = [threading.Thread(target=press, args=(user, number == 1)) for number, user in enumerate(users)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def test_D41_two_accounts_with_one_identity_are_one_voter_also_at_once(app):
    told = Counter()
    for number in range(ROUNDS):
        contest = make_contest(tiers="oauth", voter_salt=b"salt %d" % number)
        entry_id, users = make_entry(contest).id, [make_user().id, make_user().id]
        policy = build_policy(db.session.get_one(Contest, contest.id))
        if number == 0:
            names = {"provider": "oidc", "issuer": "https://id.example", "subject": "ana"}
            save(Identity(user_id=users[0], created_at=NOW, used_at=NOW, **names))
        else:
            move(users[0])
        db.session.remove()
        told += run_round(app, policy, entry_id, users, WAITS[number % len(WAITS)])
        of_contest = select(func.count()).where(VoterIdentity.contest_id == policy.contest_id)
        assert db.session.scalar(of_contest) == 1
        db.session.remove()
    print(f"one identity of two accounts, {ROUNDS} rounds: {dict(told)}")
    assert told["cast"] == ROUNDS == sum(told.values()) - ROUNDS  # one of the two, each time
    assert told["IdentityUsed"] and set(told) <= {"cast", "IdentityUsed", "WrongTier"}
    counts = [db.session.scalar(select(func.count()).select_from(model)) for model in (Vote, Voter)]
    assert counts == [ROUNDS, ROUNDS]
