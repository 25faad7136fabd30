"""Votes cast in a group come to the same as votes cast one by one, on both databases."""

import random
from itertools import count

import pytest
from sqlalchemy import func, select, text

from quilt.accounts.models import User
from quilt.accounts.models_identity import Identity
from quilt.arrivals.models import Arrival, ArrivalInbox, NamedLink
from quilt.arrivals.nodes import Visit
from quilt.arrivals.service import record_arrival
from quilt.audit.counters import check_ballots, check_tallies
from quilt.audit.trees import check_arrivals
from quilt.contests.models import Contest
from quilt.database import db, get_engine
from quilt.votes.ballots import Ballot
from quilt.votes.casting_models import VoteKey
from quilt.votes.models import EntryTally, Vote, Voter
from quilt.votes.queries import build_policy
from quilt.votes.rules import VoteRefused
from quilt.votes.together import Crossed, cast_many, cast_one
from quilt.writing import Committer, Piece, runs_together
from tests.conftest import NOW, empty_tables
from tests.factories import make_contest, make_entry, make_user, save


class Scene:
    """A contest with two votes a person, and a crowd with every peculiarity that a vote can have."""

    def __init__(self):
        numbers = count(1)
        self.entropy = lambda length: next(numbers).to_bytes(length)
        contest = make_contest(limit_count=2)
        self.policy = build_policy(db.session.get(Contest, contest.id))
        self.entries = [make_entry(contest).id for _ in range(3)]
        self.elsewhere = make_entry(make_contest(slug="other")).id
        self.hidden = make_entry(contest, state="draft").id
        self.own = db.session.scalar(text(f"SELECT entrant_id FROM entry WHERE id = {self.entries[0]}"))
        self.people = [make_user(f"p{number}@example.org").id for number in range(30)]
        self.alias = make_user("p1+again@example.org").id
        self.short_lived = make_user("x@mailinator.com").id
        self.vouched = make_user("y@mailinator.com").id
        self.unproven = make_user("z@example.org", is_proven=False).id
        for user, subject in ((self.vouched, "y"), (self.unproven, "z")):
            names = {"provider": "oidc", "issuer": "https://id.example", "subject": subject}
            save(Identity(user_id=user, created_at=NOW, used_at=NOW, **names))
        save(NamedLink(entry_id=self.entries[0], code="named000000", label="clinic", created_at=NOW))
        self.known = [self.arrive(number) for number in range(3)]
        one_by_one(self, [self.wish(20, 0), self.wish(20, 1), self.wish(21, 0)])

    def arrive(self, number):
        visit = Visit(self.entries[0], b"arrived%d" % number)
        return record_arrival(visit, None, now=NOW, entropy=self.entropy).code

    def wish(self, person, entry, *, user=None, key=None, epoch=None, visitor=None, **visit):
        user = user or self.people[person]
        entry_id = entry if entry > 2 else self.entries[entry]
        seen = Visit(entry_id, visitor or b"visitor%d" % person, **visit)
        return Ballot(user, "email", seen, epoch, b"marks", key), self.policy, "secret", NOW, self.entropy

    def list_wishes(self):
        """Plain ones, known ones, refused ones of every kind, and those that only go alone."""
        first, second, third = self.known
        return [
            self.wish(0, 0), self.wish(1, 1, via=first, channel="wa"), self.wish(2, 0, own_code=second),
            self.wish(3, 0, own_code=second), self.wish(4, 0, via="named000000"), self.wish(5, 0, via="nobodys0000"),
            self.wish(6, 1, via=third, own_code="wrong000000"), self.wish(7, 0, visitor=b"visitor0"),
            self.wish(20, 2), self.wish(21, 0), self.wish(21, 1), self.wish(22, self.elsewhere),
            self.wish(22, self.hidden), self.wish(23, 999_999), self.wish(24, 0, epoch=7), self.wish(25, 0, epoch=0),
            self.wish(26, 0, user=self.own), self.wish(27, 1, user=self.alias), self.wish(28, 0, user=self.short_lived),
            self.wish(28, 0, user=self.vouched), self.wish(29, 0, user=self.unproven), self.wish(10, 0, key=b"k" * 32),
            self.wish(11, 0), self.wish(11, 1), self.wish(11, 2), self.wish(12, 2), self.wish(12, 2),
        ]  # fmt: skip


def one_by_one(_scene, wishes):
    return [cast_alone(wish) for wish in wishes]


def cast_alone(wish):
    try:
        with get_engine().begin() as connection:
            return cast_one(connection, *wish)
    except VoteRefused as refused:
        return refused


def in_a_group(_scene, wishes):
    with get_engine().begin() as connection:
        return cast_many(connection, wishes)


def describe(outcome):
    return type(outcome).__name__ if isinstance(outcome, Exception) else "cast"


def read_tables(base):
    """What the tables hold, with entries counted from `base`, without what chance or order gave."""
    db.session.rollback()
    votes = (
        select(
            User.email, Vote.entry_id - base, Vote.period, Vote.slot, Vote.state, Vote.last_channel, Vote.last_code,
            Vote.evidence, Vote.cast_at, Vote.tier, Arrival.depth, Arrival.channel, NamedLink.label,
            func.length(Arrival.visitor_key),
        )
        .join(Voter, Voter.id == Vote.voter_id)
        .join(User, User.id == Voter.user_id)
        .join(Arrival, Arrival.id == Vote.arrival_id)
        .outerjoin(NamedLink, NamedLink.id == Arrival.link_id)
    )  # fmt: skip
    inbox = select(
        ArrivalInbox.entry_id - base, func.count(), func.sum(ArrivalInbox.votes), func.sum(ArrivalInbox.returns)
    ).group_by(ArrivalInbox.entry_id)  # fmt: skip
    tallies = select(EntryTally.entry_id - base, EntryTally.standing)
    people = select(Arrival.entry_id - base, Arrival.depth, func.count()).group_by(
        Arrival.entry_id, Arrival.depth
    )
    keys = select(VoteKey.digest, VoteKey.entry_id - base)
    return [sorted(map(repr, db.session.execute(what))) for what in (votes, inbox, tallies, people, keys)]


def test_a_group_comes_to_the_same_as_one_by_one(app):
    told = []
    for cast in (one_by_one, in_a_group):
        empty_tables()
        scene = Scene()
        base = scene.entries[0]
        outcomes = cast(scene, scene.list_wishes())
        assert check_ballots(db.session.connection()).differences == ()
        told.append(([describe(outcome) for outcome in outcomes], read_tables(base)))
    assert told[0] == told[1]
    assert len(set(told[0][0])) == 6 and told[0][0].count("cast") == 18


@pytest.mark.parametrize("seed", range(8))
def test_whatever_comes_together_the_counters_equal_the_rows(app, seed):
    chance, scene = random.Random(seed), Scene()
    codes = [*scene.known, "", "", "named000000", "nobodys0000"]
    cast = []
    for _ in range(6):
        wishes = [
            scene.wish(
                chance.randrange(12), chance.randrange(3), visitor=b"visitor%d" % chance.randrange(8),
                via=chance.choice(codes), own_code=chance.choice(codes),
            )
            for _ in range(chance.choice([1, 2, 31, 32, 33, 70]))
        ]  # fmt: skip
        outcomes = in_a_group(scene, wishes)
        cast += [outcome for outcome in outcomes if not isinstance(outcome, Exception)]
        codes += [outcome.node.code for outcome in cast]
        connection = db.session.connection()
        for check in (check_ballots, check_tallies, check_arrivals):
            assert check(connection).differences == (), check.__name__
        db.session.rollback()
    assert len({outcome.receipt for outcome in cast}) == len(cast) > 12
    # Everybody has votes from arrivals of their own.
    shared = (
        select(Vote.arrival_id).group_by(Vote.arrival_id).having(func.count(func.distinct(Vote.voter_id)) > 1)
    )
    assert db.session.scalars(shared).all() == []


def cross(connection, calls):
    """A group in which a parallel transaction is always quicker with one of the votes."""
    cast_many(connection, calls)
    raise Crossed


@runs_together(cross)
def cast_crossed(connection, *call):
    return cast_one(connection, *call)


def test_a_group_that_was_crossed_is_cast_one_by_one_and_leaves_nothing_behind(app):
    scene = Scene()
    group = [Piece(cast_crossed, scene.wish(person, 0)) for person in range(4)]
    committer = Committer(get_engine())
    committer.commit(group)
    committer.close()
    assert [piece.error for piece in group] == [None] * 4
    assert len({piece.result.receipt for piece in group}) == 4
    assert db.session.scalar(select(func.count()).select_from(Vote)) == 3 + 4
    assert check_ballots(db.session.connection()).differences == ()
