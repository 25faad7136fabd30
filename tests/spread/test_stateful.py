"""Any sequence of arrivals, votes, folds, crashes, exclusions and recounts gives what brute force gives.

Once for the core in memory, once for the services on a database. Both say how many figures were compared.
"""

import random
import secrets
from collections import Counter
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, delete, func, select
from sqlalchemy.exc import DBAPIError

from quilt.arrivals.bulk import PLAIN
from quilt.arrivals.exclusions import (
    AlreadyExcluded,
    NotExcluded,
    exclude_arrival,
    list_log,
    restore_arrival,
)
from quilt.arrivals.fold import fold_entry, fold_within
from quilt.arrivals.models import (
    ArrivalInbox,
    ArrivalStat,
    EntryChannel,
    EntryGeneration,
    EntrySpread,
)
from quilt.arrivals.nodes import Visit
from quilt.arrivals.queries import get_measures
from quilt.arrivals.service import record_arrival
from quilt.database import db, write
from quilt.spread.fold import NewNode, NodeStat, fold, recount
from quilt.spread.measures import EMPTY, Measures
from quilt.spread.tree import build_tree
from quilt.votes.queries import build_policy
from quilt.votes.service import Ballot, cast_vote
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user
from tests.spread.oracle import Oracle, Person, Truth
from tests.spread.trees import find_missing, find_missing_parents
from tests.spreads import recount_entry

FEWEST_CHECKS = 50_000
CHANNELS = ("", "wa", "fb")
PLACES = st.integers(0, 10**6)
NEWCOMERS = st.lists(st.tuples(PLACES, st.sampled_from(CHANNELS)), min_size=1, max_size=6)


class Crash(Exception):
    """What was begun is not finished."""


def compare_measures(measures: Measures, truth: Truth) -> int:
    """Compare the figures of the whole tree; returns how many there are."""
    pairs = [
        (measures.size, truth.size),
        (measures.total_depth, truth.total_depth),
        (measures.squared_sizes, truth.squared_sizes),
        (measures.wiener_index, truth.wiener_index),
        (measures.breadth, truth.breadth),
        (measures.passed_on, truth.passed_on),
    ]
    for found, expected in pairs:
        assert found == expected
    if truth.structural_virality is None:
        assert measures.structural_virality is None
    else:
        assert measures.structural_virality == pytest.approx(truth.structural_virality, rel=1e-12)
    return len(pairs) + 1


def compare_rows(found: dict[Any, Any], expected: dict[Any, Any]) -> int:
    """Compare row by row, so that a difference names its row; returns how many there are."""
    for key in found.keys() | expected.keys():
        assert found.get(key) == expected.get(key), key
    return len(expected)


class CoreMachine(RuleBasedStateMachine):
    """The core alone: its folds and recounts, with what they are given kept in a dictionary."""

    checks: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.oracle = Oracle()
        self.inbox: list[int] = []
        self.ballots: dict[int, int] = {}
        self.measures = EMPTY
        self.stored: dict[int, NodeStat] = {}

    @initialize(size=st.integers(0, 40), seed=PLACES)
    def grow(self, size: int, seed: int) -> None:
        chance = random.Random(seed)
        self.arrive([(chance.randrange(10**6), "") for _ in range(size)])
        self.fold(size)

    @rule(newcomers=NEWCOMERS)
    def arrive(self, newcomers: list[tuple[int, str]]) -> None:
        for place, channel in newcomers:
            number = len(self.oracle.people) + 1
            parent = place % number or None
            if parent is not None and self.oracle.people[parent].is_excluded:
                parent = None
            self.oracle.people[number] = Person(parent, channel)
            self.oracle.waiting.add(number)
            self.inbox.append(number)

    @precondition(lambda self: self.oracle.people)
    @rule(place=PLACES, amount=st.sampled_from((1, 1, 2, -1)))
    def vote(self, place: int, amount: int) -> None:
        person = place % len(self.oracle.people) + 1
        self.ballots[person] = self.ballots.get(person, 0) + amount

    @precondition(lambda self: self.oracle.people)
    @rule(place=PLACES)
    def exclude_or_restore(self, place: int) -> None:
        person = self.oracle.people[place % len(self.oracle.people) + 1]
        person.is_excluded = not person.is_excluded
        self.recount()

    @rule(most=st.integers(1, 12))
    def fold(self, most: int) -> None:
        self._fold(most)

    @rule(most=st.integers(1, 12))
    def crash(self, most: int) -> None:
        """A fold whose outcome is thrown away leaves nothing behind."""
        before = (self.measures, dict(self.stored), list(self.inbox), dict(self.ballots))
        self._prepare(most)
        assert before == (self.measures, self.stored, self.inbox, self.ballots)

    @rule()
    def recount(self) -> None:
        links = [
            (number, person.parent)
            for number, person in self.oracle.people.items()
            if number not in self.oracle.waiting
        ]
        excluded = {number for number, person in self.oracle.people.items() if person.is_excluded}
        votes = {number: person.votes for number, person in self.oracle.people.items()}
        counted = recount(build_tree(links, excluded), dict(votes))
        self.measures, self.stored = counted.measures, dict(counted.changed)

    @invariant()
    def check(self) -> None:
        truth = self.oracle.count()
        self.checks["figures"] += compare_measures(self.measures, truth)
        stats = {number: tuple(stat[2:]) for number, stat in self.stored.items()}
        self.checks["people"] += compare_rows(stats, truth.stats)

    def _fold(self, most: int) -> None:
        folded, taken, ballots = self._prepare(most)
        self.measures = folded.measures
        self.stored.update(folded.changed)
        self.inbox = self.inbox[most:]
        self.oracle.waiting.difference_update(taken)
        for person, amount in ballots.items():
            self.oracle.people[person].votes += amount
            del self.ballots[person]

    def _prepare(self, most: int) -> tuple[Any, list[int], dict[int, int]]:
        taken = self.inbox[:most]
        still = set(self.inbox[most:])
        new = [self._describe(number) for number in taken if not self.oracle.is_out(number)]
        ballots = {person: amount for person, amount in self.ballots.items() if person not in still}
        votes: dict[int | None, int] = {
            person: amount for person, amount in ballots.items() if not self.oracle.is_out(person)
        }
        known: dict[int, NodeStat] = {}
        missing = find_missing(new, known, votes)
        while missing:
            fetched = {number: self.stored[number] for number in missing}
            known |= fetched
            missing = find_missing_parents(fetched.values(), known)
        return fold(self.measures, new, known, votes), taken, ballots

    def _describe(self, number: int) -> NewNode:
        depth, here = 0, number
        while here:
            depth, here = depth + 1, self.oracle.people[here].parent or 0
        return NewNode(number, self.oracle.people[number].parent, depth)


class ServicesMachine(RuleBasedStateMachine):
    """The services that requests use, and the fold, on a database with everything in it."""

    checks: ClassVar[Counter[str]] = Counter()
    losing: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        contest = make_contest()
        self.policy = build_policy(contest)
        self.entry_id = make_entry(contest).id
        self.moderator = make_user(role="moderator").id
        self.oracle = Oracle()
        self.codes: dict[int, str] = {}
        self.votes: Counter[int] = Counter()
        self.returns: Counter[int] = Counter()
        self.decisions = 0

    @initialize(size=st.integers(60, 110), seed=PLACES)
    def grow(self, size: int, seed: int) -> None:
        chance = random.Random(seed)
        self.arrive([(chance.randrange(10**6), chance.choice(CHANNELS)) for _ in range(size)])
        self.fold()

    @rule(newcomers=NEWCOMERS)
    def arrive(self, newcomers: list[tuple[int, str]]) -> None:
        """By somebody's link, or by nobody's; who comes by an excluded one's is the entry's own child."""
        for place, channel in newcomers:
            known = sorted(self.codes)
            parent = known[place % len(known)] if known and place % 5 else None
            visit = Visit(
                self.entry_id,
                secrets.token_bytes(8),
                via=self.codes[parent] if parent else "",
                channel=channel,
            )
            node = record_arrival(visit, secrets.token_bytes(16), now=NOW, entropy=secrets.token_bytes)
            if parent is not None and self.oracle.people[parent].is_excluded:
                parent = None
            self.oracle.people[node.arrival_id] = Person(parent, channel)
            self.codes[node.arrival_id] = node.code

    @rule(place=PLACES)
    def vote(self, place: int) -> None:
        person = self._pick(place)
        if self.votes[person]:
            return
        user = make_user().id
        visit = Visit(self.entry_id, None, own_code=self.codes[person])
        ballot = Ballot(user, "email", visit)
        cast_vote(ballot, self.policy, secret="s", now=NOW, entropy=secrets.token_bytes)
        self.votes[person] += 1

    @rule(place=PLACES)
    def come_back(self, place: int) -> None:
        person = self._pick(place)
        visit = Visit(self.entry_id, None, own_code=self.codes[person])
        node = record_arrival(visit, secrets.token_bytes(16), now=NOW, entropy=secrets.token_bytes)
        assert (node.arrival_id, node.is_new) == (person, False)
        self.returns[person] += 1

    @rule(place=PLACES)
    def exclude_or_restore(self, place: int) -> None:
        person = self._pick(place)
        was_excluded = self.oracle.people[person].is_excluded
        decide, other = (
            (restore_arrival, exclude_arrival) if was_excluded else (exclude_arrival, restore_arrival)
        )
        with pytest.raises(AlreadyExcluded if was_excluded else NotExcluded):
            other(person, self.moderator, "By mistake.", now=NOW)
        decide(person, self.moderator, "So it is.", now=NOW)
        self.oracle.people[person].is_excluded = not was_excluded
        self.decisions += 1

    @rule()
    def fold(self) -> None:
        if self.losing:
            newest = select(func.max(ArrivalInbox.id)).where(ArrivalInbox.entry_id == self.entry_id)
            write(
                lambda connection: connection.execute(
                    delete(ArrivalInbox).where(ArrivalInbox.id == newest.scalar_subquery())
                )
            )
        fold_entry(self.entry_id, NOW)

    @rule(instructions=st.integers(1, 20_000))
    def crash(self, instructions: int) -> None:
        """A fold that dies somewhere on its way, or just before it commits, has not been."""
        with pytest.raises((Crash, DBAPIError, OSError, self._driver_error())):
            write(lambda connection: self._die(connection, instructions))

    @rule()
    def recount(self) -> None:
        recount_entry(self.entry_id, NOW)

    @invariant()
    def check(self) -> None:
        db.session.rollback()
        self._read_inbox()
        truth = self.oracle.count()
        self.checks["figures"] += compare_measures(get_measures(self.entry_id), truth)
        self._check_spread(truth)
        self._check_tables(truth)
        self.checks["log"] += 1
        assert len(list_log(self.entry_id, 999)) == self.decisions

    def _read_inbox(self) -> None:
        """Whatever waits is not counted yet; whoever does not wait must be."""
        rows = db.session.execute(
            select(ArrivalInbox.__table__).where(ArrivalInbox.entry_id == self.entry_id)
        ).all()
        self.oracle.waiting = {row.arrival_id for row in rows if row.is_new}
        votes, self.waiting_returns = Counter(self.votes), Counter[int]()
        for row in rows:
            votes[row.arrival_id] -= row.votes
            self.waiting_returns[row.arrival_id] += row.returns
        for number, person in self.oracle.people.items():
            person.votes = votes[number]

    def _check_spread(self, truth: Truth) -> None:
        row = db.session.get(EntrySpread, self.entry_id, populate_existing=True)
        if row is None:
            assert truth.size == 1
            return
        votes = sum(stat[2] for stat in truth.stats.values())
        shared = sum(votes for generation, (_, votes) in truth.generations.items() if generation >= 2)
        expected = (len(truth.breadth) - 1, max(truth.breadth), votes, shared)
        assert (row.max_depth, row.max_breadth, row.votes_count, row.shared_votes_count) == expected
        self.checks["figures"] += len(expected)

    def _check_tables(self, truth: Truth) -> None:
        rows = db.session.execute(
            select(ArrivalStat.__table__).where(ArrivalStat.entry_id == self.entry_id)
        ).all()
        counted = dict.fromkeys(truth.stats, PLAIN) | {
            row.arrival_id: (row.subtree_size, row.children_count, row.votes_self, row.votes_subtree)
            for row in rows
            if row.arrival_id in truth.stats
        }
        self.checks["people"] += compare_rows(counted, truth.stats)
        returns = {row.arrival_id: row.returns_count for row in rows if row.returns_count}
        self.checks["returns"] += compare_rows(returns, dict(self.returns - self.waiting_returns))
        own = {row.arrival_id: row.votes_self for row in rows if row.votes_self}
        votes = {number: person.votes for number, person in self.oracle.people.items() if person.votes}
        self.checks["votes"] += compare_rows(own, votes)
        for table, key, truths, more in (
            (EntryGeneration, EntryGeneration.generation, truth.generations, ()),
            (EntryChannel, EntryChannel.channel, truth.channels, ("voters_count", "brought_count")),
        ):
            columns = [getattr(table, name) for name in ("people_count", "votes_count", *more)]
            stored = db.session.execute(select(key, *columns).where(table.entry_id == self.entry_id))
            found = {name: tuple(row) for name, *row in stored if name != 0 and any(row)}
            self.checks["groups"] += compare_rows(found, truths)

    def _pick(self, place: int) -> int:
        """Anybody; half of the time somebody who is left out, where anybody is."""
        known = sorted(self.codes)
        out = [person for person in known if self.oracle.is_out(person)]
        known = out if out and place % 2 else known
        return known[place // 2 % len(known)]

    def _die(self, connection: Connection, instructions: int) -> None:
        raw: Any = connection.connection.driver_connection
        is_sqlite = connection.dialect.name == "sqlite"
        if is_sqlite:
            raw.set_progress_handler(lambda: True, instructions)
        try:
            fold_within(connection, self.entry_id, NOW)
            raise Crash
        finally:
            if is_sqlite:
                raw.set_progress_handler(None, 0)

    @staticmethod
    def _driver_error() -> type[Exception]:
        driver: Any = db.engine.dialect.dbapi
        error: type[Exception] = driver.Error
        return error


def play(machine: type[RuleBasedStateMachine], examples: int, steps: int, phases: tuple[Phase, ...]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=False,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.slow
def test_the_core_equals_brute_force(capsys):
    CoreMachine.checks.clear()
    play(CoreMachine, 120, 40, (Phase.generate,))
    say(capsys, "core", CoreMachine.checks)


@pytest.mark.slow
def test_the_services_equal_brute_force(app, capsys):
    ServicesMachine.checks.clear()
    play(ServicesMachine, 45, 25, (Phase.generate,))
    say(capsys, f"services on {db.engine.dialect.name}", ServicesMachine.checks)


def test_a_fold_that_loses_a_row_is_caught(app):
    losing = type("LosingMachine", (ServicesMachine,), {"losing": True})
    with pytest.raises(AssertionError):
        play(losing, 40, 25, (Phase.generate,))


def say(capsys, name, checks):
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(checks.items()))
    with capsys.disabled():
        print(f"\n{name}: {sum(checks.values()):,} checks against brute force ({kinds})")
    assert sum(checks.values()) >= FEWEST_CHECKS
