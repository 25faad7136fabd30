"""The ledger's audit: a sound one has no difference, every planted corruption is found, on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import Connection, text

from quilt.audit.digest import digest_tables, spell_digests
from quilt.audit.ledger import OTHER_KEY, check_ledgers
from quilt.config import Settings
from quilt.database import db, write
from quilt.votes.decisions import Verdict, decide_votes
from tests.conftest import NOW
from tests.factories import count_plainly, make_contest, make_entry
from tests.votes.ledgers import SECRET, cast, run_batch, start_ledger

HOLD = Verdict("held", "rules", "lockstep", "rules-1")
GUARDED = ("ledger_leaf", "ledger_head", "vote_decision", "contest")
A_VOTE = "(SELECT min(vote_id) FROM ledger_leaf)"
LAST_LEAF = "number = (SELECT max(number) FROM ledger_leaf)"


@pytest.fixture
def own(settings: Settings) -> Settings:
    """The settings of whoever cast the votes of the tests."""
    return replace(settings, secret_key=SECRET)


@pytest.fixture
def contest(app: Flask, settings: Settings):
    """A ledger of three heads with every kind of leaf but the judges', and one decision that still waits."""
    contest = make_contest()
    start_ledger(settings, contest)
    entry, gone = make_entry(contest), make_entry(contest, is_eligible=False)
    votes = cast(entry, 8) + cast(gone, 2)
    run_batch(settings, contest, lambda *asked: {**count_plainly(*asked), **dict.fromkeys(votes[:3], HOLD)})
    cast(entry, 2)
    write(decide_votes, votes[:1], Verdict("rejected", "reviewer", "bought", "rules-1"), NOW)
    run_batch(settings, contest, at=NOW + timedelta(minutes=10))
    write(decide_votes, votes[1:2], Verdict("counted", "voter", "confirmed", "rules-1"), NOW)
    cast(entry, 1, NOW + timedelta(minutes=11))
    db.session.rollback()
    return contest


@pytest.fixture
def connection(contest) -> Iterator[Connection]:
    """A connection whose changes are taken back afterwards; whoever holds the machine can lift the guards."""
    with db.engine.connect() as connection, connection.begin() as moment:
        if connection.dialect.name == "sqlite":
            guards = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
            for (name,) in guards.all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            for table in GUARDED:
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        yield connection
        moment.rollback()


def audit(connection, settings, at=NOW + timedelta(minutes=12)):
    return {check.name: check for check in check_ledgers(connection, settings, at)}


def test_a_sound_ledger_agrees(connection, own):
    checks = audit(connection, own)
    assert [words for check in checks.values() for words in check.differences] == []
    assert {name: check.looked_at for name, check in checks.items()} == {
        "secret key": 12, "ledger leaves": 17, "ledger trees": 1, "tree heads": 3, "decisions": 13, "ledger states": 13,
        "ledger tallies": 5, "contests named": 31, "waiting votes": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "corruption"),
    [
        ("ledger leaves", f"DELETE FROM ledger_leaf WHERE {LAST_LEAF}"),
        ("ledger leaves", "DELETE FROM ledger_leaf WHERE number = 4"),
        ("tree heads", "UPDATE ledger_leaf SET line = replace(line, 'email', 'oauth') WHERE number = 1"),
        ("ledger leaves", "UPDATE ledger_leaf SET line = replace(line, ':', ': ') WHERE number = 2"),
        ("ledger leaves", f"UPDATE vote SET entry_id = (SELECT max(id) FROM entry) WHERE id = {A_VOTE}"),
        ("ledger leaves", f"UPDATE vote SET receipt = 'another' WHERE id = {A_VOTE}"),
        ("ledger leaves", "UPDATE ledger_leaf SET vote_id = NULL WHERE number = 3"),
        ("ledger leaves", "UPDATE ledger SET size = size + 1"),
        ("ledger trees", "UPDATE ledger_leaf SET line = replace(line, 'lockstep', 'lockstop')"),
        ("ledger trees", "DELETE FROM ledger_tile"),
        ("ledger trees", "INSERT INTO ledger_tile SELECT contest_id, 3, 0, hashes FROM ledger_tile"),
        ("tree heads", "DELETE FROM ledger_head WHERE number = 1"),
        ("tree heads", "DELETE FROM ledger_head WHERE number = 0"),
        ("tree heads", "UPDATE ledger_head SET line = replace(line, '00000000', '00000001') WHERE number = 0"),
        ("tree heads", "UPDATE ledger_head SET size = size + 1 WHERE number = 2"),
        ("tree heads", "DELETE FROM ledger_key"),
        ("tree heads", "UPDATE ledger SET name = 'another'"),
        ("tree heads", "UPDATE contest SET policy_json = NULL"),
        ("decisions", "DELETE FROM decision_inbox"),
        ("decisions", "UPDATE vote_decision SET reason = 'other' WHERE id = (SELECT min(id) FROM vote_decision)"),
        ("decisions", "UPDATE vote_decision SET actor = 'appeal' WHERE after = 'rejected'"),
        ("ledger states", f"UPDATE vote SET state = 'withdrawn' WHERE id = {A_VOTE}"),
        ("ledger states", "UPDATE vote SET state = 'counted' WHERE state = 'recorded'"),
        ("ledger tallies", "UPDATE ledger_tally SET votes = votes + 1 WHERE state = 'counted'"),
        ("ledger tallies", "DELETE FROM ledger_tally WHERE state = 'rejected'"),
        ("ledger tallies", "DELETE FROM ledger_entry"),
        ("ledger tallies", "DELETE FROM ledger_results"),
        ("contests named", f"UPDATE ledger_leaf SET contest_id = 999 WHERE {LAST_LEAF}"),
        ("contests named", "UPDATE vote_decision SET contest_id = 999 WHERE id = (SELECT min(id) FROM vote_decision)"),
        ("waiting votes", "DELETE FROM ledger_leaf WHERE vote_id IS NOT NULL"),
    ],
)  # fmt: skip
def test_a_planted_corruption_is_found(connection, own, name, corruption):
    at = NOW + timedelta(hours=2)
    connection.execute(text("UPDATE ledger SET batch_at = :at"), {"at": at.replace(tzinfo=None) if
                       connection.dialect.name == "sqlite" else at})  # fmt: skip
    before = audit(connection, own, at)[name].differences
    assert connection.execute(text(corruption)).rowcount > 0
    found = audit(connection, own, at)[name]
    assert len(found.differences) > len(before)
    assert found.looked_at > 0


def test_another_secret_key_is_one_line(connection, own, settings):
    checks = audit(connection, settings)
    assert {name: check.differences for name, check in checks.items() if check.differences} == {
        "secret key": (OTHER_KEY,)
    }
    one = text(f"UPDATE vote SET receipt = 'another' WHERE id = {A_VOTE}")
    assert connection.execute(one).rowcount == 1
    assert audit(connection, settings)["secret key"].differences == (OTHER_KEY,)
    checks = audit(connection, own)  # with the right key it is that vote, and is told by its leaf
    assert checks["secret key"].differences == () and len(checks["ledger leaves"].differences) == 1


def test_a_vote_that_the_batches_passed_over_is_late(connection, own):
    late = audit(connection, own, NOW + timedelta(days=1))["waiting votes"]
    assert late.differences == ()  # no batch has run since: no worker runs, which readiness tells
    later = NOW + timedelta(minutes=60)
    at = later.replace(tzinfo=None) if connection.dialect.name == "sqlite" else later
    connection.execute(text("UPDATE ledger SET batch_at = :at"), {"at": at})
    (words,) = audit(connection, own, later)["waiting votes"].differences
    assert "is not in the ledger yet" in words


def test_the_digest_tells_every_change(connection, contest):
    before = digest_tables(connection)
    assert digest_tables(connection) == before
    assert len(before) == len(db.metadata.tables)
    connection.execute(text("UPDATE vote SET cast_at = cast_at WHERE id > 0"))
    assert digest_tables(connection) == before
    connection.execute(text(f"UPDATE vote SET receipt = 'another' WHERE id = {A_VOTE}"))
    changed = [one.name for one, other in zip(digest_tables(connection), before, strict=True) if one != other]
    assert changed == ["vote"]
    lines = list(spell_digests(before))
    assert len(lines) == len(before) + 1 and lines[-1].startswith("all ")
