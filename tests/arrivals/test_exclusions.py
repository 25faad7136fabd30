"""Branches that leave the figures and return, with their log, on both databases."""

import secrets
from collections import Counter

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from quilt.arrivals.exclusions import (
    MOST_REASON,
    AlreadyExcluded,
    NotExcluded,
    ReasonRefused,
    UnknownArrival,
    exclude_arrival,
    list_branches,
    list_excluded,
    list_log,
    restore_arrival,
)
from quilt.arrivals.fold import fold_entry
from quilt.arrivals.models import Arrival, ArrivalStat, ExclusionLog
from quilt.arrivals.nodes import Visit, describe_event, put_in_inbox
from quilt.arrivals.queries import describe_spread, get_measures
from quilt.arrivals.service import record_arrival
from quilt.audit.trees import check_spreads
from quilt.database import db, write
from quilt.spread.measures import measure
from tests.arrivals.test_fold import snapshot
from tests.conftest import NOW
from tests.factories import make_entry, make_user
from tests.spread.trees import tree
from tests.spreads import recount_entry

NOTATION = "a, b, c<a, d<a, e<d, f<e, g<b"


class Family:
    """An entry with people who came by one another's links, by name."""

    def __init__(self, notation=NOTATION, is_folded=True):
        self.entry = make_entry()
        self.moderator = make_user(name="Ana", role="moderator").id
        self.nodes = {}
        for item in filter(None, notation.split(", ")):
            name, _, parent = item.partition("<")
            self.add(name, parent)
        if is_folded:
            self.fold()

    def add(self, name, parent=""):
        via = self.nodes[parent].code if parent else ""
        visit = Visit(self.entry.id, name.encode(), via=via, channel="wa")
        self.nodes[name] = record_arrival(visit, None, now=NOW, entropy=secrets.token_bytes)

    def tell(self, name, **what):
        arrival_id = self.nodes[name].arrival_id
        write(
            lambda connection: put_in_inbox(connection, [describe_event(self.entry.id, arrival_id, **what)])
        )

    def fold(self):
        return fold_entry(self.entry.id, NOW)

    def exclude(self, name, reason="A burst of one network."):
        return self._decide(exclude_arrival, name, reason)

    def restore(self, name, reason="They wrote to us."):
        return self._decide(restore_arrival, name, reason)

    def _decide(self, decision, name, reason):
        try:
            return decision(self.nodes[name].arrival_id, self.moderator, reason, now=NOW)
        finally:
            db.session.rollback()  # what the test reads next is read afresh

    def measure(self):
        db.session.rollback()
        return get_measures(self.entry.id)


@pytest.fixture
def family(app):
    return Family()


def test_a_branch_leaves_and_returns_in_every_figure(family):
    before = snapshot(family.entry)
    done = family.exclude("d")
    assert (done.entry_id, done.arrival_id, done.people) == (
        family.entry.id,
        family.nodes["d"].arrival_id,
        3,
    )
    assert family.measure() == measure(tree("a, b, c<a, g<b"))
    assert describe_spread(family.entry.id).reach == 4
    assert family.restore("d").people == 3
    assert snapshot(family.entry) == before
    assert family.measure() == measure(tree(NOTATION))


def test_only_the_arrivals_own_state_changes(family):
    family.exclude("d")
    states = Counter(db.session.scalars(select(Arrival.state)))
    assert states == {"live": 6, "excluded": 1}


def test_what_is_excluded_within_a_branch_stays_out_when_the_branch_returns(family):
    family.exclude("e")
    assert family.exclude("a").people == 3  # a, c and d: e and f are out already
    assert family.restore("a").people == 3
    assert family.measure() == measure(tree("a, b, c<a, d<a, g<b"))
    assert family.exclude("a").people == 3
    assert family.restore("e").people == 0  # it hangs below a, which is still out
    assert family.measure() == measure(tree("b, g<b"))
    assert family.restore("a").people == 5
    assert family.measure() == measure(tree(NOTATION))


def test_who_comes_by_an_excluded_link_is_a_child_of_the_entry_and_counts(family):
    family.exclude("a")
    family.add("late", "a")
    family.fold()
    assert family.measure() == measure(tree("b, g<b, late"))
    family.restore("a")
    assert family.measure() == measure(tree(f"{NOTATION}, late"))


@pytest.mark.parametrize("more", [0, 60])
def test_who_comes_below_an_excluded_branch_counts_only_when_it_returns(family, more):
    """With many others around the fold goes by the touched nodes alone; with few it recounts."""
    others = [f"other{number}" for number in range(more)]
    for name in others:
        family.add(name)
    family.fold()
    family.exclude("d")
    family.add("late", "f")
    family.add("later", "late")
    family.tell("late", votes=1)
    family.tell("f", votes=1, returns=1)
    assert family.fold() == 4
    rest = "".join(f", {name}" for name in others)
    assert family.measure() == measure(tree(f"a, b, c<a, g<b{rest}"))
    assert describe_spread(family.entry.id).votes == 0
    left_out = snapshot(family.entry)
    recount_entry(family.entry.id, NOW)
    assert snapshot(family.entry) == left_out
    assert family.restore("d").people == 5
    assert family.measure() == measure(tree(f"{NOTATION}, late<f, later<late{rest}"))
    assert describe_spread(family.entry.id).votes == 2
    returns = select(ArrivalStat.returns_count).where(ArrivalStat.arrival_id == family.nodes["f"].arrival_id)
    assert db.session.scalar(returns) == 1


def test_a_branch_may_be_excluded_before_the_fold_took_it(app):
    family = Family(is_folded=False)
    assert family.exclude("d").people == 0
    assert family.fold() == 7
    assert family.measure() == measure(tree("a, b, c<a, g<b"))
    assert family.restore("d").people == 3
    assert family.measure() == measure(tree(NOTATION))


def test_a_recount_leaves_those_who_wait_to_the_fold(family):
    for number in range(20):
        family.add(f"other{number}", "a")
    family.fold()
    family.add("late", "f")
    assert recount_entry(family.entry.id, NOW).reach == 27
    assert family.fold() == 1
    assert family.measure().reach == 28
    folded = snapshot(family.entry)
    recount_entry(family.entry.id, NOW)
    assert snapshot(family.entry) == folded


def test_refusals_have_names_and_change_nothing(family):
    family.exclude("d")
    before = snapshot(family.entry)
    with pytest.raises(AlreadyExcluded):
        family.exclude("d")
    with pytest.raises(NotExcluded):
        family.restore("e")
    for reason in ("", "  \x00 ", "x" * (MOST_REASON + 1)):
        with pytest.raises(ReasonRefused):
            family.exclude("a", reason)
    with pytest.raises(UnknownArrival):
        exclude_arrival(999_999, family.moderator, "x", now=NOW)
    with pytest.raises(UnknownArrival):
        exclude_arrival(
            family.nodes["a"].arrival_id, family.moderator, "x", now=NOW, entry_id=family.entry.id + 1
        )
    assert snapshot(family.entry) == before
    assert len(list_log(family.entry.id, 9)) == 1


def test_the_log_says_who_when_which_and_why(family):
    family.exclude("d", " A burst.\x00 ")
    family.restore("d", "x" * MOST_REASON)
    newest, oldest = list_log(family.entry.id, 9)
    assert (oldest.arrival_id, oldest.is_excluded, oldest.reason, oldest.people) == (
        family.nodes["d"].arrival_id,
        True,
        "A burst.",
        3,
    )
    assert (oldest.actor_name, oldest.decided_at) == ("Ana", NOW)
    assert (newest.is_excluded, len(newest.reason)) == (False, MOST_REASON)
    assert len(list_log(family.entry.id, 1)) == 1 and list_log(family.entry.id + 1, 9) == []


@pytest.mark.parametrize(
    "change", ["UPDATE exclusion_log SET reason = 'nothing'", "DELETE FROM exclusion_log"]
)
def test_the_database_refuses_to_change_the_log(family, change):
    family.exclude("d")
    with pytest.raises(DatabaseError, match="only grows"), db.engine.begin() as connection:
        connection.execute(text(change))
    db.session.rollback()
    assert db.session.scalars(select(ExclusionLog.reason)).all() == ["A burst of one network."]


def test_the_largest_branches_and_the_excluded_ones_are_listed(family):
    family.exclude("e")
    ids = {node.arrival_id: name for name, node in family.nodes.items()}
    branches = [(ids[branch.arrival_id], branch.people) for branch in list_branches(family.entry.id, 3)]
    assert branches == [("a", 3), ("b", 2)]
    assert [ids[branch.arrival_id] for branch in list_branches(family.entry.id, 1)] == ["a"]
    assert [(ids[branch.arrival_id], branch.generation) for branch in list_excluded(family.entry.id)] == [
        ("e", 3)
    ]


def test_the_audit_agrees_with_branches_out_and_back(family):
    for step in (lambda: family.exclude("d"), lambda: family.exclude("a"), lambda: family.restore("d")):
        step()
        family.add(f"late{secrets.token_hex(2)}", "f")
        for _ in range(2):  # before the fold and after it
            with db.engine.connect() as connection:
                check = check_spreads(connection)
            assert (check.looked_at, check.differences) == (1, ())
            family.fold()


@pytest.mark.parametrize(
    "corruption",
    [
        "UPDATE arrival SET state = 'live' WHERE state = 'excluded'",
        "UPDATE arrival SET state = 'excluded' WHERE parent_id IS NULL",
        "UPDATE arrival_stat SET subtree_size = 3 WHERE subtree_size = 0",
        "UPDATE arrival_stat SET votes_self = 3 WHERE subtree_size = 0",
        "UPDATE entry_spread SET size = size + 3",
    ],
)
def test_the_audit_sees_what_does_not_fit_an_exclusion(family, corruption):
    family.exclude("d")
    with db.engine.connect() as connection, connection.begin() as moment:
        assert not check_spreads(connection).differences
        assert connection.execute(text(corruption)).rowcount > 0
        assert check_spreads(connection).differences
        moment.rollback()
